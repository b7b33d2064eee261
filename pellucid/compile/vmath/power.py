"""x to the power y as e^(y log |x|), in f64 also for f32."""

from __future__ import annotations

from pellucid.compile.loop.builder import Builder
from pellucid.compile.loop.ir import Value
from pellucid.compile.vmath.exponential import exp
from pellucid.compile.vmath.logarithm import log


def power(b: Builder, x: Value, y: Value) -> Value:
    """x^y with C99's special cases: 1 for y = 0 or x = 1, NaN for x < 0 unless y is whole."""
    base, exponent = b.convert(x, "f64"), b.convert(y, "f64")
    size = exp(b, b.mul(exponent, log(b, b.unary("abs", base))))
    whole = b.compare("==", b.unary("floor", exponent), exponent)
    half = b.mul(exponent, 0.5)
    odd = b.bit("and", whole, b.compare("!=", b.unary("floor", half), half))
    negative = b.compare("<", base, 0.0)
    # −0 to an odd power is negative too.
    reciprocal = b.div(1.0, base)
    signed = b.bit("or", negative, b.compare("==", reciprocal, float("-inf")))
    result = b.select(b.bit("and", signed, odd), b.neg(size), size)
    finite = b.compare("!=", base, float("-inf"))
    undefined = b.bit("and", b.bit("and", negative, finite), b.invert(whole))
    result = b.select(undefined, float("nan"), result)
    unit = b.bit("and", b.compare("==", b.unary("abs", base), 1.0), _infinite(b, exponent))
    one = b.bit("or", b.compare("==", exponent, 0.0), b.compare("==", base, 1.0))
    result = b.select(b.bit("or", one, unit), 1.0, result)
    return b.convert(result, x.type.kind)


def _infinite(b: Builder, x: Value) -> Value:
    return b.compare("==", b.unary("abs", x), float("inf"))
