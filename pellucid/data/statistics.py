"""The mean and standard deviation of numbers, exact where all are equal."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

LARGEST = 1e120
"""The bound of numbers in statistics; sums of squares of smaller ones do not overflow."""


def bounded(values: NDArray[Any]) -> NDArray[np.float64]:
    """The numbers within ±`LARGEST`, float64; NaN stays."""
    return np.clip(values.astype(np.float64), -LARGEST, LARGEST)


def mean_and_std(values: NDArray[np.float64]) -> tuple[float, float]:
    """Σx / n and √(Σ(x − mean)² / n) of one number or more; (x, 0) where all equal x.

    The computed mean of equal numbers may differ from them by a rounding error. Their standard
    deviation would then be that error, and to divide by it would give noise.
    """
    if values.min() == values.max():
        return float(values[0]), 0.0
    return float(values.mean()), float(values.std())
