"""Sine and cosine.

x = q π/2 + r with |r| ≤ π/4, π/2 taken in three parts of which the first two have trailing zeros
(Cody & Waite 1980); then Taylor polynomials of r, chosen and signed by q mod 4. f32 is reduced in
f64. Beyond |x| = 2⁵⁰ (f64) no digit of r is left, and q is taken as 0.
"""

from __future__ import annotations

from math import factorial, pi

from pellucid.compile.loop.builder import Builder
from pellucid.compile.loop.ir import Value
from pellucid.compile.vmath.formats import polynomial

_PARTS = (1.57079632673412561417e00, 6.07710050630396597660e-11, 2.02226624879595063154e-21)
_FAR = 2.0**50
_SINE = tuple((-1) ** i / factorial(2 * i + 1) for i in range(9))
_COSINE = tuple((-1) ** i / factorial(2 * i) for i in range(10))


def sin(b: Builder, x: Value) -> Value:
    """The sine of x radians; NaN at ±∞."""
    return b.select(b.compare("==", x, 0.0), x, _wave(b, x, 0))


def cos(b: Builder, x: Value) -> Value:
    """The cosine of x radians; NaN at ±∞."""
    return _wave(b, x, 1)


def _wave(b: Builder, x: Value, quarter: int) -> Value:
    wide = b.convert(x, "f64")
    n = b.unary("rint", b.mul(wide, 2 / pi))
    r = wide
    for part in _PARTS:
        r = b.fma(n, -part, r)
    near = b.select(b.compare("<", b.unary("abs", n), _FAR), n, 0.0)
    q = b.add(b.convert(near, "i64"), quarter)
    z = b.mul(r, r)
    sine = b.mul(r, polynomial(b, z, _SINE))
    cosine = polynomial(b, z, _COSINE)
    result = b.select(b.compare("!=", b.bit("and", q, 1), 0), cosine, sine)
    result = b.select(b.compare("!=", b.bit("and", q, 2), 0), b.neg(result), result)
    return b.convert(result, x.type.kind)
