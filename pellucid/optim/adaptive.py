"""A rate for each weight from its past gradients: Adagrad, RMSprop, Adadelta."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from pellucid import check
from pellucid.graph import Tensor
from pellucid.optim.optimizer import Optimizer


@dataclass(frozen=True)
class Adagrad(Optimizer):
    """s ← s + g²,   W ← W − η g / (√s + ε) (Duchi et al. 2011).

    learning_rate: 0.01 by default. epsilon: more than 0. Slot: `adagrad.s`.
    """

    learning_rate: float = 0.01
    epsilon: float = 1e-10

    name: ClassVar[str] = "adagrad"

    def __post_init__(self) -> None:
        super().__post_init__()
        check.number(self, "epsilon", more_than=0)

    def slot_names(self) -> Sequence[str]:
        """The sum of squares."""
        return ("s",)

    def rule(
        self,
        parameter: Tensor,
        gradient: Tensor,
        slots: Mapping[str, Tensor],
        learning_rate: Tensor,
        step: Tensor,
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """The formulas of the class."""
        s = slots["s"] + gradient.square()
        return parameter - learning_rate * gradient / (s.sqrt() + self.epsilon), {"s": s}


@dataclass(frozen=True)
class RMSprop(Optimizer):
    """v ← αv + (1 − α)g²,   W ← W − η g / (√v + ε) (Tieleman & Hinton 2012, lecture 6.5).

    With a momentum b ← μb + g / (√v + ε), W ← W − ηb; centred: v less the square of the mean of g
    (Graves 2013). As in PyTorch.

    learning_rate: 0.01 by default. alpha: at least 0, less than 1. epsilon: more than 0.
    momentum: μ, at least 0 and less than 1. Slots: `rmsprop.v`, `.b`, `.mean` as needed.
    """

    learning_rate: float = 0.01
    alpha: float = 0.99
    epsilon: float = 1e-8
    momentum: float = 0.0
    centred: bool = False

    name: ClassVar[str] = "rmsprop"

    def __post_init__(self) -> None:
        super().__post_init__()
        check.number(self, "alpha", at_least=0, less_than=1)
        check.number(self, "epsilon", more_than=0)
        check.number(self, "momentum", at_least=0, less_than=1)
        check.choice(self, "centred", True, False)

    def slot_names(self) -> Sequence[str]:
        """The mean square, and the slots of the options that are on."""
        return ("v", *(("b",) if self.momentum else ()), *(("mean",) if self.centred else ()))

    def rule(
        self,
        parameter: Tensor,
        gradient: Tensor,
        slots: Mapping[str, Tensor],
        learning_rate: Tensor,
        step: Tensor,
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """The formulas of the class."""
        v = slots["v"] * self.alpha + gradient.square() * (1.0 - self.alpha)
        moved = {"v": v}
        if self.centred:
            moved["mean"] = slots["mean"] * self.alpha + gradient * (1.0 - self.alpha)
            v = v - moved["mean"].square()
        change = gradient / (v.sqrt() + self.epsilon)
        if self.momentum:
            change = moved["b"] = slots["b"] * self.momentum + change
        return parameter - learning_rate * change, moved


@dataclass(frozen=True)
class Adadelta(Optimizer):
    """Changes in the unit of the weights (Zeiler 2012, algorithm 1).

    v ← ρv + (1 − ρ)g²,   Δ = √(u + ε) / √(v + ε) · g,   u ← ρu + (1 − ρ)Δ²,   W ← W − ηΔ

    learning_rate: 1 by default. rho: at least 0, less than 1. epsilon: more than 0.
    Slots: `adadelta.v`, `.u`.
    """

    learning_rate: float = 1.0
    rho: float = 0.9
    epsilon: float = 1e-6

    name: ClassVar[str] = "adadelta"

    def __post_init__(self) -> None:
        super().__post_init__()
        check.number(self, "rho", at_least=0, less_than=1)
        check.number(self, "epsilon", more_than=0)

    def slot_names(self) -> Sequence[str]:
        """Mean squares of gradients and of changes."""
        return ("v", "u")

    def rule(
        self,
        parameter: Tensor,
        gradient: Tensor,
        slots: Mapping[str, Tensor],
        learning_rate: Tensor,
        step: Tensor,
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """The formulas of the class."""
        v = slots["v"] * self.rho + gradient.square() * (1.0 - self.rho)
        change = (slots["u"] + self.epsilon).sqrt() / (v + self.epsilon).sqrt() * gradient
        u = slots["u"] * self.rho + change.square() * (1.0 - self.rho)
        return parameter - learning_rate * change, {"v": v, "u": u}
