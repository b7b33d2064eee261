"""Metrics against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as theirs

from pellucid.graph import Array
from pellucid.train import metrics


def drawn(seed: int, rows: int, classes: int, ties: bool) -> tuple[Array, Array]:
    dice = np.random.default_rng(seed)
    truth = dice.integers(0, classes, rows)
    chances = dice.dirichlet(np.ones(classes), rows)
    if ties:
        chances = np.round(chances * 3 + 0.5)
        chances /= chances.sum(axis=1, keepdims=True)
    return truth, chances


@given(
    seed=st.integers(0, 10**6),
    rows=st.integers(2, 60),
    classes=st.integers(2, 5),
    ties=st.booleans(),
)
def test_classification(seed: int, rows: int, classes: int, ties: bool) -> None:
    truth, chances = drawn(seed, rows, classes, ties)
    found = metrics.classification(truth, chances)
    guess = chances.argmax(axis=1)
    present = np.unique(truth)
    assert found["accuracy"] == pytest.approx(theirs.accuracy_score(truth, guess))
    recalls = [float((guess[truth == label] == label).mean()) for label in present]
    assert found["balanced_accuracy"] == pytest.approx(np.mean(recalls))
    logs = theirs.log_loss(truth, np.clip(chances, 1e-15, 1), labels=range(classes))
    assert found["log_loss"] == pytest.approx(logs, rel=1e-6)
    if len(present) < classes:
        return
    if classes == 2:
        expected = theirs.roc_auc_score(truth, chances[:, 1])
    else:
        expected = theirs.roc_auc_score(truth, chances, multi_class="ovr")
    assert found["auc"] == pytest.approx(expected, abs=1e-9)


def test_one_class_has_no_auc() -> None:
    found = metrics.classification(np.zeros(5, int), np.full((5, 2), 0.5))
    assert found["auc"] is None and found["accuracy"] is not None


@given(seed=st.integers(0, 10**6), rows=st.integers(2, 80), scale=st.sampled_from([1e-6, 1, 1e6]))
def test_regression(seed: int, rows: int, scale: float) -> None:
    dice = np.random.default_rng(seed)
    truth = dice.normal(size=rows) * scale + scale
    guess = truth + dice.normal(size=rows) * scale / 3
    found = metrics.regression(truth, guess)
    assert found["rmse"] == pytest.approx(theirs.root_mean_squared_error(truth, guess))
    assert found["mae"] == pytest.approx(theirs.mean_absolute_error(truth, guess))
    assert found["r2"] == pytest.approx(theirs.r2_score(truth, guess))


def test_a_constant_target_has_no_r2() -> None:
    assert metrics.regression(np.ones(4), np.zeros(4))["r2"] is None
