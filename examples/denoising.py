"""A denoising autoencoder: it sees rows with noise, and learns to give them back without.

`python -m examples.denoising` prints the error of noisy rows before and after the network.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

import pellucid as pel
from pellucid import nn, optim
from pellucid.graph import Tensor
from pellucid.train.steps.step import Step

NOISE = 0.5


def waves(rows: int, seed: int = 0) -> NDArray[np.float32]:
    """Sines of 24 values, of any phase and one of three frequencies."""
    dice = np.random.default_rng(seed)
    phase, cycles = dice.uniform(0, 2 * np.pi, (rows, 1)), dice.integers(1, 4, (rows, 1))
    return np.sin(cycles * np.linspace(0, 2 * np.pi, 24) + phase).astype(np.float32)


def trained(epochs: int = 40) -> nn.Module:
    """The autoencoder (Vincent et al. 2008); its noise is drawn anew in each step."""
    net = nn.Sequential(
        nn.Linear(32), nn.ReLU(), nn.Linear(8), nn.Linear(32), nn.ReLU(), nn.Linear(24)
    )
    adam = optim.Adam(3e-3)

    def step(step: Step, x: Tensor) -> None:
        noisy = x + step.normal(x.shape) * NOISE
        step.minimise((net(noisy) - x).square().mean(), net, adam)

    def measure(x: Tensor) -> Tensor:
        return (net(x) - x).square().mean()

    pel.fit_step(
        step, net, waves(1_000), waves(200, 1), measure=measure, epochs=epochs, progress=False
    )
    return net


def main() -> None:
    """Train, and compare errors on new rows."""
    clean = waves(300, 2)
    noisy = clean + NOISE * np.random.default_rng(3).normal(size=clean.shape).astype(np.float32)
    errors = [float(np.sqrt(((x - clean) ** 2).mean())) for x in (noisy, trained()(noisy).numpy())]
    print(f"error of the noisy rows {errors[0]:.3f}, after the network {errors[1]:.3f}")


if __name__ == "__main__":
    main()
