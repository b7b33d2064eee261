"""Choosing a class by scores, where scores that are no numbers choose none."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

NO_CLASS = -1


def likeliest(scores: NDArray[Any]) -> NDArray[np.int64]:
    """The place of the highest score along the last axis.

    It is −1 where a score is NaN or +∞, of which nothing follows, or where all are −∞.
    """
    best = scores.max(axis=-1)
    return np.where(np.isfinite(best), scores.argmax(axis=-1), NO_CLASS)
