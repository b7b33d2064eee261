"""A Siamese network: pairs of rows of one class come near each other, others keep a distance.

`python -m examples.siamese` prints the share of new rows whose nearest other row is of their class.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

import pellucid as pel
from pellucid import nn, optim
from pellucid.graph import Tensor
from pellucid.train.steps.step import Step

MARGIN = 1.0
Rows = tuple[NDArray[np.float32], NDArray[np.int64]]


def classes(rows: int, seed: int = 0) -> Rows:
    """Rows of five classes that differ in 2 of 20 columns; the others are noise."""
    dice = np.random.default_rng(seed)
    labels = dice.integers(0, 5, rows)
    x = dice.normal(size=(rows, 20))
    x[:, 0] = 2 * np.cos(labels * 2 * np.pi / 5) + 0.3 * x[:, 0]
    x[:, 1] = 2 * np.sin(labels * 2 * np.pi / 5) + 0.3 * x[:, 1]
    return x.astype(np.float32), labels


def pairs(
    rows: int = 2_000,
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Left rows, right rows, and 1 where both are of one class."""
    x, labels = classes(rows)
    dice = np.random.default_rng(1)
    other = dice.permutation(rows)
    alike = dice.random(rows) < 0.5
    for label in range(5):
        chosen = np.flatnonzero(alike & (labels == label))
        other[chosen] = dice.choice(np.flatnonzero(labels == label), len(chosen))
    return x, x[other], (labels == labels[other]).astype(np.float32)


def trained(epochs: int = 30) -> nn.Module:
    """The embedding, by the contrastive loss (Hadsell, Chopra & LeCun 2006, eq. 4)."""
    net = nn.MLP([32], 3)
    adam = optim.Adam(3e-3)

    def step(step: Step, left: Tensor, right: Tensor, same: Tensor) -> None:
        distance = ((net(left) - net(right)).square().sum(-1) + 1e-8).sqrt()
        apart = pel.where(distance < MARGIN, MARGIN - distance, 0.0).square()
        loss = (same * distance.square() + (1.0 - same) * apart).mean()
        step.minimise(loss, net, adam)

    pel.fit_step(step, net, pairs(), epochs=epochs, progress=False)
    return net


def nearest_is_alike(rows: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """The share of rows whose nearest other row is of their class."""
    distances = ((rows[:, None] - rows[None]) ** 2).sum(-1)
    np.fill_diagonal(distances, np.inf)
    return float((labels[distances.argmin(1)] == labels).mean())


def main() -> None:
    """Train, and compare neighbours before and after."""
    x, labels = classes(400, 2)
    before, after = nearest_is_alike(x, labels), nearest_is_alike(trained()(x).numpy(), labels)
    print(f"nearest row of the same class: {before:.0%} of rows, embedded {after:.0%}")


if __name__ == "__main__":
    main()
