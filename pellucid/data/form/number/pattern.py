"""The regular expression of a form of numbers."""

import re

from pellucid.data.form.number.multiples import MULTIPLE_PATTERN
from pellucid.data.form.number.units import unit_pattern

_MINUS = r"\-\u2212"
_LEADING = rf"{_MINUS}+\s"
_SPELLINGS = {" ": r"\s", "'": r"['\u2019]"}
"""Marks that are matched in several writings, so that most texts need not be normalised."""


def number_pattern(
    *,
    decimal: str,
    thousands: str,
    indian: bool,
    prefix: str,
    multiple: str,
    scaled: bool,
    suffix: str,
    parentheses: bool,
    trailing_minus: bool,
    account_words: tuple[str, ...],
) -> str:
    """The expression, with three groups: what leads, the number, what follows.

    It allows several signs in a text; whether they make sense is left to the reader.
    """
    signs = rf"[{_LEADING}(]*" if parentheses else f"[{_LEADING}]*"
    unit = f"(?:{unit_pattern(prefix)}{signs})?" if prefix else ""
    closing = rf"[{_MINUS if trailing_minus else ''}{')' if parentheses else ''}\s]*"
    tail = closing
    if multiple:
        tail += f"{re.escape(multiple)}{closing}"
    if scaled:
        tail += f"(?:(?:{MULTIPLE_PATTERN}){closing})?"
    if suffix:
        tail += f"(?:{unit_pattern(suffix)}{closing})?"
    if account_words:
        tail += f"(?:(?i:{'|'.join(account_words)}){closing})?"
    return f"({signs}{unit})({_digits(re.escape(decimal), thousands, indian, not scaled)})({tail})"


def _digits(decimal: str, thousands: str, indian: bool, exponent: bool) -> str:
    """Digits in groups or without, a fraction, an exponent."""
    mark = _SPELLINGS.get(thousands, re.escape(thousands))
    groups = rf"[1-9][0-9]{{0,2}}(?:{mark}[0-9]{{3}})+|" if thousands else ""
    if thousands and indian:
        groups += rf"[1-9][0-9]?(?:{mark}[0-9]{{2}})+{mark}[0-9]{{3}}|"
    fraction = rf"{decimal}(?:[0-9]+|(?=[\s)%]|$))"
    mantissa = rf"(?:{groups}[0-9]+)(?:{fraction})?|{decimal}[0-9]+"
    return rf"(?:{mantissa}){'(?:[eE][+-]?[0-9]+)?' if exponent else ''}"
