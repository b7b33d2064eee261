"""The two floating-point formats, and the operations that all functions share."""

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
    def shifter(self) -> float:
        """A number whose ulp is 1, in the middle of its binade."""
        return 1.5 * 2.0**self.fraction

    @property
    def shifter_bits(self) -> int:
        """Its bits as an integer."""
        return (self.fraction + self.bias << self.fraction) + (1 << self.fraction - 1)

    @property
    def least_normal(self) -> float:
        """The least normal number."""
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


def rounded(b: Builder, x: Value, factor: float, form: Format) -> tuple[Value, Value]:
    """The integer nearest to x · factor, as a float and as an integer, up to 2^fraction / 4.

    Adding and subtracting 1.5 · 2^fraction rounds on every machine, and leaves the integer in the
    last bits. NaN becomes an arbitrary integer.
    """
    moved = b.fma(x, factor, b.constant(x.type, form.shifter))
    bits = b.bitcast(moved, form.integer)
    return b.sub(moved, form.shifter), b.sub(bits, form.shifter_bits)


def as_float(b: Builder, x: Value, form: Format) -> Value:
    """An integer as a float, within the range of `rounded`."""
    moved = b.bitcast(b.add(x, form.shifter_bits), form.kind)
    return b.sub(moved, form.shifter)


def half_exponent(b: Builder, x: Value, form: Format) -> Value:
    """⌊x / 2⌋ of an exponent, without an arithmetic shift of 64 bits, which only AVX-512 has."""
    return b.sub(b.bit("lshr", b.add(x, 4 * form.bias + 4), 1), 2 * form.bias + 2)


def power_of_two(b: Builder, exponent: Value, form: Format) -> Value:
    """2 to an integer between the format's least and greatest normal exponents."""
    return b.bitcast(b.bit("shl", b.add(exponent, form.bias), form.fraction), form.kind)


def copysign(b: Builder, magnitude: Value, x: Value) -> Value:
    """A non-negative number with the sign of x, including ±0."""
    form = format_of(x)
    bits = b.bitcast(x, form.integer)
    sign = b.bit("and", bits, b.constant(bits.type, -(2 ** (form.fraction + exponent_bits(form)))))
    return b.bitcast(b.bit("or", b.bitcast(magnitude, form.integer), sign), form.kind)


def exponent_bits(form: Format) -> int:
    """The number of bits of the exponent."""
    return 8 if form.kind == "f32" else 11
