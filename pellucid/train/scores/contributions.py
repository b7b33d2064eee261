"""What each row contributes to a metric: its influence.

A metric m of n rows is a smooth function of means over rows. The influence ψ_i is its derivative for
the weight of row i (the infinitesimal jackknife: Efron 1981; for the area under the curve: DeLong et
al. 1988), with mean 0. Then m is about normal with the standard error √(Σψ² / n) / √n. The difference
of two metrics on the same rows has the influence ψ − ψ', which makes its interval a paired one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from pellucid.data.class_scores import most_probable_class
from pellucid.graph import Array
from pellucid.train import metrics

SHARES = ("accuracy", "balanced_accuracy", "auc")
"""Metrics from 0 to 1."""

UPWARDS = (*SHARES, "r2")
"""Metrics of which more is better."""


@dataclass(frozen=True, eq=False)
class Measured:
    """A metric's value, the influence (n,) of each row, and the size of its sample at the extremes.

    value: None, as influence, where it is not defined. extreme_rows: of a share that is 0 or 1, how
    many independent rows it is like the share of.
    """

    value: float | None
    influence: Array | None = None
    extreme_rows: float = 0.0

    @property
    def variance(self) -> float | None:
        """The squared standard error; None where it is not defined."""
        if self.value is None or self.influence is None or not np.isfinite(self.influence).all():
            return None
        return float((self.influence**2).mean()) / len(self.influence)


def of_classes(codes: Array, probabilities: Array) -> dict[str, Measured]:
    """The metrics of `metrics.classification` with influences."""
    values = metrics.classification(codes, probabilities)
    hit = (most_probable_class(probabilities) == codes).astype(np.float64)
    own = probabilities[np.arange(len(codes)), codes].astype(np.float64)
    losses = -np.log(np.clip(own, np.finfo(np.float64).eps, 1.0))
    balanced, extreme = _balanced(codes, hit)
    measured = {
        "accuracy": (hit - hit.mean(), float(len(codes))),
        "balanced_accuracy": (balanced, extreme),
        "log_loss": (losses - losses.mean(), 0.0),
        "auc": _areas(codes, probabilities) if values["auc"] is not None else (None, 0.0),
    }
    return _joined(values, measured)


def of_values(truth: Array, predictions: Array) -> dict[str, Measured]:
    """The metrics of `metrics.regression` with influences."""
    values = metrics.regression(truth, predictions)
    y = np.asarray(truth, np.float64)
    error = np.asarray(predictions, np.float64) - y
    root, r2 = values["rmse"], values["r2"]
    with np.errstate(invalid="ignore", over="ignore"):
        square, size, spread = error**2, np.abs(error), (y - y.mean()) ** 2
        rooted = (square - square.mean()) / (2 * root) if root else np.zeros(len(y))
        explained = None if r2 is None else ((1 - r2) * spread - square) / spread.mean()
        measured = {
            "rmse": (rooted, 0.0),
            "mae": (size - size.mean(), 0.0),
            "r2": (explained, 0.0),
        }
    return _joined(values, measured)


def _joined(
    values: Mapping[str, float | None], rest: Mapping[str, tuple[Array | None, float]]
) -> dict[str, Measured]:
    return {name: Measured(value, *rest[name]) for name, value in values.items()}


def _balanced(codes: Array, hit: Array) -> tuple[Array, float]:
    """The influences on the mean recall over classes."""
    present, index, counts = np.unique(codes, return_inverse=True, return_counts=True)
    recalls = np.bincount(index, hit) / counts
    shares = counts / len(codes)
    influence = (hit - recalls[index]) / (shares[index] * len(present))
    return influence, len(present) ** 2 / float((1 / counts).sum())


def _areas(codes: Array, probabilities: Array) -> tuple[Array, float]:
    """The influences on the area under the curve, or on the mean area over classes."""
    present = np.unique(codes)
    classes = [1] if probabilities.shape[1] == 2 else present.tolist()
    influences = [_area(codes == code, probabilities[:, code]) for code in classes]
    fewest = [min((codes == code).sum(), (codes != code).sum()) for code in classes]
    extreme = len(fewest) ** 2 / float(sum(1 / few for few in fewest))
    return np.mean(influences, axis=0), extreme


def _area(positive: Array, scores: Array) -> Array:
    """For each row the share of the other side that it is ranked rightly against, centred, weighted."""
    won = np.where(positive, _below(scores, scores[~positive]), 0.0)
    won[~positive] = 1 - _below(scores[~positive], scores[positive])
    area = won[positive].mean()
    share = np.where(positive, positive.mean(), (~positive).mean())
    return np.asarray((won - area) / share)


def _below(scores: Array, others: Array) -> Array:
    """For each score the share of the others below it, ties counting half."""
    order = np.sort(others)
    left, right = np.searchsorted(order, scores, "left"), np.searchsorted(order, scores, "right")
    return np.asarray((left + right) / (2 * len(order)))
