"""Numbers as sums of two floats, for twice the digits (Dekker 1971); products are of f64 only.

Nothing here needs a multiply-add in one rounding, so that every machine gets all the digits.
"""

from __future__ import annotations

from pellucid.compile.loop.builder import Builder
from pellucid.compile.loop.ir import Value
from pellucid.compile.vmath.formats import format_of

Pair = tuple[Value, Value]
_LOW_BITS = {"f32": 12, "f64": 27}


def sum_of(b: Builder, x: Value, y: Value) -> Pair:
    """x + y and what it lost, where |x| ≥ |y| or x = 0."""
    total = b.add(x, y)
    return total, b.sub(y, b.sub(total, x))


def product(b: Builder, x: Value, y: Value) -> Pair:
    """x · y and what it lost."""
    total = b.mul(x, y)
    (x1, x0), (y1, y0) = halves(b, x), halves(b, y)
    cross = b.add(b.sub(b.mul(x1, y1), total), b.mul(x1, y0))
    return total, b.add(b.add(cross, b.mul(x0, y1)), b.mul(x0, y0))


def times(b: Builder, x: Pair, y: Pair) -> Pair:
    """The product of two pairs."""
    high, low = product(b, x[0], y[0])
    return sum_of(b, high, b.add(low, b.add(b.mul(x[0], y[1]), b.mul(x[1], y[0]))))


def quotient(b: Builder, x: Value, y: Pair) -> Pair:
    """x / y."""
    high = b.div(x, y[0])
    back, low = product(b, high, y[0])
    rest = b.sub(b.sub(b.sub(x, back), low), b.mul(high, y[1]))
    return high, b.div(rest, y[0])


def halves(b: Builder, x: Value) -> Pair:
    """The first 12 bits of f32 or 26 of f64, and the rest: products of halves are exact."""
    form = format_of(x)
    kept = b.bit("and", b.bitcast(x, form.integer), -(1 << _LOW_BITS[form.kind]))
    high = b.bitcast(kept, form.kind)
    return high, b.sub(x, high)
