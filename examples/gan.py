"""A GAN: a generator that learns to make points like those of a ring.

`python -m examples.gan` trains it and prints how far from the ring's radius its points are.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

import pellucid as pel
from pellucid import nn, optim
from pellucid.graph import Tensor
from pellucid.train.steps.step import Step

RADIUS, NOISE = 2.0, 4


def ring(rows: int, seed: int = 0) -> NDArray[np.float32]:
    """Points near a circle."""
    dice = np.random.default_rng(seed)
    angle, radius = dice.uniform(0, 2 * np.pi, rows), dice.normal(RADIUS, 0.05, rows)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1).astype(np.float32)


def trained(epochs: int = 60) -> nn.Module:
    """The generator (Goodfellow et al. 2014), with the loss that does not saturate."""
    generator, critic = nn.MLP([32, 32], 2), nn.MLP([32, 32], 1)
    loss = nn.BinaryCrossEntropy()
    first, second = optim.Adam(2e-3, beta1=0.5), optim.Adam(1e-3, beta1=0.5)

    def step(step: Step, real: Tensor) -> None:
        rows = real.shape[0]
        ones, zeros = pel.ones((rows, 1)), pel.zeros((rows, 1))
        fake = generator(step.normal((rows, NOISE)))
        told = loss(critic(real), ones) + loss(critic(fake.stop_gradient()), zeros)
        step.minimise(told, critic, first)
        step.minimise(loss(critic(fake), ones), generator, second)

    networks = {"generator": generator, "critic": critic}
    pel.fit_step(step, networks, ring(1_000), batch_size=50, epochs=epochs, progress=False)
    return generator


def main() -> None:
    """Train, and look at the radius of what is made."""
    noise = np.random.default_rng(1).normal(size=(500, NOISE)).astype(np.float32)
    radius = np.linalg.norm(trained()(noise).numpy(), axis=1)
    print(
        f"radius of the ring {RADIUS}, of generated points {radius.mean():.2f} ± {radius.std():.2f}"
    )


if __name__ == "__main__":
    main()
