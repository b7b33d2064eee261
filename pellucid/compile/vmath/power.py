"""x to the power y as e^(y log |x|).

f32 is computed in f64. For f64 the logarithm and its product with y are double words, since the
absolute error of the exponent is the relative error of the result:
log m = 2 (s + s³/3 + s⁵/5 + …), s = (m − 1) / (m + 1), of which s and s²/3 are double words too.
"""

from __future__ import annotations

from pellucid.compile.loop.builder import Builder
from pellucid.compile.loop.ir import Value
from pellucid.compile.vmath.double import Pair, divided, fast_two_sum, multiplied, two_product
from pellucid.compile.vmath.exponential import exp, exp_of_pair
from pellucid.compile.vmath.formats import F64_FORMAT, polynomial
from pellucid.compile.vmath.logarithm import log, split_exponent, with_special_values

_THIRD = (1 / 3, 1.850371707708594e-17)
_TAIL = tuple(1 / (2 * i + 5) for i in range(11))
_OVERFLOW = 800.0


def power(b: Builder, x: Value, y: Value) -> Value:
    """x^y with C99's special cases: 1 for y = 0 or x = 1, NaN for x < 0 unless y is an integer."""
    base, exponent = b.convert(x, "f64"), b.convert(y, "f64")
    magnitude = b.unary("abs", base)
    if x.type.kind == "f64":
        size = _exact_power(b, magnitude, exponent)
    else:
        size = exp(b, b.mul(exponent, log(b, magnitude)))
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


def _exact_power(b: Builder, x: Value, y: Value) -> Value:
    """x^y for x ≥ 0."""
    high, low = _log_pair(b, x)
    total, lost = two_product(b, y, high)
    lost = b.add(lost, b.mul(y, low))
    # Beyond, the result is 0 or infinite, and the rounding error is arbitrary.
    finite_result = b.compare("<", b.unary("abs", total), _OVERFLOW)
    return exp_of_pair(b, (total, b.select(finite_result, lost, 0.0)))


def _log_pair(b: Builder, x: Value) -> Pair:
    e, m = split_exponent(b, x)
    f = b.sub(m, 1.0)
    s = divided(b, f, fast_two_sum(b, b.constant(f.type, 2.0), f))
    z = multiplied(b, s, s)
    first = multiplied(b, z, (b.constant(f.type, _THIRD[0]), b.constant(f.type, _THIRD[1])))
    tail = b.mul(b.mul(z[0], z[0]), polynomial(b, z[0], _TAIL))
    series = fast_two_sum(b, first[0], b.add(first[1], tail))
    rest = multiplied(b, s, series)
    twice = b.mul(s[0], 2.0)
    small = b.add(b.mul(b.add(s[1], rest[1]), 2.0), b.mul(e, F64_FORMAT.ln2_low))
    high, low = fast_two_sum(b, b.mul(e, F64_FORMAT.ln2_high), twice)
    more, lost = fast_two_sum(b, high, b.mul(rest[0], 2.0))
    high, low = fast_two_sum(b, more, b.add(b.add(low, lost), small))
    return with_special_values(b, x, high), low


def _infinite(b: Builder, x: Value) -> Value:
    return b.compare("==", b.unary("abs", x), float("inf"))
