"""Words that mean a missing value in a text file, and when "NA" is a value all the same."""

import re
from collections.abc import Iterable, Sequence

MISSING_WORDS = (
    *("NA", "N/A", "n/a", "NaN", "nan", "-nan", "NULL", "null", "<NA>", "#N/A", "#NA", "?"),
)
"""The default words, besides the empty text. "None" is not one: it is often a class."""

_CODE = re.compile(r"[A-Z]{2}")
_REGIONS = frozenset(["APAC", "EMEA", "LATAM", "AMER", "EMENA", "MENA", "ANZ", "CALA"])


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
