"""Reductions over any axes. Reduced axes have length 1; `Tensor.sum` and its kin drop them."""

from __future__ import annotations

from math import prod

import numpy as np

from pellucid.graph.dtype import BOOL, INT32
from pellucid.graph.op import Array, Op, Shape, TensorType, declare
from pellucid.graph.tensor import Gradients, Tensor

_LONG = 64
"""Sums of more elements are made by halves."""


def reduced_shape(shape: Shape, axes: tuple[int, ...]) -> Shape:
    """`shape` with each of `axes` at length 1."""
    return tuple(1 if axis in axes else length for axis, length in enumerate(shape))


def _reduced(name: str, x: TensorType, axes: tuple[int, ...]) -> TensorType:
    if list(axes) != sorted(set(axes)) or any(not 0 <= a < len(x.shape) for a in axes):
        raise ValueError(f"{name} over axes {axes} of {x}: axes are increasing and exist")
    if x.dtype == BOOL:
        raise TypeError(f"{name} takes numbers, got {x}; cast the condition first")
    return TensorType(reduced_shape(x.shape, axes), x.dtype)


def _sum_type(x: TensorType, axes: tuple[int, ...]) -> TensorType:
    return _reduced("sum", x, axes)


def _sum(x: Array, axes: tuple[int, ...]) -> Array:
    if all(x.shape[axis] == 1 for axis in axes):
        return x  # NumPy adds it to 0, which makes 0 of −0.
    rest = [axis for axis in range(x.ndim) if axis not in axes]
    count = prod(x.shape[axis] for axis in axes)
    if x.dtype.kind == "f" and count > _LONG and rest and rest[-1] > axes[0]:
        # NumPy adds by halves along the last axes alone; elsewhere errors grow with the length.
        rows = np.ascontiguousarray(x.transpose(*rest, *axes)).reshape(-1, count)
        return np.asarray(np.sum(rows, axis=-1)).reshape(reduced_shape(x.shape, axes))
    return np.asarray(np.sum(x, axis=axes, keepdims=True, dtype=x.dtype))


def _sum_rule(g: Tensor, out: Tensor, x: Tensor, axes: tuple[int, ...]) -> Gradients:
    return (g.broadcast_to(x.shape),)


def _max_type(x: TensorType, axes: tuple[int, ...]) -> TensorType:
    result = _reduced("max", x, axes)
    if any(x.shape[axis] == 0 for axis in axes):
        raise ValueError(f"max over an empty axis of {x} has no value")
    return result


def _max(x: Array, axes: tuple[int, ...]) -> Array:
    return np.asarray(np.max(x, axis=axes, keepdims=True))


def _max_rule(g: Tensor, out: Tensor, x: Tensor, axes: tuple[int, ...]) -> Gradients:
    """Shared evenly between the largest elements, as torch.amax does."""
    largest = x.equal(out.broadcast_to(x.shape)).cast(x.dtype)
    return (largest * (g / largest.sum(axes, keepdims=True)).broadcast_to(x.shape),)


def _argmax_type(x: TensorType, axis: int) -> TensorType:
    _reduced("argmax", x, (axis,))
    if x.shape[axis] == 0:
        raise ValueError(f"argmax over an empty axis of {x} has no value")
    return TensorType(reduced_shape(x.shape, (axis,)), INT32)


def _argmax(x: Array, axis: int) -> Array:
    return np.asarray(np.argmax(x, axis=axis, keepdims=True), INT32)


declare(Op("sum", "reduce", _sum_type, _sum, _sum_rule, "sum({0}, axis={axes})"))
declare(Op("max", "reduce", _max_type, _max, _max_rule, "max({0}, axis={axes})"))
declare(Op("argmax", "reduce", _argmax_type, _argmax, None, "argmax({0}, axis={axis})"))
