"""How the numbers of a column are written."""

import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from functools import cached_property

from pellucid.data import checked
from pellucid.data.form.number_marks import (
    DECIMAL_MARKS,
    MARK_NAMES,
    THOUSANDS_MARKS,
    normalised,
    not_finite,
)
from pellucid.data.form.number_shape import sign_of
from pellucid.data.form.number_units import (
    is_multiple,
    is_prefix,
    is_suffix,
    unit_key,
    unit_pattern,
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
    suffix: str = ""
    """The unit or currency after the number."""
    unit_required: bool = False
    """Whether a number without its unit is not read, because the unit multiplies or units differ."""
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
        if self.prefix and self.suffix and unit_key(self.prefix) != unit_key(self.suffix):
            return f"{self.prefix}{'' if self.suffix[0] == '/' else ' '}{self.suffix}"
        return self.prefix or self.suffix

    def read(self, text: str) -> float | None:
        """The number that the text writes; None where the text is not written in this form.

        Infinities and numbers beyond the range of float64 are infinite, "nan" is nan.
        """
        match = self._match(text)
        if match is None:
            bare = normalised(text)
            match = self._match(bare)
            if match is None:
                return not_finite(bare)
        lead, number, tail = match.groups()
        if self.thousands:
            number = number.replace(self.thousands, "")
        if self.decimal != ".":
            number = number.replace(self.decimal, ".")
        if self.unit_required and not (lead.strip("-+( ") or tail.strip("-) ")):
            return None
        if not lead and not tail:
            return float(number)
        negative = self._is_negative(lead, tail)
        if negative is None:
            return None
        return -float(number) if negative else float(number)

    def _is_negative(self, lead: str, tail: str) -> bool | None:
        """Whether the number is negative; None where two signs contradict each other."""
        negative = sign_of(lead, tail)
        word = self.negative_word
        if not word or not tail.upper().rstrip(") ").endswith(word):
            return negative
        return None if negative else True

    @cached_property
    def _match(self) -> Callable[[str], re.Match[str] | None]:
        return re.compile(self.pattern()).fullmatch

    def pattern(self) -> str:
        """The regular expression of the form, with groups for what leads, the number, what follows."""
        decimal, mark = re.escape(self.decimal), re.escape(self.thousands)
        fraction = f"(?:{decimal}[0-9]*)?"
        groups = ""
        if self.thousands:
            groups = rf"[1-9][0-9]{{0,2}}(?:{mark}[0-9]{{3}})+{fraction}(?![0-9])|"
        if self.thousands and self.indian:
            groups += rf"[1-9][0-9]?(?:{mark}[0-9]{{2}})+{mark}[0-9]{{3}}{fraction}(?![0-9])|"
        digits = rf"(?:[0-9]+{fraction}|{decimal}[0-9]+)(?:[eE][+-]?[0-9]+)?"
        signs = "[-+( ]*" if self.parentheses else "[-+ ]*"
        prefix = f"(?:{unit_pattern(self.prefix)}{signs})?" if self.prefix else ""
        return f"({signs}{prefix})({groups}{digits})({self._tail_pattern()})"

    def _tail_pattern(self) -> str:
        signs = "[-) ]*" if self.trailing_minus else "[) ]*" if self.parentheses else " *"
        unit = f"(?:{unit_pattern(self.suffix)}{signs})" if self.suffix else ""
        unit += "?" if unit and not is_multiple(self.suffix) else ""
        words = "|".join(word for word in (self.negative_word, self.positive_word) if word)
        account = f"(?:(?i:{words}){signs})?" if words else ""
        return signs + unit + account

    def describe(self) -> str:
        """The form in words: "numbers with decimal comma and point between thousands, in €"."""
        parts = [f"a decimal {MARK_NAMES[self.decimal].removeprefix('Arabic decimal ')}"]
        if self.thousands:
            grouping = "Indian groups of digits" if self.indian else "thousands"
            parts.append(f"a {MARK_NAMES[self.thousands]} between {grouping}")
        text = f"numbers with {' and '.join(parts)}"
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
