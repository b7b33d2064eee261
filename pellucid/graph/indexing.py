"""NumPy's basic and integer-array indexing, as graph."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from pellucid.check import brief
from pellucid.errors import OutOfRangeError
from pellucid.graph.algebra import Algebra, T
from pellucid.graph.arrays import Symbolic
from pellucid.graph.dtype import BOOL, INT32, INT64, UINT8, is_float
from pellucid.graph.op import Shape


def flat_ints(values: Iterable[int | Sequence[int]], what: str = "a shape") -> tuple[int, ...]:
    """`f(2, 3)` and `f((2, 3))` mean the same; raises TypeError for what is not integers."""
    items = list(values)
    one = len(items) == 1 and not isinstance(items[0], (int, np.integer))
    lengths: Any = items[0] if one else items
    try:
        integers = tuple(operator.index(n) for n in lengths)
    except TypeError:
        got = items[0] if len(items) == 1 else tuple(items)
        parts = got if isinstance(got, Iterable) and not isinstance(got, str) else [got]
        kinds = (type(n).__name__ for n in parts if not isinstance(n, (int, np.integer)))
        raise TypeError(
            f"{what} is made of integers, got {brief(got)}, which holds a {next(kinds, 'value')}"
        ) from None
    if any(abs(n) >= 2**63 for n in integers):
        raise OutOfRangeError(f"{what} is made of integers below 2⁶³, got {brief(integers)}")
    return integers


def whole(value: int, what: str) -> int:
    """One integer; raises TypeError for anything else."""
    if isinstance(value, Iterable):
        raise TypeError(f"{what} is an integer, got {brief(value)}")
    return flat_ints([value], what)[0]


def broadcast_shapes(*shapes: Shape) -> Shape:
    """The common shape by NumPy's rule; raises ValueError naming the shapes."""
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        raise ValueError(f"shapes {' and '.join(map(str, shapes))} do not broadcast") from None


