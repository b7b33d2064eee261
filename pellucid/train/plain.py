"""Plain JSON values in which numbers may be NaN or infinite, which JSON has no way to write.

In an object such a number is null, and the object's entry "not_finite" says what it was:
{"loss": NaN} becomes {"loss": null, "not_finite": {"loss": "NaN"}}. In a list it is the text alone.
"""

from __future__ import annotations

import math
from typing import Any

NOT_FINITE = "not_finite"
_TEXTS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def to_plain(value: Any) -> Any:
    """The value with numbers that JSON can hold; tuples become lists."""
    if isinstance(value, dict):
        plain = {key: None if _is_wild(item) else to_plain(item) for key, item in value.items()}
        wild = {key: _text(item) for key, item in value.items() if _is_wild(item)}
        return {**plain, NOT_FINITE: wild} if wild else plain
    if isinstance(value, (list, tuple)):
        return [_text(item) if _is_wild(item) else to_plain(item) for item in value]
    return value


def from_plain(value: Any) -> Any:
    """The argument of `to_plain`, but for numbers in lists."""
    if isinstance(value, list):
        return [from_plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    wild = value.get(NOT_FINITE)
    if not isinstance(wild, dict) or not all(_is_told(value, *pair) for pair in wild.items()):
        return {key: from_plain(item) for key, item in value.items()}
    rest = {key: from_plain(item) for key, item in value.items() if key != NOT_FINITE}
    return rest | {key: _TEXTS[text] for key, text in wild.items()}


def _is_told(value: dict[str, Any], key: str, text: Any) -> bool:
    """Whether an object has null there and the text says which number it was."""
    return isinstance(text, str) and text in _TEXTS and value.get(key, key) is None


def _is_wild(value: Any) -> bool:
    return isinstance(value, float) and not math.isfinite(value)


def _text(value: float) -> str:
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
