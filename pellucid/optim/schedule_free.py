"""Schedule-free SGD and AdamW: an average of the iterates instead of a falling rate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from pellucid import check
from pellucid.graph import Array, State, Tensor
from pellucid.optim.decay import check_decay, decayed
from pellucid.optim.moments import correction
from pellucid.optim.optimizer import Optimizer, Slots


@dataclass(frozen=True)
class ScheduleFreeSGD(Optimizer):
    """Schedule-free gradient descent (Defazio et al. 2024, eq. 1 to 3).

    The network trains at y, z takes the steps, and their mean x is evaluated and saved.

    z ← z − η (∇f(y) + λy),   x ← (1 − 1/t) x + z/t,   y ← (1 − β) z + β x

    learning_rate: η, 1 by default (larger than for SGD). beta: at least 0, at most 1.
    weight_decay: λ, at least 0, of weights alone unless `decay_all`. Slots: `free.z`, `.x`.
    """

    learning_rate: float = 1.0
    beta: float = 0.9
    weight_decay: float = 0.0
    decay_all: bool = False

    name: ClassVar[str] = "free"

    def __post_init__(self) -> None:
        super().__post_init__()
        check.number(self, "beta", at_least=0, at_most=1)
        check_decay(self)

    def slot_names(self) -> Sequence[str]:
        """The iterate and its mean."""
        return ("z", "x")

    def slot_start(self, slot: str, value: Array) -> Array:
        """Both start where the parameter does."""
        return value.copy() if slot in ("z", "x") else super().slot_start(slot, value)

    def evaluated(self, slots: Slots) -> dict[str, State]:
        """x."""
        start = f"{self.name}.x/"
        return {n.removeprefix(start): s for n, s in slots.items() if n.startswith(start)}

    def rule(
        self,
        parameter: Tensor,
        gradient: Tensor,
        slots: Mapping[str, Tensor],
        learning_rate: Tensor,
        step: Tensor,
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """The formulas of the class."""
        return self.moved(parameter, gradient, slots, learning_rate, step)

    def moved(
        self,
        parameter: Tensor,
        direction: Tensor,
        slots: Mapping[str, Tensor],
        learning_rate: Tensor,
        step: Tensor,
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """The three iterates after a step along a direction."""
        direction = decayed(direction, parameter, self)
        share = 1.0 / (step + 1.0)
        z = slots["z"] - learning_rate * direction
        # Not (1 − share) x + share z: from step 2²⁵ on 1 − share is 1 in float32, and x would grow.
        x = slots["x"] + (z - slots["x"]) * share
        return z * (1.0 - self.beta) + x * self.beta, {"z": z, "x": x}


@dataclass(frozen=True)
class ScheduleFreeAdamW(ScheduleFreeSGD):
    """Schedule-free AdamW (Defazio et al. 2024, algorithm 1, without its warm-up).

    As `ScheduleFreeSGD` along ∇f(y) / (√v̂ + ε) instead of ∇f(y), with Adam's second moment of ∇f(y).

    learning_rate: 0.0025 by default. beta2: at least 0, less than 1. epsilon: more than 0.
    Slots: `free_adam.z`, `.x`, `.v`.
    """

    learning_rate: float = 0.0025
    beta2: float = 0.999
    epsilon: float = 1e-8

    name: ClassVar[str] = "free_adam"

    def __post_init__(self) -> None:
        super().__post_init__()
        check.number(self, "beta2", at_least=0, less_than=1)
        check.number(self, "epsilon", more_than=0)

    def slot_names(self) -> Sequence[str]:
        """The iterates and the second moment."""
        return ("z", "x", "v")

    def rule(
        self,
        parameter: Tensor,
        gradient: Tensor,
        slots: Mapping[str, Tensor],
        learning_rate: Tensor,
        step: Tensor,
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """The formulas of the class."""
        v = slots["v"] * self.beta2 + gradient.square() * (1.0 - self.beta2)
        root = (v / correction(self.beta2, step + 1.0)).sqrt() + self.epsilon
        after, moved = self.moved(parameter, gradient / root, slots, learning_rate, step)
        return after, {**moved, "v": v}
