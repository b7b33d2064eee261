"""Sine and cosine.

x = q π/2 + r with |r| ≤ π/4, π/2 taken in three parts of which the first two have trailing zeros
(Cody & Waite 1980). q mod 4 selects a Taylor polynomial of r and its sign. f32 is computed in f64, with
shorter polynomials. Beyond 2²⁰ quarter turns the angle is reduced in integers (see `payne_hanek`); that
code runs only if a lane needs it.
"""

from __future__ import annotations

from math import factorial, pi

from pellucid.compile.loop.builder import Builder
from pellucid.compile.loop.ir import Value
from pellucid.compile.vmath.formats import F64_FORMAT, polynomial, rounded
from pellucid.compile.vmath.payne_hanek import reduced_angle

_PARTS = (1.57079632673412561417e00, 6.07710050630396597660e-11, 2.0222662487959506e-21)
_FAR = 2.0**20 * pi / 2
_SINES = {"f32": 6, "f64": 9}
_COSINES = {"f32": 7, "f64": 10}


def sin(b: Builder, x: Value) -> Value:
    """The sine of x radians; NaN at ±∞."""
    return b.select(b.compare("==", x, 0.0), x, _wave(b, x, 0))


def cos(b: Builder, x: Value) -> Value:
    """The cosine of x radians; NaN at ±∞."""
    return _wave(b, x, 1)


def _wave(b: Builder, x: Value, quarter: int) -> Value:
    q, r = _reduced(b, b.convert(x, "f64"))
    q = b.add(q, quarter)
    z = b.mul(r, r)
    kind = x.type.kind
    sine = [(-1) ** i / factorial(2 * i + 1) for i in range(_SINES[kind])]
    cosine = [(-1) ** i / factorial(2 * i) for i in range(_COSINES[kind])]
    odd = b.compare("!=", b.bit("and", q, 1), 0)
    result = b.select(odd, polynomial(b, z, cosine), b.mul(r, polynomial(b, z, sine)))
    result = b.select(b.compare("!=", b.bit("and", q, 2), 0), b.neg(result), result)
    return b.convert(result, kind)


def _reduced(b: Builder, x: Value) -> tuple[Value, Value]:
    """q and r."""
    n, q = rounded(b, x, 2 / pi, F64_FORMAT)
    r = x
    for part in _PARTS:
        r = b.fma(n, -part, r)
    far = b.compare(">=", b.unary("abs", x), _FAR)
    some = b.compare(">", b.reduce("add", b.convert(far, "i32")), 0)
    with b.loop(0, b.convert(some, "i64"), carried=(q, r)) as once:
        whole, rest = reduced_angle(b, x)
        once.carry((b.select(far, whole, once.carried[0]), b.select(far, rest, once.carried[1])))
    return once.results[0], once.results[1]
