"""The linear maps of Winograd's squares, along one axis and along two (see `compile.winograd`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pellucid.compile.loop.builder import Builder
from pellucid.compile.loop.ir import Value

Values = Sequence[Value]
Map = Callable[[Builder, Values], list[Value]]


def of_signal(b: Builder, d: Values) -> list[Value]:
    """Bᵀd: 4 → 4."""
    return [b.sub(d[0], d[2]), b.add(d[1], d[2]), b.sub(d[2], d[1]), b.sub(d[3], d[1])]


def of_window(b: Builder, g: Values) -> list[Value]:
    """G g: 3 → 4."""
    half = b.mul(b.add(g[0], g[2]), _half(b, g[0]))
    middle = b.mul(g[1], _half(b, g[1]))
    return [g[0], b.add(half, middle), b.sub(half, middle), g[2]]


def to_result(b: Builder, m: Values) -> list[Value]:
    """Aᵀm: 4 → 2."""
    return [b.add(m[0], b.add(m[1], m[2])), b.add(b.sub(m[1], m[2]), m[3])]


def of_result(b: Builder, y: Values) -> list[Value]:
    """A y: 2 → 4."""
    return [y[0], b.add(y[0], y[1]), b.sub(y[0], y[1]), y[1]]


def to_window(b: Builder, p: Values) -> list[Value]:
    """Gᵀp: 4 → 3."""
    half = b.mul(b.add(p[1], p[2]), _half(b, p[1]))
    middle = b.mul(b.sub(p[1], p[2]), _half(b, p[1]))
    return [b.add(p[0], half), middle, b.add(half, p[3])]


def both_ways(b: Builder, one: Map, square: Sequence[Values]) -> list[list[Value]]:
    """A map along the columns of a square, then along its rows."""
    columns = [one(b, column) for column in zip(*square, strict=True)]
    return [one(b, row) for row in zip(*columns, strict=True)]


def _half(b: Builder, like: Value) -> Value:
    return b.constant(like.type, 0.5)
