"""A script with a layer, a network, a loss, an initialiser, an optimizer and more of its own.

python own_parts.py fit FOLDER      trains, and prints what the model predicts
python own_parts.py predict FOLDER  prints it again, from the file
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import pellucid as pel
from pellucid import nn, optim
from pellucid.graph import Array, Shape, Tensor


@dataclass(frozen=True)
class Even(nn.Initializer):
    """±size by turns."""

    size: float = 0.5

    def __call__(self, rng: np.random.Generator, shape: Shape) -> Array:
        return np.where(np.arange(int(np.prod(shape))) % 2, self.size, -self.size).reshape(shape)


@dataclass(eq=False, repr=False)
class Scaled(nn.Module):
    """x · a + b, as a layer is written: its settings are fields, its parameters come from setup."""

    by: float = 2.0
    start: nn.Initializer = Even()
    names: tuple[str, ...] = ("a", "b")
    table: dict[int, list[float]] | None = None

    def setup(self, x: Tensor) -> None:
        self.a = self.parameter("a", (x.shape[-1],), self.start)
        self.seen = self.buffer("seen", np.zeros(x.shape[-1]))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.a * self.by + self.seen


class Mixed(nn.Module):
    """As a user writes a network: layers in attributes, a constructor of its own."""

    def __init__(self, width: int, hint: str | None = None) -> None:
        self.first = nn.Linear(width)
        self.twice = [self.first, nn.Tanh(), Scaled(3.0, table={1: [2.0]})]
        self.ways = {"left": nn.Linear(width), "right": nn.Residual(nn.ReLU())}
        self.shift = nn.Parameter(np.full(width, 0.25, np.float32), "bias")
        self.mask = np.arange(width) % 2 == 0
        self.offset = pel.tensor(np.linspace(0, 1, width, dtype=np.float32))
        self.hint = hint
        self.limits = (float("inf"), 3)
        self.last = nn.Linear(2, initializer=Even(0.1))

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.twice:
            x = layer(x)
        x = sum((way(x) for way in self.ways.values()), self.offset)
        return self.last(x.clip(None, self.limits[0]) * self.mask + self.shift)


@dataclass(frozen=True)
class Sharper(nn.CrossEntropy):
    """Cross-entropy of larger logits."""

    factor: float = 2.0

    def row_losses(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return super().row_losses(outputs * self.factor, targets)


@dataclass(frozen=True)
class Signs(optim.Optimizer):
    """W ← W − η sign(g), with a slot that counts."""

    learning_rate: float = 0.01
    name = "signs"

    def slot_names(self) -> Sequence[str]:
        return ("count",)

    def rule(
        self,
        parameter: Tensor,
        gradient: Tensor,
        slots: Mapping[str, Tensor],
        learning_rate: Tensor,
        step: Tensor,
    ) -> tuple[Tensor, dict[str, Tensor]]:
        moved = parameter - learning_rate * gradient / (gradient.abs() + 1e-6)
        return moved, {"count": slots["count"] + 1.0}


@dataclass(frozen=True)
class Ending(optim.Selector):
    """Parameters whose paths end so."""

    endings: tuple[str, ...]

    def __call__(self, path: str, parameter: Tensor) -> bool:
        return path.endswith(self.endings)


class Halving(optim.Schedule):
    """1, then ½."""

    at: float

    def __init__(self, at: float) -> None:
        vars(self)["at"] = at

    def factor(self, epoch: float, epochs: float) -> float:
        return 1.0 if epoch < self.at else 0.5


X = np.random.default_rng(0).normal(size=(60, 3)).astype(np.float32)
Y = np.array(["no", "yes"])[(X[:, 0] > 0).astype(int)]


def fit(out: str | None, **more: Any) -> pel.Run:
    """Train it all."""
    slower = optim.Group(Ending((".a", ".b")), optim.SGD(0.001), dimensions=1)
    return pel.fit(
        Mixed(4),
        (X, Y),
        loss=Sharper(),
        optimizer=optim.Clip(optim.Groups(Signs(), (slower,)), norm=10.0),
        schedule=Halving(2.0),
        epochs=4,
        out=out,
        progress=False,
        **more,
    )


def fit_here() -> pel.Model:
    """The model without a folder."""
    return fit(None).model


def shown(model: pel.Model) -> str:
    """What a model predicts, to the last bit."""
    return str(model.predict_proba(X[:8]).tobytes().hex())


COMMANDS: dict[str, Callable[[str], str]] = {
    "fit": lambda folder: shown(fit(folder).model),
    "predict": lambda folder: shown(pel.Model.load(f"{folder}/model.safetensors")),
}

if __name__ == "__main__":
    print(COMMANDS[sys.argv[1]](sys.argv[2]))
