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
        raise TypeError(f"{_name(part, field)} is a number, got {value!r}")
    bounds = [
        ("at least", at_least, operator.ge),
        ("more than", more_than, operator.gt),
        ("at most", at_most, operator.le),
        ("less than", less_than, operator.lt),
    ]
    given = [(text, bound, holds) for text, bound, holds in bounds if bound is not None]
    if not math.isfinite(value) or not all(holds(value, bound) for _, bound, holds in given):
        texts = [f"{text} {bound:g}" for text, bound, _ in given] or ["finite"]
        raise ValueError(f"{_name(part, field)} is {' and '.join(texts)}, got {value!r}")
    object.__setattr__(part, field, float(value))


def count(part: Any, field: str) -> None:
    """Make `part.field` an int; raise unless it is an integer of at least 1."""
    value = getattr(part, field)
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(f"{_name(part, field)} is an integer of at least 1, got {value!r}")
    if value < 1:
        raise ValueError(f"{_name(part, field)} is at least 1, got {value!r}")
    object.__setattr__(part, field, int(value))


def choice(part: Any, field: str, *choices: str | bool) -> None:
    """Raise unless `part.field` is one of the choices, and of its type."""
    value = getattr(part, field)
    if not any(type(value) is type(one) and value == one for one in choices):
        texts = [repr(one) for one in choices]
        raise ValueError(
            f"{_name(part, field)} is {', '.join(texts[:-1])} or {texts[-1]}, got {value!r}"
        )


def _name(part: Any, field: str) -> str:
    return f"{type(part).__name__} {field}"
