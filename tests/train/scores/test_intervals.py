"""Influences and intervals beside derivatives, published formulas and SciPy."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    log_loss,
    mean_absolute_error,
    mean_squared_error,
    r2_score,
    roc_auc_score,
)

from pellucid.graph import Array
from pellucid.train.scores.contributions import Measured, of_classes, of_values
from pellucid.train.scores.interval import LEAST_ROWS, interval_of, paired

RNG = np.random.default_rng(0)
ROWS = 60
STEP = 1e-5


def predicted(classes: int) -> tuple[Array, Array]:
    """Codes and probabilities that know something of them."""
    codes = np.random.default_rng(classes).integers(0, classes, ROWS)
    logits = np.random.default_rng(9).normal(size=(ROWS, classes)) + (
        codes[:, None] == np.arange(classes)
    )
    chances = np.exp(logits)
    return codes, chances / chances.sum(axis=1, keepdims=True)


def derivatives(metric: Callable[[Array], float]) -> Array:
    """n · dm/dw_i at equal weights, by central differences."""
    weights = np.ones((ROWS, ROWS)) + STEP * np.eye(ROWS)
    lower = 2 - weights
    pairs = zip(weights, lower, strict=True)
    return np.array([(metric(up) - metric(down)) / (2 * STEP) * ROWS for up, down in pairs])


@pytest.mark.parametrize("classes", [2, 4])
def test_influences_on_metrics_of_classes_are_derivatives(classes: int) -> None:
    codes, chances = predicted(classes)
    best = chances.argmax(axis=1)
    scores = chances[:, 1] if classes == 2 else chances
    reference: dict[str, Callable[[Array], float]] = {
        "accuracy": lambda w: accuracy_score(codes, best, sample_weight=w),
        "balanced_accuracy": lambda w: balanced_accuracy_score(codes, best, sample_weight=w),
        "log_loss": lambda w: log_loss(codes, chances, sample_weight=w),
        "auc": lambda w: roc_auc_score(codes, scores, multi_class="ovr", sample_weight=w),
    }
    measured = of_classes(codes, chances)
    assert set(measured) == set(reference)
    for name, metric in reference.items():
        assert measured[name].value == pytest.approx(metric(np.ones(ROWS)))
        influence = measured[name].influence
        assert influence is not None
        np.testing.assert_allclose(influence, derivatives(metric), atol=1e-4, err_msg=name)


def test_influences_on_metrics_of_values_are_derivatives() -> None:
    truth = RNG.normal(size=ROWS)
    guess = truth + RNG.normal(size=ROWS)
    reference: dict[str, Callable[[Array], float]] = {
        "rmse": lambda w: math.sqrt(mean_squared_error(truth, guess, sample_weight=w)),
        "mae": lambda w: mean_absolute_error(truth, guess, sample_weight=w),
        "r2": lambda w: r2_score(truth, guess, sample_weight=w),
    }
    measured = of_values(truth, guess)
    assert set(measured) == set(reference)
    for name, metric in reference.items():
        influence = measured[name].influence
        assert influence is not None
        np.testing.assert_allclose(influence, derivatives(metric), atol=1e-4, err_msg=name)


def hits(right: int, rows: int) -> Measured:
    """The accuracy of predictions of which so many are right."""
    hit = np.arange(rows) < right
    return Measured(right / rows, hit - right / rows, float(rows))


@pytest.mark.parametrize("right", [0, 1, 37, 99, 100])
def test_the_interval_of_accuracy_is_wilsons(right: int) -> None:
    interval = interval_of("accuracy", hits(right, 100))
    expected = binomtest(right, 100).proportion_ci(0.95, method="wilson")
    assert interval == pytest.approx((expected.low, expected.high))


def test_the_variance_of_the_area_is_that_of_delong() -> None:
    codes, chances = predicted(2)
    scores, positive = chances[:, 1], codes == 1
    wins = (scores[positive][:, None] > scores[~positive]) * 1.0
    by_row, by_column = wins.mean(axis=1), wins.mean(axis=0)
    expected = by_row.var() / len(by_row) + by_column.var() / len(by_column)
    assert of_classes(codes, chances)["auc"].variance == pytest.approx(expected)


def test_losses_have_the_interval_of_a_mean() -> None:
    codes, chances = predicted(3)
    losses = -np.log(chances[np.arange(ROWS), codes])
    half = 1.959964 * losses.std() / math.sqrt(ROWS)
    interval = interval_of("log_loss", of_classes(codes, chances)["log_loss"])
    assert interval == pytest.approx((losses.mean() - half, losses.mean() + half))


@pytest.mark.parametrize("both", [10, 0])
def test_the_difference_of_accuracies_is_that_of_agresti_and_min(both: int) -> None:
    """Their formula from the counts of discordant pairs, b and c."""
    b, c, rows = 9, 2, 40
    ours = np.array([1] * (both + b) + [0] * (rows - both - b))
    theirs = np.array([1] * both + [0] * b + [1] * c + [0] * (rows - both - b - c))
    pair = [Measured(float(hit.mean()), hit - hit.mean(), rows) for hit in (ours, theirs)]
    n = rows + 2
    difference = (b - c) / n
    error = math.sqrt((b + c + 1) - (b - c) ** 2 / n) / n
    expected = (difference - 1.959964 * error, difference + 1.959964 * error)
    assert paired("accuracy", *pair) == pytest.approx(expected)


def test_less_loss_is_a_difference_above_zero() -> None:
    truth = RNG.normal(size=200)
    good, bad = of_values(truth, truth * 0.9), of_values(truth, np.zeros(200))
    for name in ("rmse", "mae", "r2"):
        interval = paired(name, good[name], bad[name])
        assert interval is not None and interval[0] > 0


@pytest.mark.parametrize("wild", [np.nan, np.inf])
def test_what_is_not_finite_has_no_interval(wild: float) -> None:
    truth = RNG.normal(size=20)
    measured = of_values(truth, np.where(np.arange(20) == 3, wild, truth))
    assert all(interval_of(name, each) is None for name, each in measured.items())
    assert paired("rmse", measured["rmse"], of_values(truth, truth)["rmse"]) is None


def test_few_rows_have_no_interval() -> None:
    few = hits(3, LEAST_ROWS - 1)
    assert interval_of("accuracy", few) is None and paired("accuracy", few, few) is None


@pytest.mark.parametrize("share", [0.5, 0.9])
def test_intervals_hold_the_truth_as_often_as_they_say(share: float) -> None:
    """Of 2,000 samples of accuracy and of R² about 95% hold the value of the population."""
    dice = np.random.default_rng(int(share * 10))
    held = {"accuracy": 0, "r2": 0}
    for _ in range(2_000):
        hit = dice.random(80) < share
        low, high = interval_of("accuracy", Measured(float(hit.mean()), hit - hit.mean(), 80)) or (
            1,
            0,
        )
        held["accuracy"] += low <= share <= high
        x, noise = dice.normal(size=(2, 200))
        y = math.sqrt(share) * x + math.sqrt(1 - share) * noise
        low, high = interval_of("r2", of_values(y, math.sqrt(share) * x)["r2"]) or (1, 0)
        held["r2"] += low <= share <= high
    assert all(0.925 < count / 2_000 < 0.975 for count in held.values()), held
