"""The linear baseline beside scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge

from pellucid.data.class_scores import probabilities
from pellucid.graph import Array
from pellucid.train.scores import linear
from pellucid.train.scores.linear import PENALTY, fit_linear
from pellucid.train.scores.minimise import minimise


def features(rows: int, columns: int) -> Array:
    """Standard normal features, two of which are nearly the same."""
    x = np.random.default_rng(rows + columns).normal(size=(rows, columns))
    x[:, 1] = x[:, 0] + x[:, 1] / 100
    return x.astype(np.float32)


@pytest.mark.parametrize("shape", [(30, 2), (500, 20), (60, 300), (900, 600)])
def test_values_are_those_of_ridge_regression(shape: tuple[int, int]) -> None:
    x = features(*shape)
    y = x[:, 0] - x[:, -1] + np.random.default_rng(1).normal(size=shape[0])
    ours = fit_linear(x, y, 0).outputs(x)[:, 0]
    theirs = Ridge(PENALTY).fit(x.astype(np.float64), y).predict(x)
    np.testing.assert_allclose(ours, theirs, atol=2e-3)


@pytest.mark.parametrize("classes", [2, 3, 7])
@pytest.mark.parametrize("shape", [(40, 2), (600, 20), (80, 300)])
def test_probabilities_are_those_of_logistic_regression(
    shape: tuple[int, int], classes: int
) -> None:
    x = features(*shape)
    noise = np.random.default_rng(2).gumbel(size=(shape[0], classes))
    y = (noise + np.outer(x[:, 0], np.arange(classes))).argmax(axis=1)
    y[:classes] = np.arange(classes)
    ours = probabilities(fit_linear(x, y, classes).outputs(x))
    reference = LogisticRegression(C=1 / PENALTY, tol=1e-9, max_iter=10_000)
    theirs = reference.fit(x.astype(np.float64), y).predict_proba(x)
    np.testing.assert_allclose(ours, theirs, atol=5e-3)


def test_separable_classes_and_equal_values_stay_finite() -> None:
    x = features(50, 3)
    assert np.isfinite(fit_linear(x, (x[:, 0] > 0).astype(int), 2).weights).all()
    assert np.isfinite(fit_linear(x, np.zeros(50), 0).weights).all()
    assert np.isfinite(fit_linear(np.zeros((50, 3), np.float32), np.arange(50.0), 0).weights).all()


def test_of_many_rows_it_learns_from_a_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    x = features(1_000, 4)
    assert fit_linear(x, x[:, 0], 0).rows == 1_000
    monkeypatch.setattr(linear, "MOST_NUMBERS", 500)
    sampled = fit_linear(x, x[:, 0], 0)
    assert sampled.rows == 100
    np.testing.assert_allclose(sampled.outputs(x)[:, 0], x[:, 0], atol=0.1)


def test_the_same_rows_give_the_same_bits() -> None:
    x = features(300, 10)
    y = (x[:, 0] > 0.3).astype(int)
    assert fit_linear(x, y, 2).weights.tobytes() == fit_linear(x, y, 2).weights.tobytes()


def test_minimise_finds_the_minimum_of_a_valley() -> None:
    """Rosenbrock's function, which is not convex, from its usual start."""

    def valley(point: Array) -> tuple[float, Array]:
        a, b = point
        gradient = np.array([-400 * a * (b - a * a) - 2 * (1 - a), 200 * (b - a * a)])
        return 100 * (b - a * a) ** 2 + (1 - a) ** 2, gradient

    found = minimise(valley, np.array([-1.2, 1.0]), lambda gradient: gradient / 200)
    np.testing.assert_allclose(found, [1.0, 1.0], atol=1e-3)
