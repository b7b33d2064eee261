"""Reduction of large angles to a quarter turn (Payne & Hanek 1983).

x = M 2^E with a 53-bit integer M. Bits of 2/π whose products with 2^E are multiples of 4 are skipped.
The next 192 bits times M are x · 2/π mod 4: two bits of quarter turns and a fraction to 2⁻¹³⁷. That is
exact enough for the float64 nearest to a multiple of π/2, which is 2⁻⁶² away (Muller 2006, 11.3).
"""

from __future__ import annotations

from math import pi

from pellucid.compile.loop.builder import Builder
from pellucid.compile.loop.ir import I64, Value
from pellucid.compile.vmath.formats import F64_FORMAT, as_float

_WORDS = (
    0x0000000000000000,
    0xA2F9836E4E441529,
    0xFC2757D1F534DDC0,
    0xDB6295993C439041,
    0xFE5163ABDEBBC561,
    0xB7246E3A424DD2E0,
    0x06492EEA09D1921C,
    0xFE1DEB1CB129A73E,
    0xE88235F52EBB4484,
    0xE99C7026B45F7E41,
    0x3991D639835339F4,
    0x9C845F8BBDF9283B,
    0x1FF897FFDE05980F,
    0xEF2F118B5A0A6D1F,
    0x6D367ECF27CB09B7,
    0x4F463F669E5FEA2D,
    0x7527BAC7EBE5F17B,
    0x3D0739F78A5292EA,
    0x6BFB5FB11F8D5D08,
    0x56033046FC7B6BAB,
)
"""64 zeros, then the bits of 2/π."""
_LOW = (1 << 32) - 1
_SIGN = -(1 << 63)


def reduced_angle(b: Builder, x: Value) -> tuple[Value, Value]:
    """Quarter turns q, of which the last two bits are valid, and r = x − q π/2 in [−π/4, π/4].

    x: f64 with |x| ≥ 2⁻¹⁰; results for smaller x are wrong. r is NaN for NaN and ±∞.
    """
    form = F64_FORMAT
    bits = b.bitcast(b.unary("abs", x), "i64")
    mantissa = b.bit("or", b.bit("and", bits, (1 << form.fraction) - 1), 1 << form.fraction)
    exponent = b.sub(b.bit("lshr", bits, form.fraction), form.bias + form.fraction)
    # Bit j of 2/π has the weight 2^(E − j); the window begins with the bit of weight 2.
    first = b.add(exponent, 62)
    top, middle, last = _window(b, b.select(b.compare("<", first, 0), 0, first))
    carry, _ = _product(b, mantissa, last)
    high, low = _product(b, mantissa, middle)
    second = b.add(low, carry)
    over = b.convert(_below(b, second, low), "i64")
    turns = b.add(b.add(_product(b, mantissa, top)[1], high), over)
    fraction = b.bit("or", b.bit("shl", turns, 2), b.bit("lshr", second, 62))
    # A fraction of at least one half is negative and belongs to the next quarter turn.
    q = b.add(b.bit("lshr", turns, 62), b.bit("lshr", fraction, 63))
    r = b.add(_angle(b, fraction, b.bit("shl", second, 2)), b.sub(x, x))
    negative = b.compare("<", x, 0.0)
    return b.select(negative, b.sub(0, q), q), b.select(negative, b.neg(r), r)


def _window(b: Builder, first: Value) -> tuple[Value, Value, Value]:
    """192 bits of the table, starting at bit `first`, as three words."""
    table = b.stack(len(_WORDS), "i64")
    for number, word in enumerate(_WORDS):
        b.store(b.constant(I64, word), table, number)
    index, shift = b.bit("lshr", first, 6), b.bit("and", first, 63)
    words = [_word(b, table, b.add(index, i)) for i in range(4)]
    back = b.sub(63, shift)
    after = [b.bit("lshr", b.bit("lshr", word, 1), back) for word in words[1:]]
    top, middle, last = (
        b.bit("or", b.bit("shl", word, shift), rest)
        for word, rest in zip(words, after, strict=False)
    )
    return top, middle, last


def _word(b: Builder, table: Value, index: Value) -> Value:
    return b.gather(table, index, "i64") if index.type.lanes else b.load(table, index, I64)


def _product(b: Builder, x: Value, y: Value) -> tuple[Value, Value]:
    """The high and the low 64 bits of x · y, where x has at most 53."""
    x1, x0 = b.bit("lshr", x, 32), b.bit("and", x, _LOW)
    y1, y0 = b.bit("lshr", y, 32), b.bit("and", y, _LOW)
    least, cross = b.mul(x0, y0), b.mul(x0, y1)
    middle = b.add(b.add(b.bit("lshr", least, 32), b.bit("and", cross, _LOW)), b.mul(x1, y0))
    high = b.add(b.add(b.mul(x1, y1), b.bit("lshr", cross, 32)), b.bit("lshr", middle, 32))
    return high, b.bit("or", b.bit("shl", middle, 32), b.bit("and", least, _LOW))


def _below(b: Builder, x: Value, y: Value) -> Value:
    """x < y of unsigned integers."""
    return b.compare("<", b.bit("xor", x, _SIGN), b.bit("xor", y, _SIGN))


def _angle(b: Builder, fraction: Value, rest: Value) -> Value:
    """π/2 times a signed fraction of 64 bits and 64 more bits."""
    flipped = b.bit("xor", b.bit("lshr", fraction, 32), 1 << 31)
    high = b.sub(as_float(b, flipped, F64_FORMAT), 2.0**31)
    lower = (b.bit("and", fraction, _LOW), b.bit("lshr", rest, 32), b.bit("and", rest, _LOW))
    parts = [as_float(b, part, F64_FORMAT) for part in lower]
    more = b.add(b.mul(parts[1], 2.0**-32), b.mul(parts[2], 2.0**-64))
    total = b.add(b.add(b.mul(high, 2.0**32), parts[0]), more)
    return b.mul(total, pi / 2 * 2.0**-64)
