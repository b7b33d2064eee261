"""How the numbers of a column are written."""

import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from functools import cached_property

from pellucid.data import checked
from pellucid.data.form.number.marks import (
    DECIMAL_MARKS,
    MARK_NAMES,
    THOUSANDS_MARKS,
    normal_characters,
    normalised,
    not_finite,
    with_article,
)
from pellucid.data.form.number.multiples import is_multiple, power_of_ten, split_multiple
from pellucid.data.form.number.pattern import number_pattern
from pellucid.data.form.number.shape import sign_of, split_account_word
from pellucid.data.form.number.units import (
    is_prefix,
    is_suffix,
    unit_key,
)

_ACCOUNT_WORDS = ("", "CR", "DR", "DB")


@dataclass(frozen=True)
class NumberForm:
    """One way of writing numbers; `read` gives the value of a text that is written so.

    The default reads 5, -5, 5.25, .5, 5., 1e-5 and the words for infinities. A minus sign or hyphen of
    any kind may lead, before or after the currency; U+2212 and spaces of all widths are read as their
    ASCII counterparts. Numbers may always be written without thousands marks.
    """

    decimal: str = "."
    """The mark before the fraction: ".", "," or U+066B."""
    thousands: str = ""
    """The mark between groups of three digits; " " is any space, "'" any apostrophe; "" is none."""
    indian: bool = False
    """Whether groups of two digits precede the last of three, as in 12,34,567."""
    prefix: str = ""
    """The currency before the number."""
    multiple: str = ""
    """The word or letter after each number that multiplies it, as in 5k; values are without it."""
    scaled: bool = False
    """Whether words and letters after the number multiply the value: 5k is 5000."""
    suffix: str = ""
    """The unit or currency after the number."""
    unit_required: bool = False
    """Whether a number without its unit is not read, because units differ."""
    parentheses: bool = False
    """Whether (5) is -5."""
    trailing_minus: bool = False
    """Whether 5- is -5."""
    negative_word: str = ""
    """The word after negative amounts: "CR", "DR", "DB" or "" for none."""
    positive_word: str = ""
    """The word after positive amounts."""
    whole: bool = False
    """Whether all numbers were written as whole numbers. Others are read all the same."""

    @property
    def unit(self) -> str:
        """The unit of the numbers, such as "kg", "%", "€" or "$/kg"; "" for none."""
        suffix = (
            "" if self.suffix and unit_key(self.suffix) == unit_key(self.prefix) else self.suffix
        )
        parts = [part for part in (self.prefix, self.multiple, suffix) if part]
        return " ".join(parts).replace(" /", "/")

    def read(self, text: str) -> float | None:
        """The number that the text writes; None where the text is not written in this form.

        Infinities and numbers beyond the range of float64 are infinite, "nan" is nan.
        """
        return self._reader(text)

    @cached_property
    def _reader(self) -> Callable[[str], float | None]:
        return self._plain_reader() if self._is_plain() else self._written_reader()

    def _is_plain(self) -> bool:
        """Whether the form reads the numbers that Python writes, and hardly any other."""
        others = (self.thousands, self.prefix, self.multiple, self.scaled, self.suffix)
        return self.decimal == "." and not any(others)

    def _plain_reader(self) -> Callable[[str], float | None]:
        read_written = self._written_reader()

        def read(text: str) -> float | None:
            try:
                value = float(text)
            except ValueError:
                return read_written(text)
            return read_written(text) if "_" in text else value

        return read

    def _written_reader(self) -> Callable[[str], float | None]:
        match = re.compile(self.pattern()).fullmatch
        factors: dict[tuple[str, str], tuple[float, str]] = {}
        digits = _plain_digits(self.decimal, self.thousands)

        def read(text: str) -> float | None:
            parts = match(text)
            if parts is None:
                bare = normalised(text)
                parts = match(bare) if bare != text else None
                if parts is None:
                    return not_finite(bare)
            lead, number, tail = parts.groups()
            factor = factors.get((lead, tail))
            if factor is None:
                factor = self._factor(lead, tail)
                if factor is None:
                    return None
                factors[lead, tail] = factor
            sign, exponent = factor
            return sign * float(digits(number) + exponent)

        return read

    def _factor(self, lead: str, tail: str) -> tuple[float, str] | None:
        """1 or -1 and a power of ten as text, by what stands beside the number.

        None where that is not in this form.
        """
        lead, tail = normal_characters(lead), normal_characters(tail)
        negative = sign_of(lead, tail)
        prefix, unit, word = lead.strip("-+( "), *split_account_word(tail.strip("-) "))
        multiple, suffix = split_multiple(unit, money=self.prefix != "")
        if self.unit_required and not self._has_all_units(prefix, suffix):
            return None
        if word and word == self.negative_word:
            negative = None if negative else True
        if negative is None:
            return None
        exponent = f"e{power_of_ten(multiple)}" if self.scaled and multiple else ""
        return -1.0 if negative else 1.0, exponent

    def _has_all_units(self, prefix: str, suffix: str) -> bool:
        wanted = {unit_key(unit) for unit in (self.prefix, self.suffix)}
        return wanted | {""} == {unit_key(prefix), unit_key(suffix), ""}

    def pattern(self) -> str:
        """The regular expression of the form: what leads, the number, what follows."""
        return number_pattern(
            decimal=self.decimal,
            thousands=self.thousands,
            indian=self.indian,
            prefix=self.prefix,
            multiple=self.multiple,
            scaled=self.scaled,
            suffix=self.suffix,
            parentheses=self.parentheses,
            trailing_minus=self.trailing_minus,
            account_words=tuple(filter(None, (self.negative_word, self.positive_word))),
        )

    def __getstate__(self) -> dict[str, object]:
        return asdict(self)

    def describe(self) -> str:
        """The form in words: "numbers with a decimal comma and a point between thousands, in €"."""
        marks = [] if self.whole else [f"a decimal {MARK_NAMES[self.decimal]}"]
        if self.thousands:
            grouping = "Indian groups of digits" if self.indian else "thousands"
            marks.append(f"{with_article(MARK_NAMES[self.thousands])} between {grouping}")
        text = "whole numbers" if self.whole else "numbers"
        text += f" with {' and '.join(marks)}" if marks else ""
        styles = [
            *(["(5)"] if self.parentheses else []),
            *(["5-"] if self.trailing_minus else []),
            *([f"5 {self.negative_word}"] if self.negative_word else []),
        ]
        if styles:
            text += f", negative as {' or '.join(styles)}"
        return f"{text}, in {self.unit}" if self.unit else text

    def to_json(self) -> dict[str, object]:
        """The fields as plain values."""
        return asdict(self)


