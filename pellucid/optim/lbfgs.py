"""L-BFGS for full batches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from pellucid import check
from pellucid.graph import State, Tensor, concatenate, minimum, read, tensor, where
from pellucid.optim.optimizer import Optimizer, Parameters, Slots, Updates, state_of

Vectors = Mapping[str, Tensor]


@dataclass(frozen=True)
class LBFGS(Optimizer):
    """Limited-memory BFGS (Nocedal 1980; Nocedal & Wright 2006, algorithm 7.4), for full batches.

    The direction is −H g, with H from the last `history` pairs s = W_{k+1} − W_k, y = g_{k+1} − g_k
    that have ⟨y, s⟩ > 1e-10, and γ = ⟨s, y⟩ / ⟨y, y⟩ of the newest. A step is η times the direction, the
    first min(1, 1 / ‖g‖₁) η, without a line search, as in PyTorch with max_iter = 1.

    learning_rate: 1 by default. history: pairs in memory, at least 1.
    Slots: `lbfgs.S`, `.Y`, `.g`, `.s` of each parameter and, with the first, the number of steps
    `lbfgs.k`.
    """

    learning_rate: float = 1.0
    history: int = 10

    name: ClassVar[str] = "lbfgs"

    def __post_init__(self) -> None:
        super().__post_init__()
        check.count(self, "history")

    @property
    def full_batch(self) -> bool:
        """True: gradients of different batches differ by more than curvature."""
        return True

    def init(self, parameters: Parameters) -> dict[str, State]:
        """Empty pairs, which change no direction."""
        slots: dict[str, State] = {}
        for path, parameter in parameters.items():
            value = state_of(path, parameter).value
            for slot in ("S", "Y", "g", "s"):
                name = self._slot(slot, path)
                shape = (self.history, *value.shape) if slot in ("S", "Y") else value.shape
                slots[name] = State(np.zeros(shape, value.dtype), name)
        count = self._slot("k", next(iter(parameters)))
        slots[count] = State(np.zeros(()), count)
        return slots

    def update(
        self,
        parameters: Parameters,
        gradients: Parameters,
        slots: Slots,
        learning_rate: Tensor,
        step: Tensor,
    ) -> Updates:
        """The two loops, over all parameters together; scalars are summed in float64."""
        now = {
            slot: {path: read(slots[self._slot(slot, path)]) for path in parameters}
            for slot in ("S", "Y", "g", "s")
        }
        change = {path: gradients[path] - now["g"][path] for path in parameters}
        count = slots[self._slot("k", next(iter(parameters)))]
        first = read(count).equal(0.0)
        useful = (_dot(change, now["s"]) > 1e-10) & ~first
        pairs = {
            slot: {path: _pushed(useful, now[slot][path], newest[path]) for path in parameters}
            for slot, newest in (("S", now["s"]), ("Y", change))
        }
        direction = self._direction(gradients, pairs["S"], pairs["Y"])
        size = _total({path: g.abs() for path, g in gradients.items()})
        shorter = where(first, minimum(1.0 / where(size > 0.0, size, 1.0), 1.0), 1.0)
        rate = learning_rate.cast(np.float64) * shorter
        updates: Updates = {count: (read(count) + 1.0).node}
        for path, parameter in parameters.items():
            moved = direction[path] * rate.cast(parameter.dtype)
            updates[state_of(path, parameter)] = (parameter + moved).node
            memory = {
                "S": pairs["S"][path],
                "Y": pairs["Y"][path],
                "g": gradients[path],
                "s": moved,
            }
            updates |= {slots[self._slot(slot, path)]: t.node for slot, t in memory.items()}
        return updates

    def _direction(self, gradients: Vectors, steps: Vectors, changes: Vectors) -> dict[str, Tensor]:
        """−H g; pairs that are still empty have ρ = 0 and do nothing."""
        q = {path: -g for path, g in gradients.items()}
        pairs = [
            ({p: t[i] for p, t in steps.items()}, {p: t[i] for p, t in changes.items()})
            for i in range(self.history)
        ]
        shares: list[tuple[Tensor, Tensor]] = []
        for s, y in pairs:
            rho = _inverse(_dot(y, s))
            share = rho * _dot(s, q)
            q = _plus(q, y, -share)
            shares.append((rho, share))
        newest_s, newest_y = pairs[0]
        length = _dot(newest_y, newest_y)
        scale = where(length > 0.0, _dot(newest_s, newest_y) * _inverse(length), 1.0)
        r = {path: part * scale.cast(part.dtype) for path, part in q.items()}
        for (s, y), (rho, share) in zip(reversed(pairs), reversed(shares), strict=True):
            r = _plus(r, s, share - rho * _dot(y, r))
        return r


def _pushed(useful: Tensor, held: Tensor, newest: Tensor) -> Tensor:
    """The pairs with the newest before the others, if it is useful."""
    return where(useful, concatenate([newest.expand_dims(0), held[:-1]]), held)


def _total(parts: Vectors) -> Tensor:
    total = tensor(0.0, np.float64)
    for part in parts.values():
        total = total + part.cast(np.float64).sum()
    return total


def _dot(a: Vectors, b: Vectors) -> Tensor:
    return _total({path: a[path].cast(np.float64) * b[path].cast(np.float64) for path in a})


def _inverse(x: Tensor) -> Tensor:
    """1 / x, and 0 for 0."""
    return where(x.equal(0.0), 0.0, 1.0 / where(x.equal(0.0), 1.0, x))


def _plus(a: Vectors, b: Vectors, factor: Tensor) -> dict[str, Tensor]:
    return {path: part + b[path] * factor.cast(part.dtype) for path, part in a.items()}
