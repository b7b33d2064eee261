"""Common to Adam and its relatives: two moments, their settings, their corrections."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pellucid import check
from pellucid.graph import Tensor
from pellucid.optim.optimizer import Optimizer


@dataclass(frozen=True)
class Moments(Optimizer, abstract=True):
    """An optimizer with running means m of g and v of g².

    beta1, beta2: at least 0 and less than 1. epsilon: more than 0.
    """

    learning_rate: float = 0.001
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        super().__post_init__()
        check.number(self, "beta1", at_least=0, less_than=1)
        check.number(self, "beta2", at_least=0, less_than=1)
        check.number(self, "epsilon", more_than=0)

    def slot_names(self) -> Sequence[str]:
        """The first and second moments."""
        return ("m", "v")

    def moments(self, gradient: Tensor, slots: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """m ← β₁m + (1 − β₁)g and v ← β₂v + (1 − β₂)g²."""
        m = slots["m"] * self.beta1 + gradient * (1.0 - self.beta1)
        v = slots["v"] * self.beta2 + gradient.square() * (1.0 - self.beta2)
        return m, v


def correction(beta: float, t: Tensor) -> Tensor:
    """1 − βᵗ as −(e^(t log β) − 1), which keeps its digits in float32 when β is close to 1."""
    if beta == 0:
        return t * 0.0 + 1.0
    return -(t * math.log(beta)).expm1()


def double(t: Tensor) -> Tensor:
    """A scalar in float64, for formulas that lose their digits in float32."""
    return t.cast(np.float64)