def _plain_digits(decimal: str, thousands: str) -> Callable[[str], str]:
    """A function that writes a number as Python does."""
    if not thousands and decimal == ".":
        return str
    if not thousands:
        return lambda number: number.replace(decimal, ".")
    if thousands == " ":
        return lambda number: "".join(number.split()).replace(decimal, ".")
    if thousands == "'":
        return lambda number: number.replace("\u2019", "").replace("'", "").replace(decimal, ".")
    return lambda number: number.replace(thousands, "").replace(decimal, ".")


def number_form_from_json(value: object, where: str) -> NumberForm:
    """The form that `to_json` wrote.

    Raises `ModelFileError` for anything else, with the path `where`.
    """
    names = [field.name for field in fields(NumberForm)]
    entries = checked.record(value, where, names)

    def choice(name: str, choices: tuple[str, ...]) -> str:
        text = checked.text(entries[name], f"{where}.{name}")
        if text not in choices:
            raise checked.refuse(f"{where}.{name}", f"one of {list(choices)}", text)
        return text

    def affix(name: str, allowed: Callable[[str], bool]) -> str:
        text = checked.text(entries[name], f"{where}.{name}")
        if text and not (len(text) <= 40 and allowed(text)):
            raise checked.refuse(f"{where}.{name}", "a unit", text)
        return text

    form = NumberForm(
        decimal=choice("decimal", DECIMAL_MARKS),
        thousands=choice("thousands", ("", *THOUSANDS_MARKS)),
        indian=checked.flag(entries["indian"], f"{where}.indian"),
        prefix=affix("prefix", is_prefix),
        multiple=affix("multiple", is_multiple),
        scaled=checked.flag(entries["scaled"], f"{where}.scaled"),
        suffix=affix("suffix", is_suffix),
        unit_required=checked.flag(entries["unit_required"], f"{where}.unit_required"),
        parentheses=checked.flag(entries["parentheses"], f"{where}.parentheses"),
        trailing_minus=checked.flag(entries["trailing_minus"], f"{where}.trailing_minus"),
        negative_word=choice("negative_word", _ACCOUNT_WORDS),
        positive_word=choice("positive_word", _ACCOUNT_WORDS),
        whole=checked.flag(entries["whole"], f"{where}.whole"),
    )
    if form.decimal == form.thousands:
        raise checked.refuse(
            f"{where}.thousands", "another mark than the decimal mark", form.decimal
        )
    return form
