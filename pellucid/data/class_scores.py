"""From scores of the classes to a class, where scores may not be finite."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

NO_CLASS = -1
"""The class of a row whose scores determine none."""


def most_probable_class(scores: NDArray[Any]) -> NDArray[np.int64]:
    """The index of the highest score along the last axis, from scores (…, classes), shape (…).

    It is `NO_CLASS` (−1) where a score is NaN or +∞, or where all are −∞.
    """
    best = scores.max(axis=-1)
    return np.where(np.isfinite(best), scores.argmax(axis=-1), NO_CLASS)
