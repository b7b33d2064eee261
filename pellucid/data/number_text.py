"""Parsing of numbers in common formats: 1234.5, 1,234.5, 1.234,5, 12 %, $5."""

import re

MISSING_WORDS = frozenset(
    ["", "NA", "N/A", "n/a", "NaN", "nan", "-nan", "NULL", "null", "<NA>", "#N/A", "#NA", "?"]
)
"""Texts that mean a missing value. "None" is not one: it is often a class."""

_DECORATION = " \t\u00a0\u202f%$€£¥"
_INFINITE = frozenset(["inf", "+inf", "-inf", "infinity", "+infinity", "-infinity"])
_POINT = re.compile(
    r"[+-]?(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?"
    r"|[+-]?\.[0-9]+(?:[eE][+-]?[0-9]+)?"
)
_COMMA = re.compile(
    r"[+-]?(?:[0-9]{1,3}(?:\.[0-9]{3})+|[0-9]+)(?:,[0-9]*)?(?:[eE][+-]?[0-9]+)?"
    r"|[+-]?,[0-9]+(?:[eE][+-]?[0-9]+)?"
)


def parse_number(text: str, *, decimal_comma: bool = False) -> float | None:
    """The number in the text; None where it is not a number.

    Currency and per cent signs are dropped. Commas may separate thousands, or points where the comma
    is the decimal sign. "inf" gives an infinity, which the caller counts as missing.
    """
    bare = text.strip(_DECORATION)
    if bare.lower() in _INFINITE:
        return float(bare)
    if decimal_comma:
        if not _COMMA.fullmatch(bare):
            return None
        return float(bare.replace(".", "").replace(",", "."))
    if not _POINT.fullmatch(bare):
        return None
    return float(bare.replace(",", ""))


def is_plain(text: str) -> bool:
    """Whether the text is a number without separators of thousands, currency or spaces."""
    return "," not in text and parse_number(text) is not None and text.strip(_DECORATION) == text


def is_whole(text: str) -> bool:
    """Whether the text is a whole number, without a decimal sign or an exponent."""
    return text.lstrip("+-").isdecimal()


def looks_like_code(texts: list[str]) -> bool:
    """Whether the texts are codes of digits, such as "007": of one length, some with a leading 0.

    As numbers they would lose their leading zeros, which belong to the names of classes.
    """
    length = len(texts[0]) if texts else 0
    return (
        length > 1
        and all(len(text) == length and text.isdecimal() for text in texts)
        and any(text[0] == "0" for text in texts)
    )
