"""Whether a few whole numbers should be told apart one by one, as the hours of a day should.

A network draws smooth curves through a number with ease, but jagged ones with difficulty: bikes
rented by hour of day peak at 8 and at 17. The test for lack of fit (Draper & Smith 1998, section
2.1) says where a curve will not do: among n rows with k different values it compares what a cubic
leaves unexplained with what the mean of each value leaves,

    F = ((SS_cubic - SS_means) / (k - 4)) / (SS_means / (n - k)),

and (k - 4) F is about χ² with k - 4 degrees of freedom where the cubic is right. With fewer than 6
values a straight line takes the place of the cubic, with k - 2.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pellucid.data.moments import mean_and_deviation

MOST_VALUES = 31
"""Different values up to which each may get an indicator: hours, months, days of a month."""

ROWS_EACH = 20
"""Rows that each value must have on average."""

SURE = 3.09
"""Normal quantile of the test: one column in a thousand gets indicators for nothing."""


def bends(values: NDArray[np.float64], signal: NDArray[np.float64]) -> tuple[float, ...]:
    """The values that should have an indicator each, ascending; () where the number is enough.

    `values` (n,) has no missing values; `signal` (n, m) is what is to be predicted, and one of its
    columns is reason enough.
    """
    levels = np.unique(values)
    count = len(levels)
    if not 3 <= count <= MOST_VALUES or len(values) < ROWS_EACH * count:
        return ()
    if (levels != np.floor(levels)).any():
        return ()
    degree = 3 if count >= 6 else 1
    freedom = count - degree - 1
    ratios = [_lack_of_fit(values, levels, column, degree) for column in signal.T]
    return tuple(float(v) for v in levels) if max(ratios) * freedom > _quantile(freedom) else ()


def _lack_of_fit(
    values: NDArray[np.float64],
    levels: NDArray[np.float64],
    target: NDArray[np.float64],
    degree: int,
) -> float:
    """The F ratio of one target (n,), 0 where the target does not vary."""
    place = np.searchsorted(levels, values)
    rows = np.bincount(place)
    centred = target - mean_and_deviation(target)[0]
    means = np.bincount(place, centred) / rows
    within = float(((centred - means[place]) ** 2).sum())
    mean, deviation = mean_and_deviation(levels)
    x = (levels - mean) / (deviation or 1.0)
    weights = np.sqrt(rows)
    powers = [x**power * weights for power in range(degree + 1)]
    lack = float((_unexplained(means * weights, powers) ** 2).sum())
    total = float((centred**2).sum())
    noise = max(within, 1e-9 * total) / (len(values) - len(levels))
    return lack / (len(levels) - degree - 1) / noise if total > 0 else 0.0


def _unexplained(
    values: NDArray[np.float64], columns: Sequence[NDArray[np.float64]]
) -> NDArray[np.float64]:
    """What least squares leaves of the values, by Gram & Schmidt, each step made twice.

    Not by LAPACK, whose sums depend on the processors that it finds.
    """
    directions: list[NDArray[np.float64]] = []
    for column in columns:
        rest = _without(_without(column, directions), directions)
        directions.append(rest / np.sqrt((rest * rest).sum()))
    return _without(_without(values, directions), directions)


def _without(
    values: NDArray[np.float64], directions: Sequence[NDArray[np.float64]]
) -> NDArray[np.float64]:
    """The values without their parts along orthogonal directions of length 1."""
    for direction in directions:
        values = values - direction * (direction * values).sum()
    return values


def _quantile(freedom: int) -> float:
    """The χ² quantile at `SURE`, by Wilson & Hilferty 1931."""
    step = 2.0 / (9.0 * freedom)
    return float(freedom * (1.0 - step + SURE * math.sqrt(step)) ** 3)
