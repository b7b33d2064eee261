"""Functions of one tensor, element by element."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pellucid.graph.dtype import float_of
from pellucid.graph.handle import Handle
from pellucid.graph.node import apply

if TYPE_CHECKING:
    from pellucid.graph.tensor import Tensor


class Functions(Handle):
    """The elementwise functions of a tensor; those that return reals make integers float32."""

    __slots__ = ()

    def apply(self, op: str, **attrs: Any) -> Tensor:
        """The op of this name, with these attributes, on this tensor alone."""
        from pellucid.graph.tensor import Tensor

        return Tensor(apply(op, [self.node], **attrs))

    def real(self) -> Tensor:
        """x itself if it is float; integers and conditions as float32."""
        from pellucid.graph.tensor import Tensor

        to = float_of(self.dtype)
        return Tensor(self.node) if to == self.dtype else self.apply("cast", dtype=to)

    def _real(self, op: str) -> Tensor:
        return self.real().apply(op)

    def abs(self) -> Tensor:
        """|x|; the gradient at 0 is 0."""
        return self.apply("abs")

    def sign(self) -> Tensor:
        """−1, 0 or 1."""
        return self.apply("sign")

    def square(self) -> Tensor:
        """x²."""
        return self.apply("square")

    def exp(self) -> Tensor:
        """e^x."""
        return self._real("exp")

    def log(self) -> Tensor:
        """Natural logarithm."""
        return self._real("log")

    def log1p(self) -> Tensor:
        """log(1 + x), exact near 0."""
        return self._real("log1p")

    def expm1(self) -> Tensor:
        """e^x − 1, exact near 0."""
        return self._real("expm1")

    def sqrt(self) -> Tensor:
        """√x."""
        return self._real("sqrt")

    def rsqrt(self) -> Tensor:
        """1/√x."""
        return self._real("rsqrt")

    def sin(self) -> Tensor:
        """Sine of x radians."""
        return self._real("sin")

    def cos(self) -> Tensor:
        """Cosine of x radians."""
        return self._real("cos")

    def tanh(self) -> Tensor:
        """Hyperbolic tangent: 2σ(2x) − 1."""
        return self._real("tanh")

    def sigmoid(self) -> Tensor:
        """σ(x) = 1 / (1 + e^−x)."""
        return self._real("sigmoid")

    def relu(self) -> Tensor:
        """max(0, x); the gradient at 0 is 0."""
        return self._real("relu")

    def erf(self) -> Tensor:
        """The error function 2/√π ∫₀ˣ e^−t² dt."""
        return self._real("erf")

    def normal_pdf(self) -> Tensor:
        """The standard normal density φ(x) = e^(−x²/2) / √(2π)."""
        return self._real("normal_pdf")

    def normal_cdf(self) -> Tensor:
        """The standard normal distribution function Φ(x) = ½ erfc(−x / √2)."""
        return self._real("normal_cdf")

    def gelu(self) -> Tensor:
        """x Φ(x), of which the limit at −∞ is 0."""
        return self._real("gelu")

    def floor(self) -> Tensor:
        """The largest integer not above x; constant, so its gradient is 0."""
        return self._real("floor")
