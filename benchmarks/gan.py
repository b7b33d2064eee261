"""A GAN with all that a checkpoint has to hold, to be killed: `python -m benchmarks.gan OUT`.

Two networks with batch normalisation and an average of one of them, optimizers with slots, one of which
moves every other step, noise, probes, and a callback that remembers and writes a checkpoint every
few steps.
"""

from __future__ import annotations

import argparse
import os
import signal
from collections.abc import Mapping
from typing import Any

import numpy as np

import pellucid as pel
from pellucid import nn, optim
from pellucid.graph import Tensor
from pellucid.train.actions import Log, Save, SetRate
from pellucid.train.events import Answer, Callback, Event, Stepped
from pellucid.train.fit_step import StepRun
from pellucid.train.steps.step import Step

ROWS, NOISE = 400, 4


class Smoothed(Callback):
    """An average of the losses, which is recorded and lowers the rate at times; saves every 5 steps."""

    every = 5

    def __init__(self, kill_at: int | None = None) -> None:
        self.loss = 0.0
        self.kill_at = kill_at

    def __call__(self, event: Event, /) -> Answer:
        """Answer every few steps."""
        if not isinstance(event, Stepped):
            return None
        if self.kill_at is not None and event.step >= self.kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        self.loss = 0.9 * self.loss + 0.1 * event.loss
        answers: list[Any] = [Log("smoothed", self.loss), Save()]
        return [SetRate(factor=0.9), *answers] if event.step % 50 == 0 else answers

    def state_dict(self) -> dict[str, Any]:
        """The average."""
        return {"loss": self.loss}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from it."""
        self.loss = state["loss"]


def trained(out: str, resume: bool, epochs: int = 12, kill_at: int | None = None) -> StepRun:
    """The run in this folder."""
    real = np.random.default_rng(0).normal([1, 2], 0.3, (ROWS, 2)).astype(np.float32)
    generator, average = nn.MLP([16], 2, norm="batch"), nn.MLP([16], 2, norm="batch")
    critic = nn.MLP([16], 1, norm="batch", dropout=0.1)
    loss = nn.BinaryCrossEntropy()
    first = optim.Clip(optim.Adam(2e-3, beta1=0.5), norm=1.0)
    second = optim.Lookahead(optim.RMSprop(1e-3), 3)

    def gan(step: Step, x: Tensor) -> None:
        rows = x.shape[0]
        fake = generator(step.normal((rows, NOISE)))
        ones, zeros = pel.ones((rows, 1)), pel.zeros((rows, 1))
        told = loss(critic(x), ones) + loss(critic(fake.stop_gradient()), zeros)
        step.minimise(told, critic, first)
        fooled = loss(critic(fake), ones)
        step.minimise(fooled, generator, second, every=2)
        step.follow(average, generator, 0.95)
        with nn.evaluation():
            step.report(mean=average(step.normal((rows, NOISE))).mean())

    return pel.fit_step(
        gan,
        {"generator": generator, "critic": critic, "average": average},
        real,
        epochs=epochs,
        batch_size=32,
        schedule=optim.CosineRate(),
        out=out,
        resume=resume,
        callbacks=[Smoothed(kill_at)],
        probes=[pel.probes.Norm("gradients"), pel.probes.Norm("activations")],
        probe_every=7,
        progress=False,
    )


def main() -> None:
    """Train as the command line says."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("out")
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--kill-at", type=int, help="the step after which it kills itself")
    chosen = parser.parse_args()
    trained(chosen.out, chosen.resume, chosen.epochs, chosen.kill_at)


if __name__ == "__main__":
    main()
