"""The error function 2/√π ∫₀ˣ e^−t² dt.

Below 1 it is x + x P(x²); above, 1 − e^−x² Q(x), where Q(x) = e^x² erfc(x) is smooth. P and Q are
Chebyshev interpolations, written in powers of t, which runs over [−1, 1]; `tests/compile/vmath` derives
them anew.
"""

from __future__ import annotations

from pellucid.compile.loop.builder import Builder
from pellucid.compile.loop.ir import Value
from pellucid.compile.vmath.exponential import exp
from pellucid.compile.vmath.formats import format_of, polynomial, with_sign_of

_END = {"f32": 4.0, "f64": 6.0}
_NEAR = {
    "f32": (
        -0.03453126133013269,
        -0.14053609727754268,
        0.019852497140907616,
        -0.0022854195448728494,
        0.00021751354165582579,
        -1.7669068026125697e-05,
        1.2306054785446075e-06,
    ),
    "f64": (
        -0.03453126133013269,
        -0.1405360890227171,
        0.019852496688983708,
        -0.0022854855611440673,
        0.00021751715604160108,
        -1.7537169441492004e-05,
        1.2233827383524026e-06,
        -7.511569160710623e-08,
        4.115800597661665e-09,
        -2.03524938661036e-10,
        9.167606748998164e-12,
        -3.7910973708931526e-13,
        1.4548169783352384e-14,
        -5.16472878942302e-16,
    ),
}
_FAR = {
    "f32": (
        0.21080635774313639,
        -0.11152101793723113,
        0.05611094755697202,
        -0.027005458212834586,
        0.012484123148533609,
        -0.005568837645570178,
        0.0024256389379578133,
        -0.0010136625981274393,
        0.000368151097857375,
        -0.00014741614293549128,
        9.629120195463984e-05,
        -3.566417876899525e-05,
    ),
    "f64": (
        0.15529365560889427,
        -0.10330894458313122,
        0.06663208245320061,
        -0.04176678811943595,
        0.025495559643090023,
        -0.015182511545354646,
        0.008833423932100258,
        -0.005028067975499,
        0.0028033259780991266,
        -0.0015325156194379858,
        0.0008222569077719757,
        -0.0004333624418099729,
        0.00022452148536693673,
        -0.00011443864702934741,
        5.7449976804670195e-05,
        -2.8389790233227662e-05,
        1.375094834063411e-05,
        -6.609036316530652e-06,
        3.2634714812408233e-06,
        -1.5189296623016594e-06,
        5.407414809117242e-07,
        -2.5310271211169993e-07,
        2.477140842433875e-07,
        -1.0640033205171777e-07,
        -2.5945752556520796e-08,
        9.929413597966764e-09,
        1.906321031128937e-08,
        -7.916093562518289e-09,
    ),
}


def erf(b: Builder, x: Value) -> Value:
    """The error function, with the sign of x; ±1 far out."""
    form = format_of(x)
    end = _END[form.kind]
    size = b.minimum(b.unary("abs", x), end)
    square = b.mul(size, size)
    t = b.sub(b.mul(square, 2.0), 1.0)
    near = b.fma(size, polynomial(b, t, _NEAR[form.kind]), size)
    t = b.sub(b.mul(b.sub(size, 1.0), 2 / (end - 1)), 1.0)
    far = b.sub(1.0, b.mul(exp(b, b.neg(square)), polynomial(b, t, _FAR[form.kind])))
    return with_sign_of(b, b.select(b.compare("<", size, 1.0), near, far), x)
