"""The standard normal distribution: its density φ, its distribution function Φ, and x Φ(x).

For a = |x|, e^−a²/2 is accurate in the tail because a² is computed as h² + (a − h)(a + h), where h is
the first half of a's bits and h² is exact. Φ(−a) = e^−a²/2 M(a), where M falls from ½ and behaves as 1/a
in the tail. For small a, M is a polynomial of a; for large a, 1/a times a polynomial of 1/a. Each is
expanded around a number at which its value is nearly a float. For x > 0, Φ(a) = 1 − Φ(−a) and
a Φ(a) = a − a Φ(−a). Rounding errors of the last operations are carried along. The polynomials are
Chebyshev interpolations; `tests/compile/vmath` derives them.
"""

from __future__ import annotations

from math import log, pi, sqrt

from pellucid.compile.loop.builder import Builder
from pellucid.compile.loop.ir import Value
from pellucid.compile.vmath.double import Pair, split_bits
from pellucid.compile.vmath.exponential import expm1_of_remainder
from pellucid.compile.vmath.formats import format_of, power_of_two, rounded

_END = {"f32": 15.0, "f64": 39.0}
_LIFT = {"f32": 64, "f64": 512}
_NEAR_TO = {"f32": 1.75, "f64": 3.0}
_CENTRE = {"f32": 1.0, "f64": 1.5}
_FAR_CENTRE = {"f32": 0.28125, "f64": 0.1875}
_NEAR = {
    "f32": (
        0.26157829128092736,
        -0.1373639883511344,
        0.06210719874978762,
        -0.02508561694925049,
        0.009254774593242641,
        -0.0031660911257256094,
        0.0010177065144554888,
        -0.0003066644276826207,
        8.29698810001688e-05,
        -2.6239312893918925e-05,
        1.0458047011559466e-05,
    ),
    "f64": (
        0.2057806669773947,
        -0.09027127993534073,
        0.03518687353719188,
        -0.012496989876514108,
        0.004110347180603259,
        -0.0012662938211628197,
        0.000368484408160316,
        -0.00010193817248376712,
        2.6947143601271155e-05,
        -6.83527366152883e-06,
        1.6694235185385165e-06,
        -3.93738668465083e-07,
        8.990094552863313e-08,
        -1.9915784564952134e-08,
        4.288042482746581e-09,
        -8.978602213982036e-10,
        1.835517345185769e-10,
        -3.7144499662724557e-11,
        7.234178511156017e-12,
        -1.2198146722847333e-12,
        2.302522223561177e-13,
        -7.085360128359649e-14,
        1.2556777024524e-14,
    ),
}
_FAR = {
    "f32": (
        0.3729044795255207,
        -0.15550324390508352,
        -0.11356892253799589,
        0.33306974983165977,
        -0.33750728236576394,
        -0.05403613836841382,
        0.9174737162530275,
        -1.8938905021951633,
        1.2453739222764915,
        3.0154333615740896,
        -5.376530348534697,
    ),
    "f64": (
        0.3861853710358318,
        -0.12438491361697895,
        -0.2232298794909658,
        0.43442090676882994,
        -0.1339680363779562,
        -0.9438357036891851,
        2.243337615965587,
        -1.3761816766308368,
        -5.858221133381069,
        20.875711717934184,
        -28.170588540352338,
        -26.442332579994876,
        231.47847273368444,
        -570.9398906583334,
        464.88419459323,
        1918.7791781298256,
        -9313.084219501432,
        24289.91268635165,
        -34406.95192732127,
        -174968.2421040326,
        1000729.5568865578,
        -42108.00871646668,
        -5299600.029793436,
    ),
}


def normal_pdf(b: Builder, x: Value) -> Value:
    """φ(x) = e^−x²/2 / √2π."""
    n, (r, _) = _exponent(b, _size(b, x))
    peak = b.constant(x.type, 1 / sqrt(2 * pi))
    return _scaled(b, b.fma(peak, expm1_of_remainder(b, r), peak), n)


def normal_cdf(b: Builder, x: Value) -> Value:
    """Φ(x), the integral of φ up to x; the left tail is as accurate as the rest."""
    size = _size(b, x)
    n, (r, more) = _exponent(b, size)
    near, inverse, ratio = _ratio(b, size)
    # The exponent is corrected by the rounding error of the quotient.
    whole = b.select(near, 1.0, size)
    more = b.add(more, b.fma(b.neg(inverse), whole, b.constant(x.type, 1.0)))
    left = _tail(b, ratio, inverse, (r, more), n)
    return b.select(b.compare("<", x, 0.0), left, b.sub(1.0, left))


def gelu(b: Builder, x: Value) -> Value:
    """x Φ(x); −0 at −∞."""
    size = _size(b, x)
    n, r = _exponent(b, size)
    near, _, ratio = _ratio(b, size)
    tail = _tail(b, ratio, b.select(near, size, 1.0), r, n)
    return b.sub(b.select(b.compare("<", x, 0.0), -0.0, x), tail)


def _size(b: Builder, x: Value) -> Value:
    """|x|, at most the number from which φ is 0; NaN stays NaN."""
    size, end = b.unary("abs", x), _END[format_of(x).kind]
    return b.select(b.compare(">", size, end), end, size)


def _exponent(b: Builder, size: Value) -> tuple[Value, Pair]:
    """The integer n and the remainder r of −a²/2 = n ln 2 + r."""
    form = format_of(size)
    high, low = split_bits(b, size)
    square, more = b.mul(high, high), b.mul(low, b.add(size, high))
    whole, n = rounded(b, b.mul(size, size), -0.5 / log(2), form)
    first = b.fma(whole, -form.ln2_high, b.mul(square, -0.5))
    rest = b.fma(whole, -form.ln2_low, b.mul(more, -0.5))
    r = b.add(first, rest)
    return n, (r, b.add(b.sub(first, r), rest))


def _ratio(b: Builder, size: Value) -> tuple[Value, Value, Pair]:
    """Whether a is small; then 1 and M(a), else 1/a and a M(a)."""
    kind = format_of(size).kind
    near = b.compare("<", size, _NEAR_TO[kind])
    inverse = b.div(1.0, b.select(near, 1.0, size))
    at = b.select(near, b.sub(size, _CENTRE[kind]), b.sub(inverse, _FAR_CENTRE[kind]))
    pairs = zip(_NEAR[kind], _FAR[kind], strict=True)
    first, *rest = [b.select(near, b.constant(size.type, p), q) for p, q in pairs]
    higher_terms = rest.pop()
    for coefficient in reversed(rest):
        higher_terms = b.fma(higher_terms, at, coefficient)
    ratio = b.fma(higher_terms, at, first)
    return near, inverse, (ratio, b.fma(higher_terms, at, b.sub(first, ratio)))


def _tail(b: Builder, ratio: Pair, times: Value, r: Pair, n: Value) -> Value:
    """2ⁿ e^r · ratio · times."""
    high = b.mul(ratio[0], times)
    low = b.fma(ratio[1], times, b.fma(ratio[0], times, b.neg(high)))
    low = b.fma(high, r[1], low)
    return _scaled(b, b.add(high, b.fma(high, expm1_of_remainder(b, r[0]), low)), n)


def _scaled(b: Builder, x: Value, n: Value) -> Value:
    """2ⁿ x for n ≤ 0, rounded once where it is subnormal."""
    form = format_of(x)
    lift = _LIFT[form.kind]
    return b.mul(b.mul(x, power_of_two(b, b.add(n, lift), form)), 2.0**-lift)
