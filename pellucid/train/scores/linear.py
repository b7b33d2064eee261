"""The linear baseline: ridge or logistic regression on the features of a network.

With features x (the prepared columns), f(x) = W x + b, and λ = 1, W and b minimise

    ½ Σ (f(x) − y)² + ½ λ ‖W‖²              ridge regression (Hoerl & Kennard 1970), y standardised
    −Σ log softmax(f(x))_y + ½ λ ‖W‖²       logistic regression (le Cessie & van Houwelingen 1992)

b is not penalised. λ = 1 is the usual default for standardised features (scikit-learn). Two classes have
one logit, that of the second.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pellucid.data.class_scores import probabilities
from pellucid.data.impute import inverse
from pellucid.graph import Array
from pellucid.train.scores.minimise import Floats, minimise

PENALTY = 1.0

MOST_NUMBERS = 20_000_000
"""The most rows × features that it learns from; of more rows an even sample is taken."""

MOST_WORK = 100_000_000
"""The most rows × features × outputs, over all networks; of more rows an even sample is taken."""

MOST_PRECONDITIONED = 512
"""The most features with a full preconditioner."""

_GRAM_WORK = 200_000_000


@dataclass(frozen=True, eq=False)
class LinearModel:
    """Weights (outputs, features + 1), float32, the last column being b.

    rows: how many rows it learned from.
    """

    weights: Array
    rows: int

    def outputs(self, features: Array) -> Floats:
        """f(x), float64, shape (n, outputs), for features (n, d)."""
        weights = self.weights.astype(np.float64)
        values = np.einsum("nd,kd->nk", features.astype(np.float64), weights[:, :-1])
        return np.asarray(values + weights[:, -1])


def fit_linear(features: Array, target: Array, classes: int, networks: int = 1) -> LinearModel:
    """The linear model of features (n, d) for class codes or standardised values (n,).

    classes: their number, 0 for a regression. networks: how many such models share `MOST_WORK`.
    The sums are einsum's, so that the result does not depend on the number of threads.
    """
    outputs = 1 if classes in (0, 2) else classes
    each = min(MOST_NUMBERS, MOST_WORK // (networks * outputs)) // (features.shape[1] + 1)
    chosen = _evenly(len(features), max(each, 2))
    x = np.ones((features.shape[1] + 1, len(chosen)))
    x[:-1] = features[chosen].T
    y = target[chosen]
    penalty = np.full(len(x), PENALTY)
    penalty[-1] = 0.0
    if classes:
        weights = _logistic(x, y.astype(np.int64), classes, penalty)
    else:
        weights = _ridge(x, y.astype(np.float64), penalty)
    return LinearModel(weights.astype(np.float32), len(chosen))


def _evenly(rows: int, most: int) -> Array:
    """All row numbers, or `most` that are evenly spaced."""
    return np.linspace(0, rows - 1, min(rows, most)).round().astype(np.int64)


def _ridge(x: Floats, y: Floats, penalty: Floats) -> Floats:
    def loss(weights: Floats) -> tuple[float, Floats]:
        error = np.einsum("kd,dn->kn", weights, x) - y
        gradient = np.einsum("kn,dn->kd", error, x) + penalty * weights
        return 0.5 * float((error**2).sum() + (penalty * weights**2).sum()), gradient

    start = np.zeros((1, len(x)))
    start[0, -1] = y.mean()
    return minimise(loss, start, _Preconditioner(x, penalty, 1.0))


def _logistic(x: Floats, codes: Array, classes: int, penalty: Floats) -> Floats:
    outputs = 1 if classes == 2 else classes
    rows = np.arange(len(codes))
    truth = np.zeros((len(codes), classes))
    truth[rows, codes] = 1.0

    def loss(weights: Floats) -> tuple[float, Floats]:
        chances = probabilities(np.einsum("kd,dn->kn", weights, x).T)
        error = np.ascontiguousarray((chances - truth)[:, -outputs:].T)
        gradient = np.einsum("kn,dn->kd", error, x) + penalty * weights
        true_chances = np.maximum(chances[rows, codes], np.finfo(np.float64).tiny)
        return float(-np.log(true_chances).sum() + 0.5 * (penalty * weights**2).sum()), gradient

    shares = (truth.sum(axis=0) + 1) / (len(codes) + classes)
    start = np.zeros((outputs, len(x)))
    start[:, -1] = (np.log(shares) - np.log(shares[0]))[-outputs:]
    curvature = float((shares * (1 - shares)).mean())
    return minimise(loss, start, _Preconditioner(x, penalty, curvature))


class _Preconditioner:
    """Multiplies by (c XᵀX + λI)⁻¹, or by that of its diagonal where there are many features."""

    def __init__(self, x: Floats, penalty: Floats, curvature: float) -> None:
        self._inverse: Floats | None = None
        self._diagonal = curvature * np.einsum("dn,dn->d", x, x) + penalty + 1e-9
        if len(x) <= MOST_PRECONDITIONED:
            rows = _evenly(x.shape[1], max(_GRAM_WORK // len(x) ** 2, 4 * len(x)))
            part = x if len(rows) == x.shape[1] else np.ascontiguousarray(x[:, rows])
            gram = np.einsum("in,jn->ij", part, part) * (curvature * x.shape[1] / len(rows))
            self._inverse = inverse(gram + np.diag(penalty + 1e-9))

    def __call__(self, gradient: Floats) -> Floats:
        if self._inverse is None:
            return np.asarray(gradient / self._diagonal)
        return np.asarray(np.einsum("kd,de->ke", gradient, self._inverse))
