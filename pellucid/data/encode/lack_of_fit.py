"""The lack-of-fit test that decides which numbers get an indicator for each value.

A network fits smooth functions of a number easily and jagged ones poorly. Bikes rented by hour of day,
for example, peak at 8 and at 17. For n rows with k distinct values, the lack-of-fit test (Draper &
Smith 1998, section 2.1) compares the residual sum of squares of a cubic with that of the group means:

    F = ((SS_cubic - SS_means) / (k - 4)) / (SS_means / (n - k))

If the cubic holds, (k - 4) F is about χ² with k - 4 degrees of freedom. Below 6 distinct values a
straight line takes the place of the cubic, with k - 2 degrees of freedom.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pellucid.data.statistics import mean_and_std

MOST_VALUES = 31
"""The most distinct values with an indicator each: hours, months, days of a month."""

ROWS_EACH = 20
"""The fewest rows for each value, on average."""

CRITICAL_VALUE = 3.09
"""Normal quantile of the test at the significance level 0.001."""


def indicator_values(
    values: NDArray[np.float64], response: NDArray[np.float64]
) -> tuple[float, ...]:
    """The values that should have an indicator each, ascending; () if the test does not reject.

    `values` (n,) has no missing values. `response` (n, m) holds m responses; one that rejects is
    enough.
    """
    levels = np.unique(values)
    count = len(levels)
    if not 3 <= count <= MOST_VALUES or len(values) < ROWS_EACH * count:
        return ()
    if (levels != np.floor(levels)).any():
        return ()
    degree = 3 if count >= 6 else 1
    freedom = count - degree - 1
    ratios = [_lack_of_fit(values, levels, column, degree) for column in response.T]
    return tuple(float(v) for v in levels) if max(ratios) * freedom > _quantile(freedom) else ()


def _lack_of_fit(
    values: NDArray[np.float64],
    levels: NDArray[np.float64],
    target: NDArray[np.float64],
    degree: int,
) -> float:
    """The F ratio of one response (n,); 0 for a constant response."""
    codes = np.searchsorted(levels, values)
    rows = np.bincount(codes)
    centred = target - mean_and_std(target)[0]
    means = np.bincount(codes, centred) / rows
    pure_error = float(((centred - means[codes]) ** 2).sum())
    mean, deviation = mean_and_std(levels)
    x = (levels - mean) / (deviation or 1.0)
    weights = np.sqrt(rows)
    powers = [x**power * weights for power in range(degree + 1)]
    lack = float((_residuals(means * weights, powers) ** 2).sum())
    total = float((centred**2).sum())
    noise = max(pure_error, 1e-9 * total) / (len(values) - len(levels))
    return lack / (len(levels) - degree - 1) / noise if total > 0 else 0.0


def _residuals(
    values: NDArray[np.float64], columns: Sequence[NDArray[np.float64]]
) -> NDArray[np.float64]:
    """The residuals of least squares, by Gram-Schmidt with reorthogonalisation.

    Not by LAPACK, whose sums depend on the number of processors.
    """
    directions: list[NDArray[np.float64]] = []
    for column in columns:
        residual = _orthogonalised(_orthogonalised(column, directions), directions)
        directions.append(residual / np.sqrt((residual * residual).sum()))
    return _orthogonalised(_orthogonalised(values, directions), directions)


def _orthogonalised(
    values: NDArray[np.float64], directions: Sequence[NDArray[np.float64]]
) -> NDArray[np.float64]:
    """The values minus their projections onto orthonormal directions."""
    for direction in directions:
        values = values - direction * (direction * values).sum()
    return values


def _quantile(freedom: int) -> float:
    """The χ² quantile at the level of `CRITICAL_VALUE`, by Wilson & Hilferty 1931."""
    step = 2.0 / (9.0 * freedom)
    return float(freedom * (1.0 - step + CRITICAL_VALUE * math.sqrt(step)) ** 3)
