"""Adam's relatives: AMSGrad, Adamax, NAdam, RAdam."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from pellucid import check
from pellucid.graph import Array, Tensor, maximum, where
from pellucid.optim.moments import Moments, correction, double


@dataclass(frozen=True)
class AMSGrad(Moments):
    """Adam with a second moment that never shrinks (Reddi et al. 2018, as in PyTorch).

    v̌ ← max(v̌, v),   W ← W − η m̂ / (√(v̌ / (1 − β₂ᵗ)) + ε), the rest as in `Adam`.

    The settings are those of `Adam`. Slots: `amsgrad.m`, `.v` and `.largest`.
    """

    name: ClassVar[str] = "amsgrad"

    def slot_names(self) -> Sequence[str]:
        """The moments and the largest second one."""
        return ("m", "v", "largest")

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
        largest = maximum(slots["largest"], v)
        root = largest.sqrt() * correction(self.beta2, t).rsqrt() + self.epsilon
        rate = learning_rate / correction(self.beta1, t)
        return parameter - rate * (m / root), {"m": m, "v": v, "largest": largest}


@dataclass(frozen=True)
class Adamax(Moments):
    """Adam with the largest gradient instead of the second moment (Kingma & Ba 2014, algorithm 2).

    u ← max(β₂u, |g| + ε),   W ← W − η / (1 − β₁ᵗ) · m / u

    learning_rate: 0.002 by default; the other settings are those of `Adam`. Slots: `adamax.m`, `.u`.
    """

    learning_rate: float = 0.002

    name: ClassVar[str] = "adamax"

    def slot_names(self) -> Sequence[str]:
        """The first moment and the largest gradient."""
        return ("m", "u")

    def rule(
        self,
        parameter: Tensor,
        gradient: Tensor,
        slots: Mapping[str, Tensor],
        learning_rate: Tensor,
        step: Tensor,
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """The formulas of the class."""
        m = slots["m"] * self.beta1 + gradient * (1.0 - self.beta1)
        u = maximum(slots["u"] * self.beta2, gradient.abs() + self.epsilon)
        rate = learning_rate / correction(self.beta1, step + 1.0)
        return parameter - rate * (m / u), {"m": m, "u": u}


@dataclass(frozen=True)
class NAdam(Moments):
    """Adam with Nesterov's momentum (Dozat 2016), with its schedule of momenta as in PyTorch.

    μ_t = β₁ (1 − ½ · 0.96^(ψt)),   P_t = μ_1 ⋯ μ_t
    W ← W − η ((1 − μ_t) / (1 − P_t) · g + μ_{t+1} / (1 − P_{t+1}) · m) / (√v̂ + ε)

    learning_rate:  0.002 by default. momentum_decay: ψ, at least 0. The rest as in `Adam`.
    Slots: `nadam.m`, `.v` and the product `.P`, a scalar.
    """

    learning_rate: float = 0.002
    momentum_decay: float = 0.004

    name: ClassVar[str] = "nadam"

    def __post_init__(self) -> None:
        super().__post_init__()
        check.number(self, "momentum_decay", at_least=0)

    def slot_names(self) -> Sequence[str]:
        """The moments and the product of momenta."""
        return ("m", "v", "P")

    def slot_start(self, slot: str, value: Array) -> Array:
        """The product starts at 1."""
        return np.ones((), value.dtype) if slot == "P" else super().slot_start(slot, value)

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
        now, following = self._momentum(t), self._momentum(t + 1.0)
        product = slots["P"] * now
        root = (v / correction(self.beta2, t)).sqrt() + self.epsilon
        by_gradient = learning_rate * (1.0 - now) / (1.0 - product)
        by_momentum = learning_rate * following / (1.0 - product * following)
        change = by_gradient * gradient / root + by_momentum * m / root
        return parameter - change, {"m": m, "v": v, "P": product}

    def _momentum(self, t: Tensor) -> Tensor:
        """μ_t."""
        slow = (t * (self.momentum_decay * float(np.log(0.96)))).exp()
        return self.beta1 * (1.0 - 0.5 * slow)


@dataclass(frozen=True)
class RAdam(Moments):
    """Adam that trusts its second moment only when it has seen enough (Liu et al. 2020, algorithm 2).

    ρ∞ = 2 / (1 − β₂) − 1,   ρ_t = ρ∞ − 2tβ₂ᵗ / (1 − β₂ᵗ)
    W ← W − η m̂ √((ρ_t − 4)(ρ_t − 2)ρ∞ / ((ρ∞ − 4)(ρ∞ − 2)ρ_t)) √(1 − β₂ᵗ) / (√v + ε)   where ρ_t > 5
    W ← W − η m̂                                                                         before

    The settings are those of `Adam`. Slots: `radam.m`, `.v`.
    """

    name: ClassVar[str] = "radam"

    def rule(
        self,
        parameter: Tensor,
        gradient: Tensor,
        slots: Mapping[str, Tensor],
        learning_rate: Tensor,
        step: Tensor,
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """The formulas of the class."""
        m, v = self.moments(gradient, slots)
        t = double(step) + 1.0
        mean = learning_rate * (m / correction(self.beta1, step + 1.0))
        trusted, scale = self._rectified(t)
        adapted = mean * scale.cast(parameter.dtype) / (v.sqrt() + self.epsilon)
        return parameter - where(trusted, adapted, mean), {"m": m, "v": v}

    def _rectified(self, t: Tensor) -> tuple[Tensor, Tensor]:
        """Whether ρ_t > 5, and the factor there."""
        most = 2.0 / (1.0 - self.beta2) - 1.0
        left = correction(self.beta2, t)
        length = most - 2.0 * t * (1.0 - left) / left
        trusted = length > 5.0
        safe = where(trusted, length, 6.0)
        share = (safe - 4.0) * (safe - 2.0) * most / ((most - 4.0) * (most - 2.0) * safe)
        return trusted, (where(share > 0.0, share, 1.0) * left).sqrt()
