"""NumPy's basic and integer-array indexing, as graph."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid.graph.dtype import BOOL, is_float
from pellucid.graph.node import apply
from pellucid.graph.op import Shape

if TYPE_CHECKING:
    from pellucid.graph.tensor import Tensor


def flat_ints(given: Iterable[int | Sequence[int]]) -> tuple[int, ...]:
    """`f(2, 3)` and `f((2, 3))` mean the same."""
    items = list(given)
    if len(items) == 1 and not isinstance(items[0], (int, np.integer)):
        return tuple(operator.index(n) for n in items[0])
    return tuple(operator.index(n) for n in items)  # type: ignore[arg-type]


def full_shape(size: int, shape: Shape) -> Shape:
    """`shape` with a length of −1 replaced by what `size` leaves for it."""
    if shape.count(-1) > 1 or any(n < -1 for n in shape):
        raise ValueError(f"shape {shape} leaves more than one length open, or has a negative one")
    if -1 not in shape:
        return shape
    known = int(np.prod([n for n in shape if n != -1], dtype=np.int64))
    if known == 0 or size % known:
        raise ValueError(f"{size} elements do not fill shape {shape}")
    return tuple(size // known if n == -1 else n for n in shape)


def getitem(x: Tensor, index: Any) -> Tensor:
    """x[index] for integers, slices, None, Ellipsis and integer arrays or tensors."""
    items = _expand(x, index if isinstance(index, tuple) else (index,))
    sliced, rest = _slice(x, items)
    return _gather(sliced, rest)


def _is_array(item: Any) -> bool:
    from pellucid.graph.tensor import Tensor

    return isinstance(item, (Tensor, np.ndarray, list))


def _expand(x: Tensor, items: tuple[Any, ...]) -> list[Any]:
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


def _slice(x: Tensor, items: list[Any]) -> tuple[Tensor, list[Any]]:
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
        y = type(x)(apply("slice", [y.node], **window_attrs))
    return y.reshape(shape), rest


def _is_integer(item: Any) -> bool:
    return isinstance(item, (int, np.integer)) and not isinstance(item, (bool, np.bool_))


def _window(item: Any, n: int, axis: int, shape: Shape) -> slice:
    if _is_integer(item):
        if not -n <= item < n:
            raise IndexError(f"index {item} is outside axis {axis} of a tensor of shape {shape}")
        at = int(item) % n
        return slice(at, at + 1, 1)
    if isinstance(item, slice):
        return slice(*item.indices(n))
    if _is_array(item):
        return slice(0, n, 1)
    raise IndexError(
        f"a tensor is indexed by integers, slices, None, Ellipsis and integer arrays, not {item!r}"
    )


def _gather(x: Tensor, items: list[Any]) -> Tensor:
    """Integer arrays: broadcast together, they pick along their axes at once."""
    from pellucid.graph.tensor import broadcast_shapes, tensor

    axes = [axis for axis, item in enumerate(items) if _is_array(item)]
    if not axes:
        return x
    arrays = [tensor(items[axis]) for axis in axes]
    for array in arrays:
        if array.dtype == BOOL:
            raise IndexError(
                "a boolean mask has a result whose size depends on the data; use where(mask, x, 0)"
            )
        if is_float(array.dtype):
            raise IndexError(f"an index holds integers, got {array.node.type}")
    shape = broadcast_shapes(*(array.shape for array in arrays))
    flat: Tensor | None = None
    for axis, array in zip(axes, arrays, strict=True):
        n = x.shape[axis]
        inside = (array < 0).where(array + n, array).broadcast_to(shape)
        flat = inside if flat is None else flat * n + inside
    assert flat is not None
    others = [axis for axis in range(x.ndim) if axis not in axes]
    adjacent = axes == list(range(axes[0], axes[-1] + 1))
    at = axes[0] if adjacent else 0
    moved = x.transpose([*others[:at], *axes, *others[at:]])
    merged = int(np.prod([x.shape[axis] for axis in axes], dtype=np.int64))
    lead = tuple(x.shape[axis] for axis in others[:at])
    tail = tuple(x.shape[axis] for axis in others[at:])
    return moved.reshape((*lead, merged, *tail)).take(flat, axis=at)
