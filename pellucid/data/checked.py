"""Strict validation of plain JSON values.

Each function takes a value and its path `where`, such as "columns[3].mean". It returns the value with
its type narrowed, or raises a `ModelFileError` that names the path.
"""

import math
from collections.abc import Iterable

from pellucid.check import brief
from pellucid.errors import ModelFileError

MOST_ITEMS = 1_000_000
"""The largest number of items in a list; no file written by Pellucid has more."""


def refuse(where: str, wanted: str, value: object) -> ModelFileError:
    """The error that says what a value should be and what it is."""
    return ModelFileError(
        f"the preparation is damaged: {where} should be {wanted}, found {brief(value)}"
    )


def record(value: object, where: str, keys: Iterable[str]) -> dict[str, object]:
    """A mapping with exactly these keys."""
    if not isinstance(value, dict):
        raise refuse(where, "a mapping", value)
    wanted = set(keys)
    if set(value) != wanted:
        lacking = sorted(wanted - set(value))
        extra = sorted(str(key) for key in set(value) - wanted)
        problem = f"lacks {lacking}" if lacking else f"has the unknown entries {extra}"
        raise ModelFileError(f"the preparation is damaged: {where} {problem[:200]}")
    return value


def text(value: object, where: str) -> str:
    """A text."""
    if not isinstance(value, str):
        raise refuse(where, "a text", value)
    return value


def flag(value: object, where: str) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise refuse(where, "true or false", value)
    return value


def number(value: object, where: str) -> float:
    """A finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise refuse(where, "a number", value)
    try:
        result = float(value)
    except OverflowError:
        raise refuse(where, "a finite number", value) from None
    if not math.isfinite(result):
        raise refuse(where, "a finite number", value)
    return result


def positive(value: object, where: str) -> float:
    """A finite number above 0."""
    result = number(value, where)
    if result <= 0:
        raise refuse(where, "a number above 0", value)
    return result


def whole(value: object, where: str, least: int = 0) -> int:
    """A whole number, at least `least` and at most 2^53."""
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= 2**53:
        raise refuse(where, f"a whole number from {least} to 2^53", value)
    return value


def items(value: object, where: str) -> list[object]:
    """A list."""
    if not isinstance(value, list) or len(value) > MOST_ITEMS:
        raise refuse(where, "a list", value)
    return value


def texts(value: object, where: str) -> tuple[str, ...]:
    """A list of distinct texts."""
    result = tuple(text(item, f"{where}[{i}]") for i, item in enumerate(items(value, where)))
    if len(set(result)) != len(result):
        raise refuse(where, "a list of different texts", value)
    return result


def whole_numbers(value: object, where: str, least: int = 0) -> tuple[int, ...]:
    """A list of whole numbers, each at least `least` and at most 2^53."""
    return tuple(
        whole(item, f"{where}[{index}]", least) for index, item in enumerate(items(value, where))
    )


def numbers(value: object, where: str) -> tuple[float, ...]:
    """A list of finite numbers."""
    return tuple(number(item, f"{where}[{i}]") for i, item in enumerate(items(value, where)))
