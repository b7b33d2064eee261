"""Logarithms.

x = 2ᵉ m with √½ ≤ m < √2, and with f = m − 1, s = f / (2 + f), z = s²:
log m = 2 atanh s = f − (f²/2 − s (f²/2 + R)), R = z (2/3 + 2z/5 + 2z²/7 + …)
(Ng, in Sun's fdlibm, 1993).
"""

from __future__ import annotations

from pellucid.compile.loop.builder import Builder
from pellucid.compile.loop.ir import Value
from pellucid.compile.vmath.formats import as_float, format_of, polynomial

_TERMS = {"f32": 5, "f64": 10}
_ROOT_HALF_BITS = {"f32": 0x3F3504F3, "f64": 0x3FE6A09E667F3BCD}


def log(b: Builder, x: Value) -> Value:
    """The natural logarithm: −∞ at ±0, NaN below."""
    e, m = split_exponent(b, x)
    return with_special_values(b, x, _assembled(b, e, b.sub(m, 1.0), None))


def log1p(b: Builder, x: Value) -> Value:
    """log(1 + x) = log u + c / u, where u is 1 + x rounded and c the rounding error; x near 0."""
    u = b.add(x, 1.0)
    large = b.compare(">", x, 1.0)
    lost = b.sub(b.select(large, 1.0, x), b.sub(u, b.select(large, x, 1.0)))
    e, m = split_exponent(b, u)
    inside = b.compare("==", e, 0.0)
    f = b.select(inside, x, b.sub(m, 1.0))
    result = _assembled(b, e, f, b.select(inside, 0.0, b.div(lost, u)))
    return b.select(b.compare("==", x, 0.0), x, with_special_values(b, u, result))


def split_exponent(b: Builder, x: Value) -> tuple[Value, Value]:
    """The exponent e and the mantissa m of x = 2ᵉ m, both as floats; of x > 0 only."""
    form = format_of(x)
    tiny = b.compare("<", x, form.least_normal)
    lift = form.fraction + 2
    bits = b.bitcast(b.select(tiny, b.mul(x, 2.0**lift), x), form.integer)
    above = b.sub(bits, _ROOT_HALF_BITS[form.kind])
    # The number is positive, since only AVX-512 has an arithmetic shift of 64 bits.
    above = b.add(above, form.bias << form.fraction)
    exponent = b.sub(b.bit("lshr", above, form.fraction), form.bias)
    m = b.bitcast(b.sub(bits, b.bit("shl", exponent, form.fraction)), form.kind)
    e = as_float(b, exponent, form)
    return b.select(tiny, b.sub(e, float(lift)), e), m


def with_special_values(b: Builder, x: Value, result: Value) -> Value:
    """A logarithm, corrected where x is 0, infinite, negative or NaN."""
    result = b.select(b.compare("==", x, float("inf")), x, result)
    result = b.select(b.compare("==", x, 0.0), float("-inf"), result)
    result = b.select(b.compare("<", x, 0.0), float("nan"), result)
    return b.select(b.compare("!=", x, x), x, result)


def _assembled(b: Builder, e: Value, f: Value, small: Value | None) -> Value:
    """e ln 2 + log(1 + f) + small."""
    form = format_of(f)
    s = b.div(f, b.add(f, 2.0))
    z = b.mul(s, s)
    series = polynomial(b, z, [2 / (2 * i + 3) for i in range(_TERMS[form.kind])])
    half_square = b.mul(b.mul(f, f), 0.5)
    rest = b.mul(e, form.ln2_low)
    if small is not None:
        rest = b.add(rest, small)
    inner = b.fma(s, b.add(half_square, b.mul(z, series)), rest)
    return b.sub(b.mul(e, form.ln2_high), b.sub(b.sub(half_square, inner), f))
