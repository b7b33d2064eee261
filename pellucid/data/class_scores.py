"""Scores of classes: the softmax of logits, and the most probable class."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

NO_CLASS = -1
"""The class of a row whose scores determine none."""


def probabilities(outputs: NDArray[Any]) -> NDArray[np.float64]:
    """The softmax of logits (n, classes), float64.

    A single logit, (n,) or (n, 1), is that of the second of two classes; that of the first is 0.
    """
    logits = np.asarray(outputs, np.float64)
    if logits.ndim == 1 or logits.shape[1] == 1:
        logits = np.stack([np.zeros(len(logits)), logits.reshape(-1)], axis=1)
    with np.errstate(invalid="ignore"):
        shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(shifted / shifted.sum(axis=1, keepdims=True))


def most_probable_class(scores: NDArray[Any]) -> NDArray[np.int64]:
    """The index of the highest score along the last axis, from scores (…, classes), shape (…).

    It is `NO_CLASS` (−1) where a score is NaN or +∞, or where all are −∞.
    """
    best = scores.max(axis=-1)
    return np.where(np.isfinite(best), scores.argmax(axis=-1), NO_CLASS)
