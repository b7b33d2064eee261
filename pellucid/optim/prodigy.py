"""Prodigy: Adam that estimates its own learning rate."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from pellucid import check
from pellucid.graph import State, Tensor, maximum, read, where
from pellucid.optim.moments import Moments
from pellucid.optim.optimizer import Parameters, Slots, Updates, state_of


@dataclass(frozen=True)
class Prodigy(Moments):
    """The distance to the solution, estimated while going there (Mishchenko & Defazio 2023, alg. 4).

    m ← β₁m + (1 − β₁)dg,   v ← β₂v + (1 − β₂)d²g²
    r ← √β₂ r + (1 − √β₂) ηd² ⟨g, W₀ − W⟩,   s ← √β₂ s + (1 − √β₂) ηd² g
    W ← W − ηd m / (√v + dε),   d ← max(d, r / ‖s‖₁)

    ⟨ ⟩ and ‖ ‖₁ are over all parameters together.

    learning_rate: η, 1 by default; a schedule may change it. first: d at the start, more than 0,
    small. The rest as in `Adam`. Slots: `prodigy.m`, `.v`, `.s`, `.start` of each parameter and,
    with the first, the scalars `prodigy.d` and `.r`.
    """

    learning_rate: float = 1.0
    first: float = 1e-6

    name: ClassVar[str] = "prodigy"

    def __post_init__(self) -> None:
        super().__post_init__()
        check.number(self, "first", more_than=0)

    def init(self, parameters: Parameters) -> dict[str, State]:
        """Moments at 0, the start where the parameters are, d at its first value."""
        slots: dict[str, State] = {}
        for path, parameter in parameters.items():
            value = state_of(path, parameter).value
            for slot in ("m", "v", "s"):
                name = self._slot(slot, path)
                slots[name] = State(np.zeros_like(value), name)
            slots[self._slot("start", path)] = State(value.copy(), self._slot("start", path))
        for slot, scalar in (("d", self.first), ("r", 0.0)):
            name = self._slot(slot, next(iter(parameters)))
            slots[name] = State(np.array(scalar), name)
        return slots

    def update(
        self,
        parameters: Parameters,
        gradients: Parameters,
        slots: Slots,
        learning_rate: Tensor,
        step: Tensor,
    ) -> Updates:
        """Algorithm 4; the two scalars are kept in float64."""
        updates: Updates = {}
        root = math.sqrt(self.beta2)
        d_state, r_state = (slots[self._slot(slot, next(iter(parameters)))] for slot in "dr")
        distance, along = read(d_state), read(r_state) * root
        weight = learning_rate.cast(np.float64) * distance.square() * (1.0 - root)
        total = distance * 0.0
        for path, parameter in parameters.items():
            g, dtype = gradients[path], parameter.dtype
            d, rate = distance.cast(dtype), learning_rate.cast(dtype)
            own = {slot: slots[self._slot(slot, path)] for slot in ("m", "v", "s", "start")}
            m = read(own["m"]) * self.beta1 + g * (d * (1.0 - self.beta1))
            v = read(own["v"]) * self.beta2 + (g * d).square() * (1.0 - self.beta2)
            s = read(own["s"]) * root + g * weight.cast(dtype)
            travelled = g.cast(np.float64) * (read(own["start"]) - parameter).cast(np.float64)
            along = along + weight * travelled.sum()
            total = total + s.abs().cast(np.float64).sum()
            after = parameter - rate * d * (m / (v.sqrt() + d * self.epsilon))
            updates[state_of(path, parameter)] = after.node
            updates |= {own["m"]: m.node, own["v"]: v.node, own["s"]: s.node}
        estimate = where(total > 0.0, along / where(total > 0.0, total, 1.0), 0.0)
        updates[d_state] = maximum(distance, estimate).node
        updates[r_state] = along.node
        return updates
