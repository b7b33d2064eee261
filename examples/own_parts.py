"""An op, a layer, a loss, an optimizer, a schedule, a callback and a step of one's own, in one script.

python -m examples.own_parts fit FOLDER            trains, and prints what the network gives
python -m examples.own_parts fit FOLDER --kill 30  the same, killed after 30 steps
python -m examples.own_parts resume FOLDER         goes on to the same bytes
python -m examples.own_parts load FOLDER           prints it again, from the file and from a pickle
"""

from __future__ import annotations

import argparse
import os
import pickle
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import pellucid as pel
from pellucid import nn, optim
from pellucid.compile import declare_lowering
from pellucid.graph import Op, Tensor, declare
from pellucid.train.actions import Log, Save
from pellucid.train.events import Answer, Callback, Event, Stepped
from pellucid.train.steps.step import Step

declare(
    Op(
        name="eighths",
        kind="elementwise",
        infer=lambda x: x,
        reference=lambda x: np.floor(x * 8 + 0.5) / 8,
        gradient=lambda gradient, out, x: (gradient,),  # straight through (Bengio et al. 2013)
        form="eighths({0})",
    )
)
declare_lowering(
    "eighths", lambda b, x: b.mul(b.unary("floor", b.add(b.mul(x, 8.0), 0.5)), 0.125), cost=4
)


@dataclass(eq=False, repr=False)
class Rounded(nn.Module):
    """x · a, rounded to eighths."""

    start: float = 1.0

    def setup(self, x: Tensor) -> None:
        """A scale for each feature."""
        self.a = self.parameter("a", (x.shape[-1],), nn.Constant(self.start), "norm")

    def forward(self, x: Tensor) -> Tensor:
        """As many features as x has."""
        return (x * self.a).apply("eighths")


@dataclass(frozen=True)
class LogCosh(nn.Loss):
    """log cosh of the errors: square where they are small, absolute where they are large."""

    def row_losses(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """A number for each row."""
        error = (outputs - targets).abs()
        losses = error + (1.0 + (error * -2.0).exp()).log() - float(np.log(2))
        return losses.reshape(losses.shape[0], -1).mean(-1)


@dataclass(frozen=True)
class Orthogonal(optim.Optimizer):
    """W ← W − η U Vᵀ of the momentum's singular vectors, by five Newton–Schulz steps, as Muon does.

    Parameters that are no matrices take the momentum itself.
    """

    learning_rate: float = 0.02
    momentum: float = 0.9
    name = "orthogonal"

    def slot_names(self) -> Sequence[str]:
        """The momentum."""
        return ("m",)

    def rule(
        self,
        parameter: Tensor,
        gradient: Tensor,
        slots: Mapping[str, Tensor],
        learning_rate: Tensor,
        step: Tensor,
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """The formula of the class (Jordan et al. 2024)."""
        m = slots["m"] * self.momentum + gradient
        x = m
        if m.ndim == 2:
            x = m / (m.square().sum().sqrt() + 1e-7)
            for _ in range(5):
                square = x @ x.T
                x = 3.4445 * x + (-4.775 * square + 2.0315 * (square @ square)) @ x
        return parameter - learning_rate * x, {"m": m}


@dataclass(frozen=True)
class Triangle(optim.Schedule):
    """η rises for a share of the epochs, then falls to 0."""

    peak: float = 0.25

    def factor(self, epoch: float, epochs: float) -> float:
        """What η is multiplied by."""
        done = epoch / max(epochs, 1)
        return max(min(done / self.peak, (1 - done) / (1 - self.peak)), 0.01)


class Smoothed(Callback):
    """Records a running average of the loss, and has a checkpoint written, every 10 steps."""

    every = 10

    def __init__(self, kill: int | None = None) -> None:
        self.loss, self.kill = 0.0, kill

    def __call__(self, event: Event, /) -> Answer:
        """Answer to each `Stepped`."""
        if not isinstance(event, Stepped):
            return None
        if self.kill is not None and event.step > self.kill:
            os.kill(os.getpid(), signal.SIGKILL)
        self.loss = 0.8 * self.loss + 0.2 * event.loss
        return [Log("smoothed", self.loss), Save()]

    def state_dict(self) -> dict[str, Any]:
        """The average, which a resumed run goes on from."""
        return {"loss": self.loss}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take it back."""
        self.loss = state["loss"]


X = np.random.default_rng(0).normal(size=(120, 4)).astype(np.float32)
Y = np.sin(X[:, :1] * 2) + X[:, 1:2]


def trained(folder: str, resume: bool = False, kill: int | None = None) -> nn.Module:
    """Train all of it, by a step that also asks for the same outputs on noisy rows."""
    net = nn.Sequential(nn.Linear(16), nn.Tanh(), Rounded(0.5), nn.Linear(1))
    loss, optimizer = LogCosh(), Orthogonal()

    def step(step: Step, x: Tensor, y: Tensor) -> None:
        outputs = net(x)
        noisy = net(x + step.normal(x.shape) * 0.1)
        change = (noisy - outputs.stop_gradient()).square().mean()
        step.minimise(loss(outputs, y) + 0.1 * change, net, optimizer)
        step.report(change=change)

    pel.fit_step(
        step,
        {"net": net},
        (X, Y),
        epochs=20,
        schedule=Triangle(),
        callbacks=[Smoothed(kill)],
        out=folder,
        resume=resume,
        progress=False,
    )
    return net


def shown(net: nn.Module) -> str:
    """What a network gives, to the last bit."""
    return net(X[:5]).numpy().tobytes().hex()


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("command", choices=["fit", "resume", "load"])
    parser.add_argument("folder")
    parser.add_argument("--kill", type=int)
    chosen = parser.parse_args()
    if chosen.command != "load":
        print(shown(trained(chosen.folder, chosen.command == "resume", chosen.kill)))
        return
    net = pel.load_networks(Path(chosen.folder) / "model.safetensors")["net"]
    parts = LogCosh(), Orthogonal(), Triangle()
    again: tuple[Any, nn.Module] = pickle.loads(pickle.dumps((parts, net)))  # noqa: S301
    assert again[0] == parts
    assert shown(again[1]) == shown(net)
    print(shown(net))


if __name__ == "__main__":
    main()
