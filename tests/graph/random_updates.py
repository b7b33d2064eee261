"""States that become something of each other: read in any order while they are replaced."""

from __future__ import annotations

from typing import Any

import numpy as np

from pellucid import graph as g
from pellucid.graph import State, Tensor
from tests.graph.random_graphs import Builder


def tangle(b: Builder) -> None:
    """Give some states that are not updated yet a new value made of states of their type."""
    for w in b.states:
        state = w.node.attrs["state"]
        if w.dtype.kind == "b" or state in b.updates or b.chance(0.3):
            continue
        alike = [x for x in b.states if (x.shape, x.dtype) == (w.shape, w.dtype)]
        _update(b, state, _made_of(b, b.one_of(alike), b.one_of(alike)))


def _update(b: Builder, state: State, made: Tensor) -> None:
    kept = made if made.dtype == state.value.dtype else made.cast(state.value.dtype)
    b.updates[state] = kept.node


def _made_of(b: Builder, x: Tensor, y: Tensor) -> Tensor:
    """Something of the type of x."""
    axis = b.below(x.ndim) if x.ndim else -1
    if axis < 0 or not x.size or b.chance(0.2):
        plain: Tensor = b.one_of((x, y, x + y, x - y))
        return plain
    n = x.shape[axis]
    order: Any = b.rng.permutation(n)
    found = [
        x.flip((axis,)) + y,
        x.take(order, axis),
        x.scatter_add(order, n, axis) - y,
        x + y.max(axis, keepdims=True),
        x - y.sum(keepdims=True).broadcast_to(x.shape),
    ]
    if x.dtype.kind == "f":
        found.append(g.softmax(x, axis) + y)
        square = g.tensor((b.rng.standard_normal((n, n)) / n).astype(x.dtype))
        found.append((x.swap_axes(axis, -1) @ square).swap_axes(axis, -1) if x.ndim > 1 else x)
        if x.ndim > 1 and x.shape[-1] == x.shape[-2]:
            found += [x.swap_axes(-1, -2), x @ y / n, (y @ x).tanh() - x, x.swap_axes(-1, -2) @ y]
    made: Tensor = b.one_of(found)
    return made if made.dtype.kind != "f" or np.prod(made.shape) < 2 else made * 0.5
