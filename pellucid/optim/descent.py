"""Gradient descent: plain, with momentum, with Nesterov's momentum."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from pellucid import check
from pellucid.graph import Tensor
from pellucid.optim.optimizer import Optimizer


@dataclass(frozen=True)
class GradientDescent(Optimizer):
    """Gradient descent, stochastic when the gradient is that of a batch.

    plain     W ← W − ηg                                  (Cauchy 1847; Robbins & Monro 1951)
    momentum  m ← βm + g,  W ← W − ηm                     (Polyak 1964; form of Goh 2017)
    nesterov  m ← βm + g,  W ← W − η(g + βm)              (Sutskever et al. 2013, as in PyTorch)

    learning_rate: η, more than 0; 0.01 by default.
    momentum:      β, at least 0 and less than 1; 0 by default, which is plain.
    nesterov:      needs a momentum.
    Slot: `sgd.m` where there is a momentum, starting at 0.
    """

    learning_rate: float = 0.01
    momentum: float = 0.0
    nesterov: bool = False

    name: ClassVar[str] = "sgd"

    def __post_init__(self) -> None:
        super().__post_init__()
        check.number(self, "momentum", at_least=0, less_than=1)
        check.choice(self, "nesterov", True, False)
        if self.nesterov and self.momentum == 0:
            raise ValueError("GradientDescent nesterov needs a momentum of more than 0")

    def slot_names(self) -> Sequence[str]:
        """m, where there is a momentum."""
        return ("m",) if self.momentum else ()

    def rule(
        self,
        parameter: Tensor,
        gradient: Tensor,
        slots: Mapping[str, Tensor],
        learning_rate: Tensor,
        step: Tensor,
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """The formulas of the class."""
        if not self.momentum:
            return parameter - learning_rate * gradient, {}
        m = slots["m"] * self.momentum + gradient
        direction = gradient + m * self.momentum if self.nesterov else m
        return parameter - learning_rate * direction, {"m": m}


SGD = GradientDescent
