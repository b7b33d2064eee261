"""Numbers written in each style come back exactly.

The writers work from the digits of `Decimal(repr(x))`, and know nothing of the reader.
"""

import math
import struct
from dataclasses import dataclass
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from pellucid.data.form.number.evidence import NumberEvidence


@dataclass(frozen=True)
class Dialect:
    """How a column is written."""

    decimal: str
    thousands: str
    indian: bool
    negative: str
    """A template of a negative number."""
    positive: str
    """A template of any other."""
    exponent: bool = False

    def write(self, number: float) -> str:
        negative = math.copysign(1, number) < 0
        template = self.negative if negative else self.positive
        return template.replace("#", self.digits(abs(number)))

    def digits(self, number: float) -> str:
        if self.exponent:
            return f"{number:.17e}".replace(".", self.decimal)
        whole, _, fraction = format(Decimal(repr(number)), "f").partition(".")
        return grouped(whole, self.thousands, self.indian) + (
            f"{self.decimal}{fraction}" if fraction else ""
        )


def grouped(digits: str, mark: str, indian: bool) -> str:
    """The digits with the mark before the last three, and before each two or three ahead of them."""
    if not mark:
        return digits
    groups = [digits[-3:]]
    rest, size = digits[:-3], 2 if indian else 3
    while rest:
        groups.insert(0, rest[-size:])
        rest = rest[:-size]
    return mark.join(groups)


MARKS = [
    (".", ""),
    (".", ","),
    (".", " "),
    (".", "'"),
    (".", "’"),
    (".", "_"),
    (",", ""),
    (",", "."),
    (",", " "),
    (",", "\u00a0"),
    (",", "\u202f"),
    (",", "\u2009"),
    (",", "'"),
    ("\u066b", "\u066c"),
]
TEMPLATES = [
    ("-#", "#"),
    ("−#", "#"),
    ("–#", "#"),
    ("- #", "#"),
    ("#-", "#"),
    ("# -", "#"),
    ("(#)", "#"),
    ("-#", "+#"),
    ("-$#", "$#"),
    ("$-#", "$#"),
    ("($#)", "$#"),
    ("$(#)", "$#"),
    ("-US$ #", "US$ #"),
    ("-# €", "# €"),
    ("#- €", "# €"),
    ("# €-", "# €"),
    ("CHF -#", "CHF #"),
    ("-Rs. #", "Rs. #"),
    ("R$ -#", "R$ #"),
    ("-# zł", "# zł"),
    ("-#%", "#%"),
    ("(#%)", "#%"),
    ("−# °C", "# °C"),
    ("-#kg", "#kg"),
    ("-# km/h", "# km/h"),
    ("-# months", "# months"),
]
FLOATS = st.floats(-1e15, 1e15, allow_nan=False).filter(
    lambda x: x == 0 or abs(x) > 1e-9
) | st.integers(-(10**15), 10**15).map(float)


@st.composite
def dialects(draw: st.DrawFn) -> Dialect:
    decimal, thousands = draw(st.sampled_from(MARKS))
    negative, positive = draw(st.sampled_from(TEMPLATES))
    indian = thousands == "," and draw(st.booleans())
    return Dialect(decimal, thousands, indian, negative, positive)


def assert_comes_back(dialect: Dialect, numbers: list[float]) -> None:
    texts = [dialect.write(number) for number in numbers]
    evidence = NumberEvidence()
    evidence.add(texts, [1] * len(texts))
    decided = evidence.decide(dialect.decimal)
    assert decided is not None and decided.share == 1
    values = [decided.form.read(text) for text in texts]
    assert values == numbers
    assert [bits(value) for value in values if value] == [
        bits(number) for number in numbers if number
    ]


def bits(number: float) -> bytes:
    return struct.pack("<d", number)


@given(dialects(), st.lists(FLOATS, min_size=1, max_size=8))
def test_numbers_come_back_as_written(dialect: Dialect, numbers: list[float]) -> None:
    assert_comes_back(dialect, numbers)


@given(
    st.sampled_from(MARKS),
    st.sampled_from([("-#", "#"), ("−#", "#"), ("-#", "+#")]),
    st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=8),
)
def test_all_finite_numbers_come_back_in_scientific_notation(
    marks: tuple[str, str], templates: tuple[str, str], numbers: list[float]
) -> None:
    assert_comes_back(Dialect(marks[0], "", False, *templates, exponent=True), numbers)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=8))
def test_numbers_as_python_writes_them_come_back_with_the_sign_of_zero(
    numbers: list[float],
) -> None:
    texts = [repr(number) for number in numbers]
    evidence = NumberEvidence()
    evidence.add(texts, [1] * len(texts))
    decided = evidence.decide()
    assert decided is not None and decided.share == 1
    values = [decided.form.read(text) for text in texts]
    assert [bits(value) for value in values if value is not None] == [bits(x) for x in numbers]
