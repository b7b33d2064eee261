"""Words that mean a missing value in a text file, and when "NA" is a value all the same."""

import re
from collections.abc import Iterable, Sequence

MISSING_WORDS = (
    *("NA", "N/A", "n/a", "NaN", "NAN", "nan", "-nan", "NULL", "null", "<NA>", "?"),
    *("\\N", "(null)", "[NULL]", "<null>", "#NULL!", "NaT"),
    *("#N/A", "#NA", "#NV", "#N/D", "#DIV/0!", "#VALUE!", "#WERT!", "#VALEUR!", "#REF!", "#BEZUG!"),
    *("#NUM!", "#ZAHL!", "#NOMBRE!", "#NAME?", "#NOM?"),
)
"""The default words, besides the empty text. "None" is not one: it is often a class.

Those of databases are of MySQL and PostgreSQL, Oracle and DBeaver; those with # are errors of Excel.
"""

_ABSENT_WORDS = frozenset(
    (
        *("none", "nil", "null", "n.a.", "n.a", "n/a", "n/d", "n.d.", "nd", "k.a.", "k. a.", "nat"),
        *("missing", "unknown", "not available", "no data", "nodata"),
    )
)
_NO_LETTERS = re.compile(r"[-\u2010-\u2015\u2212.*:_?\u2026]+")
_SAS_CODE = re.compile(r"\.[A-Z_]")

_CODE = re.compile(r"[A-Z]{2}")
_REGIONS = frozenset(["APAC", "EMEA", "LATAM", "AMER", "EMENA", "MENA", "ANZ", "CALA"])


def is_sign_of_absence(text: str) -> bool:
    """Whether the text consists of marks that hold a place: `-`, `..`, `***`; or is SAS's `.A`."""
    return len(text) < 20 and (
        _NO_LETTERS.fullmatch(text) is not None or _SAS_CODE.fullmatch(text) is not None
    )


def is_word_of_absence(text: str) -> bool:
    """Whether the word means a missing value among numbers and dates, as "none" or "n.a." do."""
    return len(text) < 20 and text.lower() in _ABSENT_WORDS


def holds_codes(levels: Iterable[str]) -> bool:
    """Whether the texts are codes of two capital letters, or of regions, as "NA" then is one.

    At least two different ones are needed.
    """
    codes = [level for level in levels if level != "NA"]
    return len(codes) > 1 and all(_CODE.fullmatch(code) or code in _REGIONS for code in codes)


def words_of(chosen: Sequence[str] | None) -> tuple[str, ...]:
    """The words for missing values: those chosen, else the default ones."""
    if chosen is None:
        return MISSING_WORDS
    return tuple(dict.fromkeys(word.strip() for word in chosen if word.strip()))
