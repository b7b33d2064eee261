"""The sentence on how good a model is."""

from __future__ import annotations

import re

import numpy as np
import pytest
from sklearn.metrics import r2_score

from pellucid.graph import Array
from pellucid.train.scores import compared
from pellucid.train.scores.contributions import of_classes, of_values
from pellucid.train.scores.report import Scores, class_scores, value_scores
from pellucid.train.scores.sentence import percent

DICE = np.random.default_rng(0)


def of(codes: Array, ours: Array, linear: Array | None = None) -> Scores:
    """The scores of probabilities of the second class, beside those of a linear model."""
    pairs = [np.stack([1 - p, p], axis=1) for p in (ours, ours if linear is None else linear)]
    shares = np.tile(compared.class_shares(np.bincount(codes, minlength=2)), (len(codes), 1))
    rivals = [
        compared.constant_classes(codes, shares, "No"),
        compared.linear_rival(of_classes(codes, pairs[1]), True, 100, 200),
    ]
    return class_scores(codes, pairs[0], ["No", "Yes"], rivals, "No")


def test_a_good_classification() -> None:
    codes = np.arange(200) % 3 // 2
    said = of(codes, np.where(np.arange(200) < 10, 1 - codes, codes) * 0.9 + 0.05)
    assert said.sentence == (
        "95.0% of rows are predicted correctly, against 67.0% by always saying No and 95.0% by a "
        "linear model (no clear difference)."
    )
    assert "of 100 of the 200 training rows" in said.baselines["linear"]


def test_no_better_than_the_majority() -> None:
    codes = DICE.integers(0, 10, 300) // 9
    chance = DICE.random(300) * 0.2
    said = of(codes, chance)
    assert said.sentence.startswith("No better than always saying No: ")
    assert "tell rows apart" not in said.sentence
    assert said.sentence.endswith(f"It finds none of the {codes.sum()} rows of Yes.")


def test_probabilities_that_are_better_than_the_labels() -> None:
    codes = DICE.integers(0, 10, 500) // 9
    said = of(codes, np.clip(codes * 0.3 + DICE.random(500) * 0.15, 0, 1))
    assert said.sentence.startswith("No better than always saying No: ")
    assert "Its probabilities do tell rows apart (AUC 1.000)." in said.sentence


def test_worse_than_the_majority() -> None:
    codes = np.arange(200) % 3 // 2
    said = of(codes, 1 - codes * 0.8 - 0.1, codes * 0.8 + 0.1)
    assert said.sentence.startswith("Worse than always saying No: 0% of rows")
    assert said.sentence.endswith("; a linear model gets 100%, which is better.")


@pytest.mark.parametrize(
    ("noise", "linear", "expected"),
    [
        (0.3, 0.6, r"Explains \S+% of the variance; a linear model explains \S+%\."),
        (0.6, 0.3, r"Explains .*; a linear model explains \S+%, which is better\."),
        (0.3, 0.3, r"Explains .*; a linear model explains \S+% \(no clear difference\)\."),
        (2.0, 2.0, r"Worse than always saying the mean \(R² -\S+\)\."),
        (2.0, 0.5, r"Worse than .*\); a linear model gets \S+%, which is better\."),
    ],
)
def test_regressions(noise: float, linear: float, expected: str) -> None:
    truth = DICE.normal(size=400)
    ours, theirs = truth + noise * DICE.normal(size=400), truth + linear * DICE.normal(size=400)
    mean = np.full(400, truth.mean())
    rivals = [
        compared.constant_value(truth, mean, mean),
        compared.linear_rival(of_values(truth, theirs), False, 400, 400),
    ]
    scores = value_scores(truth, ours, rivals)
    assert re.fullmatch(expected, scores.sentence), scores.sentence
    assert scores.metrics[2].value == pytest.approx(r2_score(truth, ours))
    constant = scores.metrics[0].baselines["constant"].value
    assert constant == pytest.approx(float(truth.std()))


def test_predictions_that_are_not_finite() -> None:
    truth = DICE.normal(size=50)
    for wild in (np.nan, np.inf):
        said = value_scores(truth, np.where(truth > 0, wild, truth), [])
        assert said.sentence == "Some predictions are NaN or infinite."


def test_too_few_rows_for_a_judgement() -> None:
    codes = np.array([0, 1, 1])
    said = of(codes, codes * 0.8 + 0.1)
    assert said.sentence == "3 rows are too few to say how good the model is."
    assert all(score.interval is None for score in said.metrics)


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.0, "0%"),
        (1.0, "100%"),
        (0.97, "97.0%"),
        (0.9999, "more than 99.9%"),
        (1e-5, "less than 0.1%"),
        (0.1234, "12.3%"),
    ],
)
def test_percentages(share: float, text: str) -> None:
    assert percent(share) == text
