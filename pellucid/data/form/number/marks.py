"""The characters of numbers: marks, signs and digits, each in one normal writing."""

import math
import re

DECIMAL_MARKS = (".", ",", "\u066b")
"""Marks before a fraction: point, comma, Arabic decimal separator."""

THOUSANDS_MARKS = (",", ".", " ", "'", "_", "\u066c")
"""Marks between groups of digits, in normal writing."""

MARK_NAMES = {
    ".": "point",
    ",": "comma",
    "\u066b": "mark as in Arabic",
    " ": "space",
    "'": "apostrophe",
    "_": "underscore",
    "\u066c": "mark as in Arabic",
}
"""The marks in words."""

_ZEROS = (0x660, 0x6F0, 0x966, 0x9E6, 0xE50, 0xFF10)
"""Code points of 0 in Arabic, Persian, Devanagari, Bengali, Thai and full-width digits."""

_NORMAL: dict[int, str | None] = {
    **{zero + digit: str(digit) for zero in _ZEROS for digit in range(10)},
    **dict.fromkeys([0xA0, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000], " "),
    **dict.fromkeys([*range(0x2010, 0x2016), 0x2212, 0x25B3, 0xFE63, 0xFF0D], "-"),
    **dict.fromkeys(map(ord, "\u2018\u2019\u02bc\u00b4\uff07"), "'"),
    **dict.fromkeys(map(ord, "\u200b\u200e\u200f\u061c\u2066\u2069\ufeff"), None),
    ord("\uff0b"): "+",
    ord("\uff0c"): ",",
    ord("\u060c"): ",",
    ord("\uff0e"): ".",
    ord("\uff08"): "(",
    ord("\uff09"): ")",
    ord("\uff05"): "%",
    ord("\u066a"): "%",
    ord("\uff04"): "$",
    ord("\uffe5"): "¥",
    ord("\uffe1"): "£",
    ord("\u03bc"): "\u00b5",
    ord("\u2103"): "°C",
    ord("\u2109"): "°F",
    ord("\u00ba"): "°",
    ord("\u2033"): '"',
}

_UNUSUAL = re.compile(f"[{''.join(map(chr, _NORMAL))}]")
_POWER = re.compile(r" ?[x×*·] ?10(?:\^|\*\*)(?=[+-]?[0-9])")
_FORTRAN = re.compile(r"(?<=[0-9.])[dD](?=[+-][0-9]{2,3}$)")
_NO_CENTS = re.compile(r"(?<=[0-9])([.,\u066b])-{1,2}(?![0-9-])")
_SIGNS = "[$€£¥₹₽₺₩₪₴₦]"
_ZERO_MONEY = re.compile(rf"^({_SIGNS} ?)-{{1,2}}$|^-{{1,2}}( ?{_SIGNS})$")
_WORDS = {
    **dict.fromkeys(["inf", "+inf", "infinity", "+infinity", "∞", "+∞", "1.#inf"], math.inf),
    **dict.fromkeys(["-inf", "-infinity", "-∞", "-1.#inf"], -math.inf),
    **dict.fromkeys(["nan", "+nan", "-nan", "-nan(ind)", "1.#qnan", "1.#ind", "-1.#ind"], math.nan),
}
_LONGEST_WORD = max(map(len, _WORDS))


def with_article(name: str) -> str:
    """The name of a mark after a or an."""
    return f"an {name}" if name[0] in "Aau" else f"a {name}"


def normal_characters(text: str) -> str:
    """The text with the normal characters for digits, signs, spaces and apostrophes.

    Runs of white space become one space, and invisible marks are dropped.
    """
    if not text.isascii() and _UNUSUAL.search(text):
        text = text.translate(_NORMAL)
    return " ".join(text.split())


def normalised(text: str) -> str:
    """The text with normal characters and without conventions that no other number has.

    "×10^5" becomes "e5", and Fortran's "D+05" "e+05"; "5,-" (no cents) "5,0"; "$ -" (zero, as Excel
    writes it in accounts) "$ 0".
    """
    text = normal_characters(text)
    if "D" in text or "d" in text:
        text = _FORTRAN.sub("e", text)
    if "^" in text or "**" in text:
        text = _POWER.sub("e", text)
    if "-" not in text:
        return text
    return _ZERO_MONEY.sub(r"\g<1>0\g<2>", _NO_CENTS.sub(r"\g<1>0", text))


def may_be_zero_money(text: str) -> bool:
    """Whether a text without digits may be zero, as "$ -" is."""
    return len(text) < 6 and "-" in text


def not_finite(text: str) -> float | None:
    """An infinity or nan, where the normalised text is a word for it: "-inf", "∞", "1.#QNAN"."""
    return _WORDS.get(text.lower()) if len(text) <= _LONGEST_WORD else None
