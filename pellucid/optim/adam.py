"""Adam, and AdamW with decoupled weight decay."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from pellucid.graph import Tensor
from pellucid.optim.decay import check_decay, decays
from pellucid.optim.moments import Moments, correction


@dataclass(frozen=True)
class Adam(Moments):
    """Adam (Kingma & Ba 2014, algorithm 1), with t = k + 1 for the step k counted from 0.

    m ← β₁m + (1 − β₁)g,   v ← β₂v + (1 − β₂)g²
    m̂ = m / (1 − β₁ᵗ),     v̂ = v / (1 − β₂ᵗ)
    W ← W − η m̂ / (√v̂ + ε)

    learning_rate: η, more than 0; 0.001 by default.
    beta1, beta2:  at least 0 and less than 1; 0.9 and 0.999 by default.
    epsilon:       more than 0; 1e-8 by default.
    Slots: `adam.m` and `adam.v`, starting at 0.
    """

    name: ClassVar[str] = "adam"

    def rule(
        self,
        parameter: Tensor,
        gradient: Tensor,
        slots: Mapping[str, Tensor],
        learning_rate: Tensor,
        step: Tensor,
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Algorithm 1; the scalars are worked out once, not for every element."""
        t = step + 1.0
        m, v = self.moments(gradient, slots)
        rate = learning_rate / correction(self.beta1, t)
        root = v.sqrt() * correction(self.beta2, t).rsqrt() + self.epsilon
        return parameter - rate * (m / root), {"m": m, "v": v}


@dataclass(frozen=True)
class AdamW(Adam):
    """Adam with decoupled weight decay (Loshchilov & Hutter 2019, algorithm 2).

    W ← W − ηλW before Adam's step. Biases and the scales and shifts of normalisation do not decay
    unless `decay_all`.

    weight_decay: λ, at least 0; 0.01 by default.
    """

    weight_decay: float = 0.01
    decay_all: bool = False

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
        """Adam's step from the decayed parameter."""
        if self.weight_decay and decays(parameter, self.decay_all):
            parameter = parameter * (1.0 - learning_rate * self.weight_decay)
        return super().rule(parameter, gradient, slots, learning_rate, step)
