"""The transforms of Winograd's tiles, along one axis and along two (see `tile.winograd`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pellucid.compile.loop.builder import Builder
from pellucid.compile.loop.ir import Value

Values = Sequence[Value]
Transform = Callable[[Builder, Values], list[Value]]


@dataclass(frozen=True)
class Transforms:
    """The transforms of one size of windows r and tiles m, with n = m + r − 1 points.

    signal: Bᵀd, n → n. window: G g, r → n. result: Aᵀp, n → m. result_gradient: A y, m → n.
    window_gradient: Gᵀp, n → r.
    """

    signal: Transform
    window: Transform
    result: Transform
    result_gradient: Transform
    window_gradient: Transform


def transformed(b: Builder, transform: Transform, tile: Sequence[Values]) -> list[list[Value]]:
    """A transform along the columns of a tile, then along its rows."""
    columns = [transform(b, column) for column in zip(*tile, strict=True)]
    return [transform(b, row) for row in zip(*columns, strict=True)]


def _times(b: Builder, x: Value, factor: float) -> Value:
    return b.mul(x, b.constant(x.type, factor))


# -- windows of 3, tiles of 2: points 0, 1, −1, ∞ -------------------------------------------------


def _signal_3(b: Builder, d: Values) -> list[Value]:
    return [b.sub(d[0], d[2]), b.add(d[1], d[2]), b.sub(d[2], d[1]), b.sub(d[3], d[1])]


def _window_3(b: Builder, g: Values) -> list[Value]:
    half = _times(b, b.add(g[0], g[2]), 0.5)
    middle = _times(b, g[1], 0.5)
    return [g[0], b.add(half, middle), b.sub(half, middle), g[2]]


def _result_3(b: Builder, p: Values) -> list[Value]:
    return [b.add(p[0], b.add(p[1], p[2])), b.add(b.sub(p[1], p[2]), p[3])]


def _result_gradient_3(b: Builder, y: Values) -> list[Value]:
    return [y[0], b.add(y[0], y[1]), b.sub(y[0], y[1]), y[1]]


def _window_gradient_3(b: Builder, p: Values) -> list[Value]:
    half = _times(b, b.add(p[1], p[2]), 0.5)
    middle = _times(b, b.sub(p[1], p[2]), 0.5)
    return [b.add(p[0], half), middle, b.add(half, p[3])]


# -- windows of 2, tiles of 4: points 0, 1, −½, −2, ∞ ---------------------------------------------


def _signal_2(b: Builder, d: Values) -> list[Value]:
    low, high = b.sub(d[2], d[1]), b.sub(d[3], d[2])
    return [
        b.add(b.sub(_times(b, low, 1.5), d[0]), d[3]),
        b.add(b.add(_times(b, d[2], 2.5), d[1]), d[3]),
        b.add(b.sub(d[2], _times(b, d[1], 2.0)), d[3]),
        b.sub(d[3], _times(b, b.add(d[1], d[2]), 0.5)),
        b.add(b.sub(_times(b, high, 1.5), d[1]), d[4]),
    ]


def _window_2(b: Builder, g: Values) -> list[Value]:
    first, second = _times(b, g[0], 1 / 9), _times(b, g[1], 2 / 9)
    return [
        _times(b, g[0], -1.0),
        b.add(_times(b, first, 2.0), second),
        b.sub(_times(b, first, 8.0), _times(b, second, 2.0)),
        b.sub(second, first),
        g[1],
    ]


def _result_2(b: Builder, p: Values) -> list[Value]:
    def at(half: float, two: float) -> Value:
        return b.add(p[1], b.add(_times(b, p[2], half), _times(b, p[3], two)))

    ones = b.add(b.add(p[0], p[1]), b.add(p[2], p[3]))
    return [ones, at(-0.5, -2.0), at(0.25, 4.0), b.add(at(-0.125, -8.0), p[4])]


def _result_gradient_2(b: Builder, y: Values) -> list[Value]:
    def at(x: float) -> Value:
        """The polynomial Σ y[i] xⁱ by even and odd powers."""
        even = b.add(y[0], _times(b, y[2], x * x))
        return b.add(even, _times(b, b.add(y[1], _times(b, y[3], x * x)), x))

    ones = b.add(b.add(y[0], y[2]), b.add(y[1], y[3]))
    return [y[0], ones, at(-0.5), at(-2.0), y[3]]


def _window_gradient_2(b: Builder, p: Values) -> list[Value]:
    one, half, two = _times(b, p[1], 2 / 9), _times(b, p[2], 4 / 9), _times(b, p[3], 1 / 9)
    first = b.sub(b.add(one, _times(b, half, 2.0)), b.add(two, p[0]))
    return [first, b.add(b.add(b.sub(one, half), _times(b, two, 2.0)), p[4])]


TRANSFORMS = {
    3: Transforms(_signal_3, _window_3, _result_3, _result_gradient_3, _window_gradient_3),
    2: Transforms(_signal_2, _window_2, _result_2, _result_gradient_2, _window_gradient_2),
}
"""By the size of the window."""
