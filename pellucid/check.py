"""Checks of settings, with messages that name the class, the setting and its range.

Each check of a field reads it from a part and writes it back as a plain Python value, so that a
setting given as a NumPy scalar neither changes the type of a graph nor fails to be stored as JSON.
The checks of values do the same for the settings of functions, and return the plain value.
"""

from __future__ import annotations

import math
import operator
import reprlib
from collections.abc import Iterable, Sized
from numbers import Integral, Real
from typing import Any

_short = reprlib.Repr()
_short.maxlist = _short.maxtuple = _short.maxdict = _short.maxset = _short.maxfrozenset = 30
_short.maxstring = _short.maxother = _short.maxlong = 90

MOST_ITEMS = 1_000_000
"""Items that a setting may have; more are a mistake, and would fill the memory."""


def number(part: Any, field: str, **bounds: float | None) -> None:
    """Make `part.field` a float; raise unless it is a finite number within the bounds of `real`."""
    object.__setattr__(part, field, real(_name(part, field), getattr(part, field), **bounds))


def count(part: Any, field: str, at_least: int = 1) -> None:
    """Make `part.field` an int; raise unless it is an integer of at least 1, or `at_least`."""
    object.__setattr__(part, field, integer(_name(part, field), getattr(part, field), at_least))


def choice(part: Any, field: str, *choices: str | bool) -> None:
    """Raise unless `part.field` is one of the choices, and of its type."""
    one_of(_name(part, field), getattr(part, field), *choices)


def optional(part: Any, field: str, kind: type[Any]) -> None:
    """Raise TypeError unless `part.field` is a `kind` or None."""
    value = getattr(part, field)
    if value is not None and not isinstance(value, kind):
        hint = ": write it with brackets" if isinstance(value, type) else ""
        article = "an" if kind.__name__[0] in "AEIOU" else "a"
        raise TypeError(
            f"{_name(part, field)} is {article} {kind.__name__}, got {brief(value)}{hint}"
        )


def real(
    name: str,
    value: Any,
    *,
    at_least: float | None = None,
    more_than: float | None = None,
    at_most: float | None = None,
    less_than: float | None = None,
) -> float:
    """`value` as a float; raises unless it is a finite number within the bounds."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} is a number, got {brief(value)}")
    bounds = [
        ("at least", at_least, operator.ge),
        ("more than", more_than, operator.gt),
        ("at most", at_most, operator.le),
        ("less than", less_than, operator.lt),
    ]
    limits = [(text, bound, holds) for text, bound, holds in bounds if bound is not None]
    if not _is_finite(value) or not all(holds(value, bound) for _, bound, holds in limits):
        texts = [f"{text} {bound:g}" for text, bound, _ in limits] or ["finite"]
        raise ValueError(f"{name} is {' and '.join(texts)}, got {brief(value)}")
    return float(value)


def plain(name: str, value: Any) -> float:
    """`value` as a float, finite or not; raises TypeError unless it is a number that floats hold."""
    try:
        if isinstance(value, Real):
            return float(value)
    except OverflowError:
        pass  # an integer beyond the floats
    raise TypeError(f"{name} is a number, got {brief(value)}")


def integer(name: str, value: Any, at_least: int = 1, at_most: int = 2**63 - 1) -> int:
    """`value` as an int; raises unless it is an integer within the bounds."""
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(f"{name} is an integer of at least {at_least}, got {brief(value)}")
    whole = int(value)
    if whole < at_least:
        raise ValueError(f"{name} is at least {at_least}, got {brief(value)}")
    if whole > at_most:
        raise ValueError(f"{name} is at most {at_most:,}, got {brief(value)}")
    return whole


def one_of(name: str, value: Any, *choices: Any) -> None:
    """Raise ValueError unless `value` is one of the choices, and of its type."""
    if not any(type(value) is type(one) and value == one for one in choices):
        texts = [repr(one) for one in choices]
        raise ValueError(f"{name} is {', '.join(texts[:-1])} or {texts[-1]}, got {brief(value)}")


def items(name: str, value: Any) -> tuple[Any, ...]:
    """`value` as a tuple; raises unless it is a list or the like, of at most a million items."""
    if isinstance(value, (str, bytes, dict)) or not (
        isinstance(value, Iterable) and isinstance(value, Sized)
    ):
        raise TypeError(f"{name} is a list, got {brief(value)}")
    if len(value) > MOST_ITEMS:
        raise ValueError(f"{name} has at most {MOST_ITEMS:,} items, got {len(value):,}")
    return tuple(value)


def several(name: str, value: Any) -> tuple[Any, ...]:
    """The items of a list or a range, or the value itself as the only one."""
    if isinstance(value, (list, tuple, range)):
        return items(name, value)
    return (value,)


def brief(value: Any) -> str:
    """A value as messages show it: at most 80 characters, of however large a value."""
    try:
        text = _short.repr(value)
    except ValueError:  # Python writes no integer of more than 4,300 digits
        return f"a {type(value).__name__} too long to show"
    return text if len(text) <= 80 else text[:77] + "..."


def _is_finite(value: Real) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer beyond the floats
        return False


def _name(part: Any, field: str) -> str:
    return f"{type(part).__name__} {field}"
