"""Minimising a smooth convex function by L-BFGS."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Function = Callable[[Floats], tuple[float, Floats]]
"""The value and the gradient at a point."""

STEPS = 100
PAIRS = 10
TOLERANCE = 1e-7
"""Relative decrease below which the search ends."""
_SUFFICIENT = 1e-4
_HALVINGS = 30


def minimise(function: Function, start: Floats, precondition: Callable[[Floats], Floats]) -> Floats:
    """The point that L-BFGS (Nocedal & Wright 2006, algorithm 7.4) reaches from `start`.

    precondition: an approximation of the inverse Hessian, applied to a gradient. For a quadratic
    function and its exact inverse Hessian the first step reaches the minimum. At most `STEPS` steps
    with the last `PAIRS` pairs of differences; each step is halved until the value decreases enough.
    """
    point, pairs = start, list[tuple[Floats, Floats]]()
    value, gradient = function(point)
    for _ in range(STEPS):
        direction = -_inverse_hessian(gradient, pairs, precondition)
        slope = float((gradient * direction).sum())
        moved = _line_search(function, point, value, direction, slope) if slope < 0 else None
        if moved is None:
            break
        new_point, new_value, new_gradient = moved
        step, change = new_point - point, new_gradient - gradient
        if float((step * change).sum()) > 0:
            pairs = [*pairs, (step, change)][-PAIRS:]
        decrease = value - new_value
        point, value, gradient = new_point, new_value, new_gradient
        if decrease <= TOLERANCE * (abs(value) + 1e-12):
            break
    return point


def _inverse_hessian(
    gradient: Floats, pairs: list[tuple[Floats, Floats]], precondition: Callable[[Floats], Floats]
) -> Floats:
    """The two-loop recursion."""
    rest, weights = gradient, list[float]()
    for step, change in reversed(pairs):
        weight = float((step * rest).sum()) / float((step * change).sum())
        rest = rest - weight * change
        weights.append(weight)
    result = precondition(rest)
    for (step, change), weight in zip(pairs, reversed(weights), strict=True):
        back = float((change * result).sum()) / float((step * change).sum())
        result = result + (weight - back) * step
    return result


def _line_search(
    function: Function, point: Floats, value: float, direction: Floats, slope: float
) -> tuple[Floats, float, Floats] | None:
    """The first of the steps 1, ½, ¼ … that decreases the value enough (Armijo 1966)."""
    length = 1.0
    for _ in range(_HALVINGS):
        moved = point + length * direction
        new_value, gradient = function(moved)
        if new_value <= value + _SUFFICIENT * length * slope:
            return moved, new_value, gradient
        length /= 2
    return None
