"""95% intervals of metrics and of differences between two predictors on the same rows.

They hold for rows drawn like these, with the networks as they are.
"""

from __future__ import annotations

import math

import numpy as np

from pellucid.train.scores.contributions import SHARES, UPWARDS, Measured

Z = 1.959963984540054
"""The normal quantile of 97.5%."""

LEAST_ROWS = 10
"""The fewest rows with an interval."""

Interval = tuple[float, float]


def interval_of(name: str, measured: Measured) -> Interval | None:
    """The interval of a metric; None where it has no finite value, and below `LEAST_ROWS` rows.

    Shares: the score interval (Wilson 1927) with the rows of a simple random sample of the same
    standard error (Franco et al. 2019), for accuracy the rows themselves. Others: value ± 1.96 standard
    errors, losses being at least 0.
    """
    value, variance = measured.value, measured.variance
    if value is None or variance is None or not math.isfinite(value):
        return None
    if len(measured.influence if measured.influence is not None else ()) < LEAST_ROWS:
        return None
    if name in SHARES:
        return wilson(value, _effective_rows(measured, value, variance))
    half = Z * math.sqrt(variance)
    least, most = (-math.inf, 1.0) if name == "r2" else (0.0, math.inf)
    return max(value - half, least), min(value + half, most)


def _effective_rows(measured: Measured, value: float, variance: float) -> float:
    rows = 0 if measured.influence is None else len(measured.influence)
    if variance <= 0 or not 0 < value < 1:
        return max(measured.extreme_rows, 1.0)
    return min(value * (1 - value) / variance, float(rows))


def wilson(share: float, rows: float) -> Interval:
    """The score interval of a share p of n rows: (p + z²/2n ± z √(p(1 − p)/n + z²/4n²)) / (1 + z²/n)."""
    centre = share + Z**2 / (2 * rows)
    half = Z * math.sqrt(share * (1 - share) / rows + Z**2 / (4 * rows**2))
    scale = 1 + Z**2 / rows
    low = 0.0 if share <= 0 else max((centre - half) / scale, 0.0)
    high = 1.0 if share >= 1 else min((centre + half) / scale, 1.0)
    return low, high


def paired(name: str, ours: Measured, theirs: Measured) -> Interval | None:
    """The interval of ours − theirs on the same rows, signed so that more is better.

    For accuracy that of Agresti & Min 2005, which counts half a row more of each outcome of a pair;
    for others the difference ± 1.96 standard errors.
    """
    one, other = ours.influence, theirs.influence
    if one is None or other is None or ours.value is None or theirs.value is None:
        return None
    if len(one) < LEAST_ROWS:
        return None
    sign = 1.0 if name in UPWARDS else -1.0
    difference = sign * (ours.value - theirs.value)
    influence = sign * (one - other)
    if not math.isfinite(difference) or not np.isfinite(influence).all():
        return None
    rows, squares = len(influence), float((influence**2).sum())
    if name == "accuracy":
        total = difference * rows
        squares += rows * difference**2
        rows += 2
        difference = total / rows
        squares = squares + 1 - rows * difference**2
    half = Z * math.sqrt(max(squares, 0.0)) / rows
    return difference - half, difference + half
