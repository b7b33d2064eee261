"""Movement: the same elements at other indices."""

from __future__ import annotations

from math import prod

import numpy as np

from pellucid.graph.dtype import is_float
from pellucid.graph.op import Array, Op, Shape, TensorType, declare
from pellucid.graph.tensor import Gradients, Tensor

Ints = tuple[int, ...]


def _reshape_type(x: TensorType, shape: Shape) -> TensorType:
    if prod(shape) != prod(x.shape):
        raise ValueError(f"cannot reshape {x} to {shape}: the numbers of elements differ")
    return TensorType(shape, x.dtype)


def _reshape(x: Array, shape: Shape) -> Array:
    return x.reshape(shape)


def _reshape_rule(g: Tensor, out: Tensor, x: Tensor, shape: Shape) -> Gradients:
    return (g.reshape(x.shape),)


def _transpose_type(x: TensorType, order: Ints) -> TensorType:
    if sorted(order) != list(range(len(x.shape))):
        raise ValueError(f"cannot transpose {x} to axes {order}: each axis is named once")
    return TensorType(tuple(x.shape[axis] for axis in order), x.dtype)


def _transpose(x: Array, order: Ints) -> Array:
    return np.transpose(x, order)


def _transpose_rule(g: Tensor, out: Tensor, x: Tensor, order: Ints) -> Gradients:
    return (g.transpose(*(order.index(axis) for axis in range(len(order)))),)


def _broadcast_type(x: TensorType, shape: Shape) -> TensorType:
    lead = len(shape) - len(x.shape)
    if lead < 0 or any(n not in (1, m) for n, m in zip(x.shape, shape[lead:], strict=True)):
        raise ValueError(f"cannot broadcast {x} to {shape}")
    return TensorType(shape, x.dtype)


def _broadcast(x: Array, shape: Shape) -> Array:
    return np.broadcast_to(x, shape)


def _broadcast_rule(g: Tensor, out: Tensor, x: Tensor, shape: Shape) -> Gradients:
    lead = len(shape) - x.ndim
    grown = tuple(a for a in range(len(shape)) if a < lead or x.shape[a - lead] != shape[a])
    return (g.sum(grown, keepdims=True).reshape(x.shape),)


