"""Reductions over any axes: what `Tensor.sum` and its kin mean."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from numbers import Integral

import numpy as np

from pellucid import check
from pellucid.check import brief
from pellucid.graph.algebra import Algebra, T
from pellucid.graph.dtype import BOOL, INT64, float_of, is_float

Axes = int | Sequence[int] | None


def axis_of(x: Algebra, axis: int, extra: int = 0) -> int:
    """`axis` counted from the front; raises ValueError unless x, with `extra` more axes, has it."""
    ndim = x.ndim + extra
    if not isinstance(axis, Integral) or isinstance(axis, bool):
        raise TypeError(f"an axis is an integer, got {brief(axis)}")
    if not -ndim <= axis < ndim:
        raise ValueError(f"axis {brief(axis)} does not exist in a tensor of shape {x.shape}")
    return int(axis) % ndim


def axes_of(x: Algebra, axes: Axes) -> tuple[int, ...]:
    """`axes` counted from the front, in increasing order; all axes for None."""
    if axes is None:
        return tuple(range(x.ndim))
    items = list(axes) if isinstance(axes, Iterable) else [axes]
    positive = sorted(axis_of(x, axis) for axis in items)
    if len(set(positive)) < len(positive):
        raise ValueError(f"axes {tuple(items)} of a tensor of shape {x.shape} name an axis twice")
    return tuple(positive)


def drop(x: T, axes: tuple[int, ...]) -> T:
    """x without `axes`, which have length 1."""
    return x.reshape(tuple(n for axis, n in enumerate(x.shape) if axis not in axes))


def _reduce(op: str, x: T, axes: Axes, keepdims: bool) -> T:
    over = axes_of(x, axes)
    result = x.apply(op, axes=over) if over else x
    return result if keepdims else drop(result, over)


def count(x: Algebra, axes: Axes) -> int:
    """How many elements each result of a reduction over `axes` is made from."""
    return math.prod(x.shape[axis] for axis in axes_of(x, axes))


def total(x: T, axes: Axes, keepdims: bool) -> T:
    """Σ; integers and conditions are added as int64, as in NumPy."""
    return _reduce("sum", x if is_float(x.dtype) else x.cast(INT64), axes, keepdims)


def mean(x: T, axes: Axes, keepdims: bool) -> T:
    """Σ / n, as a float."""
    n = count(x, axes)
    sums = total(x.cast(float_of(x.dtype)), axes, keepdims)
    return sums / float(n) if n else sums * float("nan")


def moments(x: T, axes: Axes) -> tuple[T, T, T]:
    """(x − mean, mean, variance) over `axes`, which stay with length 1; NaN of no elements.

    As exact far from 0 as near it: d = x − m is taken from m = a + Σ (x − a) / n, a being the first
    element, and from d its own mean, which is what rounding m has left (Chan, Golub & LeVeque 1983,
    the corrected two-pass algorithm). Of equal elements x − mean and the variance are exactly 0.
    """
    x = x.cast(float_of(x.dtype))
    over, n = axes_of(x, axes), count(x, axes)
    share = 1.0 / n if n else float("nan")
    first = x[tuple(slice(1 if axis in over else None) for axis in range(x.ndim))].stop_gradient()
    near = (first + total(x - first, over, keepdims=True) * share).stop_gradient()
    rest = x - near
    left = total(rest, over, keepdims=True) * share
    rest = rest - left
    return rest, near + left, total(rest.square(), over, keepdims=True) * share


def variance(x: T, axes: Axes, keepdims: bool, ddof: int) -> T:
    """Σ (x − mean)² / (n − ddof)."""
    ddof = check.integer("ddof", ddof, at_least=0)
    n = count(x, axes)
    if n <= ddof:
        return total(x.cast(float_of(x.dtype)), axes, keepdims) * float("nan")
    _, _, squares = moments(x, axes)
    if ddof:
        squares = squares * (n / (n - ddof))
    return squares if keepdims else drop(squares, axes_of(x, axes))


def largest(x: T, axes: Axes, keepdims: bool) -> T:
    """max."""
    if x.dtype == BOOL:
        return _reduce("max", x.cast(INT64), axes, keepdims).cast(BOOL)
    return _reduce("max", x, axes, keepdims)


def smallest(x: T, axes: Axes, keepdims: bool) -> T:
    """min, as the largest in reversed order."""
    if x.dtype == BOOL:
        return ~largest(~x, axes, keepdims)
    return mirrored(largest(mirrored(x), axes, keepdims))


def mirrored(x: T) -> T:
    """x in reversed order: −x for floats; −1 − x or 255 − x for integers, where −x may overflow."""
    if is_float(x.dtype):
        return -x
    return (int(np.iinfo(x.dtype).max) if x.dtype.kind == "u" else -1) - x


def where_largest(x: T, axis: int, keepdims: bool) -> T:
    """Where along `axis` the first largest is."""
    over = axis_of(x, axis)
    result = x.apply("argmax", axis=over)
    return result if keepdims else drop(result, (over,))
