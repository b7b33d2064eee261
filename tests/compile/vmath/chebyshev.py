"""Near-minimax polynomials: interpolation at the zeros of a Chebyshev polynomial."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath as mp


def interpolation(
    function: Callable[[Any], Any], low: float, high: float, count: int
) -> tuple[float, ...]:
    """The coefficients of 1, x, x², … of the polynomial that equals a function at `count` nodes."""
    with mp.workprec(400):
        middle, half = (mp.mpf(low) + high) / 2, (mp.mpf(high) - low) / 2
        nodes = [middle + half * mp.cos(mp.pi * (2 * i + 1) / (2 * count)) for i in range(count)]
        # Newton's divided differences, then multiplied out.
        table = [function(node) for node in nodes]
        for depth in range(1, count):
            for i in range(count - 1, depth - 1, -1):
                table[i] = (table[i] - table[i - 1]) / (nodes[i] - nodes[i - depth])
        coefficients = [table[-1]]
        for i in range(count - 2, -1, -1):
            shifted = [mp.mpf(0), *coefficients]
            for power, value in enumerate(coefficients):
                shifted[power] -= nodes[i] * value
            shifted[0] += table[i]
            coefficients = shifted
        return tuple(float(value) for value in coefficients)
