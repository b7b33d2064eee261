"""Functions of one tensor, element by element."""

from __future__ import annotations

from typing import Any, Generic

from pellucid.graph.algebra import T
from pellucid.graph.dtype import float_of
from pellucid.graph.handle import Handle


class Functions(Handle, Generic[T]):
    """The elementwise functions of a tensor; those that return reals make integers float32."""

    __slots__ = ()

    def apply(self, op: str, *others: T, **attrs: Any) -> T:
        """The op of this name on this tensor and others, with these attributes."""
        raise NotImplementedError

    def _real(self, op: str) -> T:
        to = float_of(self.dtype)
        return self.apply(op) if to == self.dtype else self.apply("cast", dtype=to).apply(op)

    def abs(self) -> T:
        """|x|; the gradient at 0 is 0."""
        return self.apply("abs")

    def sign(self) -> T:
        """−1, 0 or 1."""
        return self.apply("sign")

    def square(self) -> T:
        """x²."""
        return self.apply("square")

    def exp(self) -> T:
        """e^x."""
        return self._real("exp")

    def log(self) -> T:
        """Natural logarithm."""
        return self._real("log")

    def log1p(self) -> T:
        """log(1 + x), exact near 0."""
        return self._real("log1p")

    def expm1(self) -> T:
        """e^x − 1, exact near 0."""
        return self._real("expm1")

    def sqrt(self) -> T:
        """√x."""
        return self._real("sqrt")

    def rsqrt(self) -> T:
        """1/√x."""
        return self._real("rsqrt")

    def sin(self) -> T:
        """Sine of x radians."""
        return self._real("sin")

    def cos(self) -> T:
        """Cosine of x radians."""
        return self._real("cos")

    def tanh(self) -> T:
        """Hyperbolic tangent: 2σ(2x) − 1."""
        return self._real("tanh")

    def sigmoid(self) -> T:
        """σ(x) = 1 / (1 + e^−x)."""
        return self._real("sigmoid")

    def relu(self) -> T:
        """max(0, x); the gradient at 0 is 0."""
        return self._real("relu")

    def erf(self) -> T:
        """The error function 2/√π ∫₀ˣ e^−t² dt."""
        return self._real("erf")

    def normal_pdf(self) -> T:
        """The standard normal density φ(x) = e^(−x²/2) / √(2π)."""
        return self._real("normal_pdf")

    def normal_cdf(self) -> T:
        """The standard normal distribution function Φ(x) = ½ erfc(−x / √2)."""
        return self._real("normal_cdf")

    def gelu(self) -> T:
        """x Φ(x), of which the limit at −∞ is 0."""
        return self._real("gelu")

    def floor(self) -> T:
        """The largest integer not above x; constant, so its gradient is 0."""
        return self._real("floor")