def full_shape(old: Shape, new: Shape) -> Shape:
    """`new` with a length of −1 replaced by what the elements of `old` leave for it."""
    if new.count(-1) > 1 or any(n < -1 for n in new):
        raise ValueError(f"shape {new} leaves more than one length open, or has a negative one")
    if -1 not in new:
        return new
    size = math.prod(old)
    known = math.prod(n for n in new if n != -1)
    if known == 0 or size % known:
        raise ValueError(f"cannot reshape {old} to {new}: {size} elements do not fill it")
    return tuple(size // known if n == -1 else n for n in new)


def getitem(x: T, index: Any) -> T:
    """x[index] for integers, slices, None, Ellipsis and integer arrays or tensors.

    Raises IndexError for a known index outside of x; one that comes with the data reads 0.
    """
    items = _expand(x, index if isinstance(index, tuple) else (index,))
    sliced, rest = _slice(x, items)
    advanced = [i for i, item in enumerate(items) if _is_array(item) or _is_integer(item)]
    # NumPy: the picked axes come first when a slice or None stands between the indices.
    apart = bool(advanced) and advanced[-1] - advanced[0] >= len(advanced)
    return _gather(sliced, rest, apart)


def as_index(x: T, value: Any) -> T:
    """`value` as a tensor of indices into x; an empty list holds no indices and so is accepted."""
    empty = isinstance(value, (list, tuple)) and np.size(value) == 0
    index: T = x.constant(value, INT64 if empty else None)
    return index.cast(INT32) if index.dtype == UINT8 else index


def _is_array(item: Any) -> bool:
    return isinstance(item, (Symbolic, np.ndarray, list, tuple))


def _expand(x: Algebra, items: tuple[Any, ...]) -> list[Any]:
    """Ellipsis, and axes not named at the end, written out as full slices."""
    named = sum(item is not None and item is not Ellipsis for item in items)
    if named > x.ndim:
        raise IndexError(f"{named} indices for a tensor of shape {x.shape}")
    dots = [i for i, item in enumerate(items) if item is Ellipsis]
    if len(dots) > 1:
        raise IndexError("an index has at most one Ellipsis")
    at = dots[0] if dots else len(items)
    fill = [slice(None)] * (x.ndim - named)
    return [*items[:at], *fill, *items[at + len(dots) :]]


def _slice(x: T, items: list[Any]) -> tuple[T, list[Any]]:
    """Apply integers, slices and None; what remains is one item an axis: a slice or an array."""
    start: list[int] = []
    stop: list[int] = []
    step: list[int] = []
    flipped: list[int] = []
    shape: list[int] = []
    rest: list[Any] = []
    axis = 0
    for item in items:
        if item is None:
            shape.append(1)
            rest.append(slice(None))
            continue
        n = x.shape[axis]
        window = _window(item, n, axis, x.shape)
        if window.step < 0:
            flipped.append(axis)
            count = len(range(window.start, window.stop, window.step))
            first = n - 1 - window.start
            window = slice(first, first + max((count - 1) * -window.step + 1, 0), -window.step)
            window = window if count else slice(0, 0, 1)
        begin, end, stride = window.start, max(window.stop, window.start), window.step
        start.append(begin)
        stop.append(end)
        step.append(stride)
        if not _is_integer(item):
            shape.append(len(range(begin, end, stride)))
            rest.append(item if _is_array(item) else slice(None))
        axis += 1
    y = x.flip(flipped) if flipped else x
    whole = all(
        a == 0 and b == n and s == 1 for a, b, s, n in zip(start, stop, step, x.shape, strict=True)
    )
    if not whole:
        window_attrs = {"start": tuple(start), "stop": tuple(stop), "step": tuple(step)}
        y = y.apply("slice", **window_attrs)
    return y.reshape(shape), rest


def _is_integer(item: Any) -> bool:
    return isinstance(item, (int, np.integer)) and not isinstance(item, (bool, np.bool_))


def _window(item: Any, n: int, axis: int, shape: Shape) -> slice:
    if _is_integer(item):
        if not -n <= item < n:
            raise IndexError(
                f"index {brief(item)} is outside axis {axis} of a tensor of shape {shape}"
            )
        at = int(item) % n
        return slice(at, at + 1, 1)
    if isinstance(item, slice):
        return slice(*item.indices(n))
    if _is_array(item):
        return slice(0, n, 1)
    raise IndexError(
        f"a tensor is indexed by integers, slices, None, Ellipsis and integer arrays, not {brief(item)}"
    )


def _gather(x: T, items: list[Any], apart: bool) -> T:
    """Integer arrays: broadcast together, they pick along their axes at once."""
    axes = [axis for axis, item in enumerate(items) if _is_array(item)]
    if not axes:
        return x
    lengths = [x.shape[axis] for axis in axes]
    indices = [_index_along(x, axis, items[axis]) for axis in axes]
    others = [axis for axis in range(x.ndim) if axis not in axes]
    at = 0 if apart else axes[0]
    moved = x.transpose([*others[:at], *axes, *others[at:]])
    lead = tuple(x.shape[axis] for axis in others[:at])
    tail = tuple(x.shape[axis] for axis in others[at:])
    merged = moved.reshape((*lead, math.prod(lengths), *tail))
    flat = _flat(indices, lengths)
    return merged.take(flat, axis=at)


def _index_along(x: T, axis: int, item: Any) -> T:
    """Indices counted from the front. Those that are known are checked, as NumPy does."""
    index, n = as_index(x, item), x.shape[axis]
    if index.dtype == BOOL:
        raise IndexError(
            "a boolean mask has a result whose size depends on the data; use where(mask, x, 0)"
        )
    if is_float(index.dtype):
        raise IndexError(f"an index holds integers, got {index.node.type}")
    if index.node.op != "constant":
        return (index < 0).where(index + n, index)
    known = index.node.attrs["value"].array
    outside = known[(known < -n) | (known >= n)]
    if outside.size:
        raise IndexError(f"index {outside[0]} is outside axis {axis} of a tensor of {x.shape}")
    return as_index(x, np.where(known < 0, known + n, known))


def _flat(indices: list[T], lengths: list[int]) -> T:
    """Indices along several axes as one along those axes merged; outside stays outside."""
    shape = broadcast_shapes(*(index.shape for index in indices))
    if len(indices) == 1:
        return indices[0]
    flat = indices[0].cast(INT64)
    for index, n in zip(indices[1:], lengths[1:], strict=True):
        flat = flat * n + index
    flat = flat.broadcast_to(shape)
    for index, n in zip(indices, lengths, strict=True):
        if index.node.op != "constant":
            flat = ((index >= 0) & (index < n)).where(flat, -1)
    return flat
