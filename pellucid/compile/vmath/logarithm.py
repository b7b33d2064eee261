"""Logarithms.

x = 2ᵉ m with √½ ≤ m < √2, and with f = m − 1, s = f / (2 + f), z = s²:
log m = 2 atanh s = f − (f²/2 − s (f²/2 + R)), R = z (2/3 + 2z/5 + 2z²/7 + …)
(Ng, in Sun's fdlibm, 1993).
"""

from __future__ import annotations

from pellucid.compile.loop.builder import Builder
from pellucid.compile.loop.ir import Value
from pellucid.compile.vmath.formats import format_of, polynomial

_TERMS = {"f32": 5, "f64": 10}
_ROOT_HALF_BITS = {"f32": 0x3F3504F3, "f64": 0x3FE6A09E667F3BCD}


def log(b: Builder, x: Value) -> Value:
    """The natural logarithm: −∞ at ±0, NaN below."""
    form = format_of(x)
    tiny = b.compare("<", x, form.least_normal)
    lift = form.fraction + 2
    normal = b.select(tiny, b.mul(x, 2.0**lift), x)
    bits = b.bitcast(normal, form.integer)
    exponent = b.bit("ashr", b.sub(bits, _ROOT_HALF_BITS[form.kind]), form.fraction)
    mantissa = b.bitcast(b.sub(bits, b.bit("shl", exponent, form.fraction)), form.kind)
    e = b.convert(exponent, form.kind)
    e = b.select(tiny, b.sub(e, float(lift)), e)
    f = b.sub(mantissa, 1.0)
    s = b.div(f, b.add(f, 2.0))
    z = b.mul(s, s)
    series = polynomial(b, z, [2 / (2 * i + 3) for i in range(_TERMS[form.kind])])
    half_square = b.mul(b.mul(f, f), 0.5)
    inner = b.fma(s, b.add(half_square, b.mul(z, series)), b.mul(e, form.ln2_low))
    result = b.sub(b.mul(e, form.ln2_high), b.sub(b.sub(half_square, inner), f))
    result = b.select(b.compare("==", x, float("inf")), x, result)
    result = b.select(b.compare("==", x, 0.0), float("-inf"), result)
    result = b.select(b.compare("<", x, 0.0), float("nan"), result)
    return b.select(b.compare("!=", x, x), x, result)


def log1p(b: Builder, x: Value) -> Value:
    """log(1 + x) as log(u) · x / (u − 1) with u = 1 + x rounded, whose errors cancel (Kahan)."""
    u = b.add(x, 1.0)
    result = b.mul(log(b, u), b.div(x, b.sub(u, 1.0)))
    result = b.select(b.compare("==", u, 1.0), x, result)
    return b.select(b.compare("==", x, float("inf")), x, result)
