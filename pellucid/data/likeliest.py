"""From scores of classes to probabilities and to a class; scores that are no numbers choose none."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

NO_CLASS = -1


def probabilities(outputs: NDArray[Any]) -> NDArray[np.float64]:
    """Softmax of logits (n, C), float64; one logit, (n,) or (n, 1), is that of the second of two."""
    logits = np.asarray(outputs, np.float64)
    if logits.ndim == 1 or logits.shape[1] == 1:
        logits = np.stack([np.zeros(len(logits)), logits.reshape(-1)], axis=1)
    with np.errstate(invalid="ignore"):
        shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(shifted / shifted.sum(axis=1, keepdims=True))


def likeliest(scores: NDArray[Any]) -> NDArray[np.int64]:
    """The index of the highest score along the last axis.

    It is −1 where a score is NaN or +∞, of which nothing follows, or where all are −∞.
    """
    best = scores.max(axis=-1)
    return np.where(np.isfinite(best), scores.argmax(axis=-1), NO_CLASS)
