"""The mean and the deviation of numbers, exact where all are equal."""

import numpy as np
from numpy.typing import NDArray


def mean_and_deviation(values: NDArray[np.float64]) -> tuple[float, float]:
    """Σx / n and √(Σ(x − mean)² / n) of one number or more; (x, 0) where all are x.

    A sum of equal numbers is rounded, so its mean may be a bit beside them: their deviation would be
    that bit, which is no scale to divide by.
    """
    if values.min() == values.max():
        return float(values[0]), 0.0
    return float(values.mean()), float(values.std())
