"""e^x and what follows from it.

x = n ln 2 + r with |r| ≤ ln 2 / 2 (Cody & Waite 1980), e^x = 2ⁿ e^r, e^r by its Taylor polynomial, whose
remainder at that |r| is below a tenth of an ulp.
"""

from __future__ import annotations

from math import factorial, log

from pellucid.compile.loop.builder import Builder
from pellucid.compile.loop.ir import Value
from pellucid.compile.vmath.formats import (
    Format,
    format_of,
    polynomial,
    power_of_two,
    with_sign_of,
)

_DEGREE = {"f32": 7, "f64": 13}
_LEAST = {"f32": -104.0, "f64": -746.0}
_MOST = {"f32": 89.0, "f64": 710.0}
_MOST_LESS_ONE = {"f32": 88.8, "f64": 709.8}
_FLAT = {"f32": 10.0, "f64": 20.0}


def exp(b: Builder, x: Value) -> Value:
    """e^x; 2ⁿ in two halves, so that results may be infinite or subnormal."""
    form = format_of(x)
    limited = b.minimum(b.maximum(x, _LEAST[form.kind]), _MOST[form.kind])
    n, r = _reduced(b, limited, form)
    terms = [1 / factorial(i) for i in range(_DEGREE[form.kind] + 1)]
    half = b.bit("ashr", n, 1)
    scaled = b.mul(polynomial(b, r, terms), power_of_two(b, half, form))
    return b.mul(scaled, power_of_two(b, b.sub(n, half), form))


def expm1(b: Builder, x: Value) -> Value:
    """e^x − 1 = 2ⁿ (e^r − 1) + (2ⁿ − 1), each part without cancellation; x itself near 0."""
    form = format_of(x)
    limited = b.minimum(b.maximum(x, -60.0), _MOST_LESS_ONE[form.kind])
    n, r = _reduced(b, limited, form)
    terms = [1 / factorial(i + 2) for i in range(_DEGREE[form.kind] - 1)]
    rest = b.fma(b.mul(r, r), polynomial(b, r, terms), r)
    # Half of 2ⁿ, since 2ⁿ itself may be too large.
    half = power_of_two(b, b.sub(n, 1), form)
    whole = b.mul(b.fma(half, rest, b.sub(half, 0.5)), 2.0)
    result = b.select(b.compare("==", n, 0), rest, whole)
    result = b.select(b.compare(">", x, _MOST_LESS_ONE[form.kind]), float("inf"), result)
    return b.select(b.compare("==", x, 0.0), x, result)


def sigmoid(b: Builder, x: Value) -> Value:
    """1 / (1 + e^−x) from e^−|x|, which never overflows."""
    small = exp(b, b.neg(b.unary("abs", x)))
    above = b.select(b.compare("<", x, 0.0), small, 1.0)
    return b.div(above, b.add(small, 1.0))


def tanh(b: Builder, x: Value) -> Value:
    """t / (t + 2) with t = e^2|x| − 1, which keeps its digits near 0, and the sign of x."""
    form = format_of(x)
    size = b.minimum(b.unary("abs", x), _FLAT[form.kind])
    t = expm1(b, b.mul(size, 2.0))
    return with_sign_of(b, b.div(t, b.add(t, 2.0)), x)


def _reduced(b: Builder, x: Value, form: Format) -> tuple[Value, Value]:
    """The integer n and the rest r of x = n ln 2 + r."""
    n = b.unary("rint", b.mul(x, 1 / log(2)))
    r = b.fma(n, -form.ln2_low, b.fma(n, -form.ln2_high, x))
    # NaN has no integer; its rest is NaN and stays so.
    whole = b.select(b.compare("!=", n, n), 0.0, n)
    return b.convert(whole, form.integer), r
