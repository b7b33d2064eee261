"""Texts as they are, and which level of them a typed value is."""

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pellucid.data import checked
from pellucid.data.form.boolean import FALSE_WORDS, TRUE_WORDS

MOST_LEVELS = 10_000
"""The most levels that a form keeps; further ones are found by their text alone."""

_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_WHOLE = re.compile(r"[+-]?[0-9]+")


@dataclass(frozen=True)
class TextForm:
    """Texts without the spaces around them.

    `levels`: the texts of the training rows, commonest first, at most `MOST_LEVELS`. They tell which
    text a typed value is: the number 1.0 is the level "1.0" if there is one, else "1".
    `ordered`: whether the source gave the levels an order; they then are in it.
    """

    levels: tuple[str, ...] = ()
    ordered: bool = False

    def read(self, text: str) -> str | None:
        """The text without the spaces around it; None where nothing is left."""
        return text.strip() or None

    def read_number(self, value: float) -> str:
        """The level that is this number, by its name or else by its value; else its name."""
        name = number_name(value)
        for candidate in (name, repr(value)):
            if candidate in self._known:
                return candidate
        return self._by_value.get(value, name)

    def read_boolean(self, value: bool) -> str:
        """The level that says so in any case: "true", "t", "yes", "y", "1"; else "True" or "False"."""
        if str(value) in self._known:
            return str(value)
        words = TRUE_WORDS if value else FALSE_WORDS
        levels = (self._by_case[word] for word in words if word in self._by_case)
        return next(levels, str(value))

    def describe(self) -> str:
        """The form in plain words."""
        return "texts, in the order of the source" if self.ordered else "texts"

    def to_json(self) -> dict[str, Any]:
        """The form as plain JSON values."""
        return {"form": "text", "levels": list(self.levels), "ordered": self.ordered}

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(self.levels)

    @cached_property
    def _by_case(self) -> dict[str, str]:
        return {level.lower(): level for level in reversed(self.levels)}

    @cached_property
    def _by_value(self) -> dict[int | float, str]:
        """The levels that are plain numbers, by their value; none where two have the same."""
        by_value: dict[int | float, str] = {}
        twice: set[int | float] = set()
        for level in self.levels:
            if not _NUMBER.fullmatch(level):
                continue
            value = _plain_number(level)
            if value in by_value:
                twice.add(value)
            by_value[value] = level
        return {value: level for value, level in by_value.items() if value not in twice}


def text_form_from_json(value: object, where: str) -> TextForm:
    """The form that `to_json` wrote; anything else raises `ModelFileError`."""
    entries = checked.record(value, where, ("form", "levels", "ordered"))
    levels = checked.texts(entries["levels"], f"{where}.levels")
    if len(levels) > MOST_LEVELS:
        raise checked.refuse(f"{where}.levels", f"at most {MOST_LEVELS:,} levels", len(levels))
    return TextForm(levels, checked.flag(entries["ordered"], f"{where}.ordered"))


def number_name(value: float) -> str:
    """The number as text, without a fraction where it is whole: 3, not 3.0."""
    if isinstance(value, int):
        return str(int(value))
    return str(int(value)) if value.is_integer() and abs(value) < 1e19 else repr(float(value))


def _plain_number(level: str) -> int | float:
    """The value of a text that is a plain number; a whole number keeps all its digits."""
    if _WHOLE.fullmatch(level) and len(level) < 4000:
        return int(level)
    return float(level)
