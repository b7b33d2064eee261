"""Gather and scatter along one axis by an integer index.

Indices run from 0 to n − 1. An index outside reads as 0 and is dropped when written: no memory is
touched that is not the tensor's.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pellucid.graph.dtype import BOOL, INT32, INT64
from pellucid.graph.op import Array, Op, TensorType, declare
from pellucid.graph.tensor import Gradients, Tensor


def _check_index(name: str, index: TensorType) -> None:
    if index.dtype not in (INT32, INT64):
        raise TypeError(f"{name} takes an int32 or int64 index, got {index}")


def _take_type(x: TensorType, index: TensorType, axis: int) -> TensorType:
    _check_index("take", index)
    if not 0 <= axis < len(x.shape):
        raise ValueError(f"cannot take along axis {axis} of {x}")
    return TensorType((*x.shape[:axis], *index.shape, *x.shape[axis + 1 :]), x.dtype)


def _take(x: Array, index: Array, axis: int) -> Array:
    inside = (index >= 0) & (index < x.shape[axis])
    if inside.all():
        return np.take(x, index, axis)
    if x.shape[axis] == 0:
        return np.zeros((*x.shape[:axis], *index.shape, *x.shape[axis + 1 :]), x.dtype)
    taken = np.asarray(np.take(x, np.where(inside, index, 0), axis))
    taken[(slice(None),) * axis + (~inside,)] = 0
    return taken


def _take_rule(g: Tensor, out: Tensor, x: Tensor, index: Tensor, axis: int) -> Gradients:
    return g.scatter_add(index, x.shape[axis], axis), None


def _scatter_add_type(x: TensorType, index: TensorType, length: int, axis: int) -> TensorType:
    _check_index("scatter_add", index)
    end = axis + len(index.shape)
    if axis < 0 or x.shape[axis:end] != index.shape:
        raise ValueError(f"scatter_add of {x} by index {index} at axis {axis}: their shapes differ")
    if x.dtype == BOOL or length < 0:
        raise TypeError(f"scatter_add takes numbers and a length of at least 0, got {x}, {length}")
    return TensorType((*x.shape[:axis], length, *x.shape[end:]), x.dtype)


def _scatter_add(x: Array, index: Array, length: int, axis: int) -> Array:
    """out[…, k, …] = Σ over positions j with index[j] = k of x[…, j, …], in order of j."""
    lead, tail = x.shape[:axis], x.shape[axis + index.ndim :]
    out = np.zeros((*lead, length, *tail), x.dtype)
    flat = index.reshape(-1)
    inside = (flat >= 0) & (flat < length)
    where: tuple[Any, ...] = (slice(None),) * axis
    targets: Any = (*where, flat[inside])
    np.add.at(out, targets, x.reshape(*lead, flat.size, *tail)[(*where, inside)])
    return out


def _scatter_add_rule(
    g: Tensor, out: Tensor, x: Tensor, index: Tensor, length: int, axis: int
) -> Gradients:
    return g.take(index, axis), None


declare(Op("take", "index", _take_type, _take, _take_rule, "{0}[{1}] along axis {axis}"))
declare(
    Op(
        "scatter_add",
        "index",
        _scatter_add_type,
        _scatter_add,
        _scatter_add_rule,
        "scatter {0} to {1}",
    )
)
