"""The transforms of Winograd's tiles, along one axis and along two (see `tile.winograd`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pellucid.compile.loop.builder import Builder
from pellucid.compile.loop.ir import Value

Values = Sequence[Value]
Transform = Callable[[Builder, Values], list[Value]]


def signal_transform(b: Builder, d: Values) -> list[Value]:
    """Bᵀd: 4 → 4."""
    return [b.sub(d[0], d[2]), b.add(d[1], d[2]), b.sub(d[2], d[1]), b.sub(d[3], d[1])]


def window_transform(b: Builder, g: Values) -> list[Value]:
    """G g: 3 → 4."""
    half = b.mul(b.add(g[0], g[2]), _half(b, g[0]))
    middle = b.mul(g[1], _half(b, g[1]))
    return [g[0], b.add(half, middle), b.sub(half, middle), g[2]]


def result_transform(b: Builder, m: Values) -> list[Value]:
    """Aᵀm: 4 → 2."""
    return [b.add(m[0], b.add(m[1], m[2])), b.add(b.sub(m[1], m[2]), m[3])]


def result_gradient_transform(b: Builder, y: Values) -> list[Value]:
    """A y: 2 → 4."""
    return [y[0], b.add(y[0], y[1]), b.sub(y[0], y[1]), y[1]]


def window_gradient_transform(b: Builder, p: Values) -> list[Value]:
    """Gᵀp: 4 → 3."""
    half = b.mul(b.add(p[1], p[2]), _half(b, p[1]))
    middle = b.mul(b.sub(p[1], p[2]), _half(b, p[1]))
    return [b.add(p[0], half), middle, b.add(half, p[3])]


def transformed(b: Builder, transform: Transform, tile: Sequence[Values]) -> list[list[Value]]:
    """A transform along the columns of a tile, then along its rows."""
    columns = [transform(b, column) for column in zip(*tile, strict=True)]
    return [transform(b, row) for row in zip(*columns, strict=True)]


def _half(b: Builder, like: Value) -> Value:
    return b.constant(like.type, 0.5)
