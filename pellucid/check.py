"""Checks of settings, with messages that name the class, the setting and its range.

Each check reads a field of a part and writes it back as a plain Python value, so that a setting
given as a NumPy scalar neither changes the type of a graph nor fails to be stored as JSON.
"""

from __future__ import annotations

import math
import operator
from numbers import Integral, Real
from typing import Any


def number(
    part: Any,
    field: str,
    *,
    at_least: float | None = None,
    more_than: float | None = None,
    at_most: float | None = None,
    less_than: float | None = None,
) -> None:
    """Make `part.field` a float; raise unless it is a finite number within the bounds given."""
    value = getattr(part, field)
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{_name(part, field)} is a number, got {brief(value)}")
    bounds = [
        ("at least", at_least, operator.ge),
        ("more than", more_than, operator.gt),
        ("at most", at_most, operator.le),
        ("less than", less_than, operator.lt),
    ]
    given = [(text, bound, holds) for text, bound, holds in bounds if bound is not None]
    if not _is_finite(value) or not all(holds(value, bound) for _, bound, holds in given):
        texts = [f"{text} {bound:g}" for text, bound, _ in given] or ["finite"]
        raise ValueError(f"{_name(part, field)} is {' and '.join(texts)}, got {brief(value)}")
    object.__setattr__(part, field, float(value))


def count(part: Any, field: str, at_least: int = 1) -> None:
    """Make `part.field` an int; raise unless it is an integer of at least 1, or `at_least`."""
    value = getattr(part, field)
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(
            f"{_name(part, field)} is an integer of at least {at_least}, got {brief(value)}"
        )
    if value < at_least:
        raise ValueError(f"{_name(part, field)} is at least {at_least}, got {brief(value)}")
    object.__setattr__(part, field, int(value))


def optional(part: Any, field: str, kind: type[Any]) -> None:
    """Raise TypeError unless `part.field` is a `kind` or None."""
    value = getattr(part, field)
    if value is not None and not isinstance(value, kind):
        hint = ": write it with brackets" if isinstance(value, type) else ""
        article = "an" if kind.__name__[0] in "AEIOU" else "a"
        raise TypeError(
            f"{_name(part, field)} is {article} {kind.__name__}, got {brief(value)}{hint}"
        )


def choice(part: Any, field: str, *choices: str | bool) -> None:
    """Raise unless `part.field` is one of the choices, and of its type."""
    value = getattr(part, field)
    if not any(type(value) is type(one) and value == one for one in choices):
        texts = [repr(one) for one in choices]
        raise ValueError(
            f"{_name(part, field)} is {', '.join(texts[:-1])} or {texts[-1]}, got {brief(value)}"
        )


def brief(value: Any) -> str:
    """A value as messages show it: at most 80 characters."""
    try:
        text = repr(value)
    except ValueError:  # Python writes no integer of more than 4,300 digits
        return f"an integer of {value.bit_length():,} bits"
    return text if len(text) <= 80 else text[:77] + "..."


def _is_finite(value: Real) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer beyond the floats
        return False


def _name(part: Any, field: str) -> str:
    return f"{type(part).__name__} {field}"
