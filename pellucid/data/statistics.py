"""The mean and standard deviation of numbers, exact where all are equal."""

import numpy as np
from numpy.typing import NDArray


def mean_and_std(values: NDArray[np.float64]) -> tuple[float, float]:
    """Σx / n and √(Σ(x − mean)² / n) of one number or more; (x, 0) where all equal x.

    The computed mean of equal numbers may differ from them by a rounding error. Their standard
    deviation would then be that error, and to divide by it would give noise.
    """
    if values.min() == values.max():
        return float(values[0]), 0.0
    return float(values.mean()), float(values.std())