def _slice_type(x: TensorType, start: Ints, stop: Ints, step: Ints) -> TensorType:
    if not len(start) == len(stop) == len(step) == len(x.shape):
        raise ValueError(f"a slice of {x} names {len(x.shape)} starts, stops and steps")
    for n, a, b, s in zip(x.shape, start, stop, step, strict=True):
        if not (0 <= a <= b <= n and s >= 1):
            raise ValueError(f"slice {start}:{stop}:{step} does not lie within {x}")
    shape = tuple((b - a + s - 1) // s for a, b, s in zip(start, stop, step, strict=True))
    return TensorType(shape, x.dtype)


def _slice(x: Array, start: Ints, stop: Ints, step: Ints) -> Array:
    return x[tuple(slice(a, b, s) for a, b, s in zip(start, stop, step, strict=True))]


def _slice_rule(
    g: Tensor, out: Tensor, x: Tensor, start: Ints, stop: Ints, step: Ints
) -> Gradients:
    spread = [max((n - 1) * s + 1, 0) if n else 0 for n, s in zip(g.shape, step, strict=True)]
    after = tuple(n - a - m for n, a, m in zip(x.shape, start, spread, strict=True))
    return (g.pad(start, after, interior=tuple(s - 1 for s in step)),)


def _pad_type(x: TensorType, before: Ints, after: Ints, interior: Ints, value: float) -> TensorType:
    if not len(before) == len(after) == len(interior) == len(x.shape):
        raise ValueError(f"padding of {x} names {len(x.shape)} widths before, after and between")
    if min((*before, *after, *interior), default=0) < 0:
        raise ValueError(f"padding widths are at least 0, got {before}, {after}, {interior}")
    if not is_float(x.dtype) and np.array(value).astype(x.dtype) != value:
        raise ValueError(f"cannot pad {x} with {value}: its type does not hold that value")
    shape = tuple(
        b + max(n + (n - 1) * i, 0) + a
        for n, b, a, i in zip(x.shape, before, after, interior, strict=True)
    )
    return TensorType(shape, x.dtype)


def _pad(x: Array, before: Ints, after: Ints, interior: Ints, value: float) -> Array:
    shape = _pad_type(TensorType(x.shape, x.dtype), before, after, interior, value).shape
    out = np.full(shape, value, dtype=x.dtype)
    inside = tuple(
        slice(b, b + max(n + (n - 1) * i, 0), i + 1)
        for n, b, i in zip(x.shape, before, interior, strict=True)
    )
    out[inside] = x
    return out


def _pad_rule(
    g: Tensor, out: Tensor, x: Tensor, before: Ints, after: Ints, interior: Ints, value: float
) -> Gradients:
    inside = tuple(
        slice(b, b + max(n + (n - 1) * i, 0), i + 1)
        for n, b, i in zip(x.shape, before, interior, strict=True)
    )
    return (g[inside],)


def _flip_type(x: TensorType, axes: Ints) -> TensorType:
    if list(axes) != sorted(set(axes)) or any(not 0 <= a < len(x.shape) for a in axes):
        raise ValueError(f"flip of {x} along axes {axes}: axes are increasing and exist")
    return x


def _flip(x: Array, axes: Ints) -> Array:
    return np.flip(x, axes)


def _flip_rule(g: Tensor, out: Tensor, x: Tensor, axes: Ints) -> Gradients:
    return (g.flip(axes),)


def _concatenate_type(*parts: TensorType, axis: int) -> TensorType:
    if not parts:
        raise ValueError("concatenate takes at least one tensor")
    first = parts[0]
    if not 0 <= axis < len(first.shape):
        raise ValueError(f"cannot concatenate {first} along axis {axis}")
    for part in parts:
        alike = len(part.shape) == len(first.shape) and all(
            n == m or a == axis
            for a, (n, m) in enumerate(zip(part.shape, first.shape, strict=True))
        )
        if not alike or part.dtype != first.dtype:
            raise ValueError(f"cannot concatenate {first} and {part} along axis {axis}")
    total = sum(part.shape[axis] for part in parts)
    return TensorType((*first.shape[:axis], total, *first.shape[axis + 1 :]), first.dtype)


def _concatenate(*parts: Array, axis: int) -> Array:
    return np.concatenate(parts, axis)


def _concatenate_rule(g: Tensor, out: Tensor, *parts: Tensor, axis: int) -> Gradients:
    lead = (slice(None),) * axis
    ends = np.cumsum([part.shape[axis] for part in parts])
    return [
        g[(*lead, slice(int(end) - part.shape[axis], int(end)))]
        for part, end in zip(parts, ends, strict=True)
    ]


declare(Op("reshape", "movement", _reshape_type, _reshape, _reshape_rule, "reshape({0}, {shape})"))
declare(
    Op(
        "transpose",
        "movement",
        _transpose_type,
        _transpose,
        _transpose_rule,
        "{0} with axes {order}",
    )
)
declare(
    Op(
        "broadcast",
        "movement",
        _broadcast_type,
        _broadcast,
        _broadcast_rule,
        "{0} repeated to {shape}",
    )
)
declare(Op("slice", "movement", _slice_type, _slice, _slice_rule, "{0}[{window}]"))
declare(Op("pad", "movement", _pad_type, _pad, _pad_rule, "pad({0}, {before}, {after})"))
declare(Op("flip", "movement", _flip_type, _flip, _flip_rule, "flip({0}, axis={axes})"))
declare(
    Op(
        "concatenate",
        "movement",
        _concatenate_type,
        _concatenate,
        _concatenate_rule,
        "concatenate({inputs}, axis={axis})",
    )
)
