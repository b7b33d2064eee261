"""Double-word arithmetic: numbers as sums of two floats (Dekker 1971). Products are of f64 only.

No operation needs a fused multiply-add, so the results are as exact on every machine.
"""

from __future__ import annotations

from pellucid.compile.loop.builder import Builder
from pellucid.compile.loop.ir import Value
from pellucid.compile.vmath.formats import format_of

Pair = tuple[Value, Value]
_LOW_BITS = {"f32": 12, "f64": 27}


def fast_two_sum(b: Builder, x: Value, y: Value) -> Pair:
    """x + y and its rounding error, where |x| ≥ |y| or x = 0."""
    total = b.add(x, y)
    return total, b.sub(y, b.sub(total, x))


def two_product(b: Builder, x: Value, y: Value) -> Pair:
    """x · y and its rounding error."""
    total = b.mul(x, y)
    (x1, x0), (y1, y0) = split_bits(b, x), split_bits(b, y)
    cross = b.add(b.sub(b.mul(x1, y1), total), b.mul(x1, y0))
    return total, b.add(b.add(cross, b.mul(x0, y1)), b.mul(x0, y0))


def multiplied(b: Builder, x: Pair, y: Pair) -> Pair:
    """The product of two pairs."""
    high, low = two_product(b, x[0], y[0])
    return fast_two_sum(b, high, b.add(low, b.add(b.mul(x[0], y[1]), b.mul(x[1], y[0]))))


def divided(b: Builder, x: Value, y: Pair) -> Pair:
    """x / y."""
    high = b.div(x, y[0])
    back, low = two_product(b, high, y[0])
    rest = b.sub(b.sub(b.sub(x, back), low), b.mul(high, y[1]))
    return high, b.div(rest, y[0])


def split_bits(b: Builder, x: Value) -> Pair:
    """x as the sum of its first 12 bits (f32) or 26 (f64) and the rest, whose products are exact."""
    form = format_of(x)
    leading = b.bit("and", b.bitcast(x, form.integer), -(1 << _LOW_BITS[form.kind]))
    high = b.bitcast(leading, form.kind)
    return high, b.sub(x, high)
