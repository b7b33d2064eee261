"""How good predictions are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pellucid.data.class_scores import most_probable_class
from pellucid.data.statistics import mean_and_std
from pellucid.graph import Array

Floats = NDArray[np.float64]
_TINY = float(np.finfo(np.float64).eps)


def classification(codes: Array, probabilities: Array) -> dict[str, float | None]:
    """accuracy, balanced_accuracy, log_loss and auc.

    codes: true classes 0 … C − 1, shape (n,). probabilities: (n, C), rows sum to 1.
    auc: area under the ROC curve; for more than two classes the mean of each against the rest over
    the classes that occur. None where only one class occurs. A row whose probabilities are not
    numbers counts as wrong, and makes log_loss NaN and auc None.
    """
    hit = most_probable_class(probabilities) == codes
    present = np.unique(codes)
    recalls = [float(hit[codes == code].mean()) for code in present]
    return {
        "accuracy": float(hit.mean()),
        "balanced_accuracy": float(np.mean(recalls)),
        "log_loss": log_loss(codes, probabilities),
        "auc": _auc(codes, probabilities, present),
    }


def log_loss(codes: Array, probabilities: Array) -> float:
    """−mean log p of the true class, with p at least the smallest step of float64."""
    p = probabilities[np.arange(len(codes)), codes].astype(np.float64)
    return float(-np.log(np.clip(p, _TINY, 1.0)).mean())


def _auc(codes: Array, probabilities: Array, present: Array) -> float | None:
    if len(present) < 2 or not np.isfinite(probabilities).all():
        return None
    if probabilities.shape[1] == 2:
        return area_under_curve(codes == 1, probabilities[:, 1])
    areas = [area_under_curve(codes == code, probabilities[:, code]) for code in present]
    return float(np.mean(areas))


def area_under_curve(positive: Array, scores: Array) -> float:
    """P(a positive scores above a negative), ties counting half (Mann & Whitney 1947)."""
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    ranks = (ends - (counts - 1) / 2)[inverse]
    wins = int(positive.sum())
    losses = len(positive) - wins
    return float((ranks[positive].sum() - wins * (wins + 1) / 2) / (wins * losses))


def regression(values: Array, predictions: Array) -> dict[str, float | None]:
    """rmse, mae and r2 (None where all values are equal)."""
    truth = np.asarray(values, np.float64)
    error = np.asarray(predictions, np.float64) - truth
    spread = float(((truth - mean_and_std(truth)[0]) ** 2).sum())
    return {
        "rmse": float(np.sqrt((error**2).mean())),
        "mae": float(np.abs(error).mean()),
        "r2": 1 - float((error**2).sum()) / spread if spread > 0 else None,
    }
