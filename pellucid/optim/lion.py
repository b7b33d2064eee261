"""Lion and LAMB: the sign of the momentum, and rates layer by layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from pellucid import check
from pellucid.graph import Tensor, where
from pellucid.optim.decay import check_decay, decayed
from pellucid.optim.lengths import length, scaled
from pellucid.optim.moments import Moments, correction
from pellucid.optim.optimizer import Optimizer


@dataclass(frozen=True)
class Lion(Optimizer):
    """W ← W − η (sign(β₁m + (1 − β₁)g) + λW),   m ← β₂m + (1 − β₂)g (Chen et al. 2023, algorithm 2).

    learning_rate: 0.0001 by default, a tenth to a third of AdamW's. beta1, beta2: at least 0, less
    than 1. weight_decay: λ, at least 0, of weights alone unless `decay_all`. Slot: `lion.m`.
    """

    learning_rate: float = 0.0001
    beta1: float = 0.9
    beta2: float = 0.99
    weight_decay: float = 0.0
    decay_all: bool = False

    name: ClassVar[str] = "lion"

    def __post_init__(self) -> None:
        super().__post_init__()
        check.number(self, "beta1", at_least=0, less_than=1)
        check.number(self, "beta2", at_least=0, less_than=1)
        check_decay(self)

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
        """The formulas of the class."""
        change = (slots["m"] * self.beta1 + gradient * (1.0 - self.beta1)).sign()
        change = decayed(change, parameter, self)
        m = slots["m"] * self.beta2 + gradient * (1.0 - self.beta2)
        return parameter - learning_rate * change, {"m": m}


@dataclass(frozen=True)
class LAMB(Moments):
    """Adam's direction, as long as the weights of each layer (You et al. 2020, algorithm 2).

    r = m̂ / (√v̂ + ε) + λW,   W ← W − η ‖W‖ / ‖r‖ · r, where either norm is 0 the ratio is 1

    epsilon: 1e-6 by default. weight_decay: λ, at least 0, of weights alone unless `decay_all`. The
    rest as in `Adam`. Slots: `lamb.m`, `.v`.
    """

    epsilon: float = 1e-6
    weight_decay: float = 0.0
    decay_all: bool = False

    name: ClassVar[str] = "lamb"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_decay(self)

    def rule(
        self,
        parameter: Tensor,
        gradient: Tensor,
        slots: Mapping[str, Tensor],
        learning_rate: Tensor,
        step: Tensor,
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """The formulas of the class."""
        t = step + 1.0
        m, v = self.moments(gradient, slots)
        root = (v / correction(self.beta2, t)).sqrt() + self.epsilon
        change = m / correction(self.beta1, t) / root
        change = decayed(change, parameter, self)
        size, own = length([parameter]), length([change])
        ratio = where((size > 0.0) & (own > 0.0), size / own, 1.0)
        return parameter - learning_rate * scaled(change, ratio), {"m": m, "v": v}
