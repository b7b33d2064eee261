"""The two floating-point formats, and the pieces that all functions are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pellucid.compile.loop.builder import Builder
from pellucid.compile.loop.ir import Kind, Value


@dataclass(frozen=True)
class Format:
    """A format: its integer twin, fraction bits, exponent bias, and ln 2 in two parts.

    The high part of ln 2 has so few bits that its product with an exponent is exact.
    """

    integer: Kind
    kind: Kind
    fraction: int
    bias: int
    ln2_high: float
    ln2_low: float

    @property
    def least_normal(self) -> float:
        """The least number with all its bits."""
        return 2.0 ** (1 - self.bias)


F32_FORMAT = Format("i32", "f32", 23, 127, 0.693359375, -2.1219444005469057e-4)
F64_FORMAT = Format("i64", "f64", 52, 1023, 6.93147180369123816490e-01, 1.90821492927058770002e-10)


def format_of(x: Value) -> Format:
    """The format of a value's elements."""
    return F32_FORMAT if x.type.kind == "f32" else F64_FORMAT


def polynomial(b: Builder, x: Value, coefficients: Sequence[float]) -> Value:
    """c₀ + c₁x + c₂x² + … by Horner's scheme."""
    total = b.constant(x.type, coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        total = b.fma(total, x, b.constant(x.type, coefficient))
    return total


def power_of_two(b: Builder, exponent: Value, form: Format) -> Value:
    """2 to an integer between the format's least and greatest normal exponents."""
    return b.bitcast(b.bit("shl", b.add(exponent, form.bias), form.fraction), form.kind)


def with_sign_of(b: Builder, magnitude: Value, x: Value) -> Value:
    """A number that is not negative with the sign of x, for ±0 too."""
    form = format_of(x)
    bits = b.bitcast(x, form.integer)
    sign = b.bit("and", bits, b.constant(bits.type, -(2 ** (form.fraction + len_exponent(form)))))
    return b.bitcast(b.bit("or", b.bitcast(magnitude, form.integer), sign), form.kind)


def len_exponent(form: Format) -> int:
    """Bits of the exponent."""
    return 8 if form.kind == "f32" else 11
