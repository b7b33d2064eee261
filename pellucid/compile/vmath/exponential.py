"""The exponential function, and functions computed from it.

x = n ln 2 + r with |r| ≤ ln 2 / 2 (Cody & Waite 1980), e^x = 2ⁿ (1 + r + r² P(r)). P is the Chebyshev
interpolation of (e^r − 1 − r) / r²; `tests/compile/vmath` derives it.
"""

from __future__ import annotations

from math import log

from pellucid.compile.loop.builder import Builder
from pellucid.compile.loop.ir import Value
from pellucid.compile.vmath.double import Pair, fast_two_sum
from pellucid.compile.vmath.formats import (
    Format,
    copysign,
    format_of,
    half_exponent,
    polynomial,
    power_of_two,
    rounded,
)

_LEAST = {"f32": -104.0, "f64": -746.0}
_MOST = {"f32": 89.0, "f64": 710.0}
_MOST_LESS_ONE = {"f32": 88.8, "f64": 709.8}
_FLAT = {"f32": 10.0, "f64": 20.0}
_NEAR = 0.625
_REST = {
    "f32": (
        0.5,
        0.1666657342385974,
        0.0416665501627203,
        0.008363767023287037,
        0.001392691805594798,
    ),
    "f64": (
        0.5,
        0.1666666666666667,
        0.04166666666666667,
        0.008333333333325551,
        0.0013888888888883332,
        0.00019841269876840357,
        2.480158732699005e-05,
        2.755725286336732e-06,
        2.755727183153613e-07,
        2.5106262550879078e-08,
        2.0915433598076003e-09,
    ),
}
_TANH = {
    "f32": (
        -0.3333333317214036,
        0.1333330355691574,
        -0.053959259577204544,
        0.02176891865102821,
        -0.008343945515839153,
        0.002292744816178142,
    ),
    "f64": (
        -0.3333333333333333,
        0.13333333333333042,
        -0.05396825396789699,
        0.021869488519008305,
        -0.008863235103240878,
        0.0035921217511549622,
        -0.0014557754120478055,
        0.0005896606577757043,
        -0.0002375906496055562,
        9.257116129556769e-05,
        -3.12011014257974e-05,
        6.485163482793113e-06,
    ),
}


def exp(b: Builder, x: Value) -> Value:
    """e^x."""
    n, rest = _parts(b, x)
    return _scaled(b, b.add(rest, 1.0), n)


def exp_pair(b: Builder, x: Value) -> Pair:
    """e^x and the greater part of its rounding error."""
    n, rest = _parts(b, x)
    mantissa, lost = fast_two_sum(b, b.constant(x.type, 1.0), rest)
    return _scaled(b, mantissa, n), _scaled(b, lost, n)


def expm1_of_remainder(b: Builder, r: Value) -> Value:
    """e^r − 1 for |r| ≤ ln 2 / 2."""
    return b.fma(b.mul(r, r), polynomial(b, r, _REST[format_of(r).kind]), r)


def exp_of_pair(b: Builder, x: Pair) -> Value:
    """e^(x₀ + x₁) to 0.6 ulp, for finite x₁ below one ulp of x₀."""
    form = format_of(x[0])
    limited = _limited(b, x[0], _LEAST[form.kind], _MOST[form.kind])
    whole, n = rounded(b, limited, 1 / log(2), form)
    first = b.fma(whole, -form.ln2_high, limited)
    r, lost = fast_two_sum(b, first, b.sub(x[1], b.mul(whole, form.ln2_low)))
    start, low = fast_two_sum(b, b.constant(r.type, 1.0), r)
    more = b.fma(b.mul(r, r), polynomial(b, r, _REST[form.kind]), b.mul(lost, start))
    return _scaled(b, b.add(start, b.add(low, more)), n)


def expm1(b: Builder, x: Value) -> Value:
    """e^x − 1 = 2ⁿ (e^r − 1) + (2ⁿ − 1), each part without cancellation; x itself near 0."""
    form = format_of(x)
    n, r = _reduced(b, _limited(b, x, -60.0, _MOST_LESS_ONE[form.kind]), form)
    rest = expm1_of_remainder(b, r)
    # Half of 2ⁿ, since 2ⁿ itself may be too large.
    half = power_of_two(b, b.sub(n, 1), form)
    whole = b.mul(b.fma(half, rest, b.sub(half, 0.5)), 2.0)
    result = b.select(b.compare("==", n, 0), rest, whole)
    result = b.select(b.compare(">", x, _MOST_LESS_ONE[form.kind]), float("inf"), result)
    return b.select(b.compare("==", x, 0.0), x, result)


def sigmoid(b: Builder, x: Value) -> Value:
    """1 / (1 + e^−x): with e = e^−|x|, q = e / (1 + e) below 0 and 1 − q above.

    q is corrected by the rounding errors of e and 1 + e, with 1 / (1 + e) = 1 − q.
    """
    e, lost = exp_pair(b, b.neg(b.unary("abs", x)))
    sum_ = b.add(e, 1.0)
    lost_sum = b.sub(e, b.sub(sum_, 1.0))
    q = b.div(e, sum_)
    above = b.sub(1.0, q)
    q = b.add(q, b.mul(b.sub(lost, b.mul(q, b.add(lost_sum, lost))), above))
    return b.select(b.compare("<", x, 0.0), q, b.sub(1.0, q))


def tanh(b: Builder, x: Value) -> Value:
    """x + x³ Q(x²) near 0, beyond 1 − 2 / (e^2|x| + 1) with the sign of x.

    Q is the Chebyshev interpolation of (tanh(x) / x − 1) / x².
    """
    form = format_of(x)
    size = b.unary("abs", x)
    e = exp(b, b.mul(_limited(b, size, 0.0, _FLAT[form.kind]), 2.0))
    far = b.sub(1.0, b.div(2.0, b.add(e, 1.0)))
    square = b.mul(size, size)
    near = b.fma(b.mul(square, polynomial(b, square, _TANH[form.kind])), size, size)
    return copysign(b, b.select(b.compare("<", size, _NEAR), near, far), x)


def _parts(b: Builder, x: Value) -> tuple[Value, Value]:
    """The integer n and e^r − 1."""
    form = format_of(x)
    n, r = _reduced(b, _limited(b, x, _LEAST[form.kind], _MOST[form.kind]), form)
    return n, expm1_of_remainder(b, r)


def _scaled(b: Builder, x: Value, n: Value) -> Value:
    """2ⁿ x, by two factors, so that the result may be infinite or subnormal."""
    form = format_of(x)
    half = half_exponent(b, n, form)
    first, second = power_of_two(b, half, form), power_of_two(b, b.sub(n, half), form)
    return b.mul(b.mul(x, first), second)


def _limited(b: Builder, x: Value, least: float, most: float) -> Value:
    """x clamped between two bounds; NaN stays NaN."""
    above = b.select(b.compare("<", x, least), least, x)
    return b.select(b.compare(">", above, most), most, above)


def _reduced(b: Builder, x: Value, form: Format) -> tuple[Value, Value]:
    """The integer n and the remainder r of x = n ln 2 + r."""
    whole, n = rounded(b, x, 1 / log(2), form)
    return n, b.fma(whole, -form.ln2_low, b.fma(whole, -form.ln2_high, x))
