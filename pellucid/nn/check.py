"""Checks of settings, with messages that name the setting and its range."""

from __future__ import annotations

import math
from typing import Any


def positive(name: str, value: Any) -> None:
    """Raise unless `value` is an integer of at least 1."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} is an integer of at least 1, got {value!r}")
    if value < 1:
        raise ValueError(f"{name} is at least 1, got {value}")


def number(
    name: str, value: Any, low: float, high: float = math.inf, *, open_low: bool = False
) -> None:
    """Raise unless low ≤ value < high (low < value if `open_low`) and value is finite."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name} is a number, got {value!r}")
    inside = (low < value if open_low else low <= value) and value < high
    if not inside:
        left = f"more than {low:g}" if open_low else f"at least {low:g}"
        right = f" and less than {high:g}" if high < math.inf else ", and finite"
        raise ValueError(f"{name} is {left}{right}, got {value!r}")
