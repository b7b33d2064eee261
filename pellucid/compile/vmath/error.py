"""The error function 2/√π ∫₀ˣ e^−t² dt.

It is 1 − q⁸, where q is the eighth root of 1 − erf x. q falls almost linearly until erf is 1 in floats,
and an error of q is scaled by q⁷, so one short polynomial is enough for all x. With
e = 8 (1 − q) = x + x P(x) no step cancels: e' = 4 (1 − q²) = e − e²/16, then
2 (1 − q⁴) = e' − e'²/8, and once more. P is the Chebyshev interpolation of e/x − 1 on the interval from
0 for which erf is most accurate; beyond it q is too small to matter. `tests/compile/vmath` derives P.
"""

from __future__ import annotations

from pellucid.compile.loop.builder import Builder
from pellucid.compile.loop.ir import Value
from pellucid.compile.vmath.formats import copysign, format_of, polynomial

_ONE_FROM = {"f32": 4.0, "f64": 6.0}
_REACH = {"f32": 2.375, "f64": 4.25}
_NEAR = 0.75
_ROOT = {
    "f32": (
        0.12837916734552782,
        0.5570422957504522,
        0.016719807387893467,
        -0.05274505193277143,
        -0.0014321082122317696,
        0.004042335482642744,
        -0.0006784606206808411,
        2.9578546842283834e-05,
        9.4292294492735e-07,
    ),
    "f64": (
        0.1283791670955126,
        0.5570423008216324,
        0.0167204406170385,
        -0.05275390563266461,
        -0.001388500011140323,
        0.003933321831091702,
        -0.0005191787881346068,
        -0.00011509066221880353,
        8.279120812213762e-05,
        -2.547875545571188e-05,
        5.08858339108373e-07,
        3.3593754678229124e-06,
        -1.3777646067027308e-06,
        -5.306664895321203e-08,
        3.581259575637887e-07,
        -2.3930269824532777e-07,
        1.0277187976286308e-07,
        -3.332599329393186e-08,
        8.567060726366643e-09,
        -1.773455881489273e-09,
        2.9564643633675447e-10,
        -3.9266889499029563e-11,
        4.066819054046517e-12,
        -3.168347042898106e-13,
        1.7472026700789705e-14,
        -6.080380444758096e-16,
        1.0040217661347003e-17,
    ),
}


def erf(b: Builder, x: Value) -> Value:
    """The error function, with the sign of x; ±1 far out."""
    form = format_of(x)
    size, end = b.unary("abs", x), _ONE_FROM[form.kind]
    size = b.select(b.compare(">", size, end), end, size)
    # e − x is carried apart, so that near 0 its rounding error is small relative to x.
    beyond = b.mul(size, polynomial(b, size, _ROOT[form.kind]))
    e = b.add(size, beyond)
    for share in (-1 / 16, -1 / 8):
        beyond = b.fma(b.mul(e, share), e, beyond)
        e = b.add(size, beyond)
    last = b.mul(e, -1 / 4)
    near = b.add(size, b.fma(last, e, beyond))
    far = b.fma(last, e, e)
    return copysign(b, b.select(b.compare("<", size, _NEAR), near, far), x)
