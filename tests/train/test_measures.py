"""Measures are graph: the same as NumPy's, in chunks of any size, with ties, NaN and infinity."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import pellucid as pel
from pellucid import nn
from pellucid.data.class_scores import most_probable_class
from pellucid.graph import Tensor
from pellucid.train import measures
from pellucid.train.evaluator import mean_loss, network_evaluator, outputs_of
from pellucid.train.measures import Measure
from tests.train.runs import HELD, X, Y, fitted

RNG = np.random.default_rng(1)
ROWS = 23
LOGITS = RNG.normal(size=(ROWS, 4)).astype(np.float32)
CODES = RNG.integers(0, 4, ROWS).astype(np.int32)
NUMBERS = RNG.normal(size=ROWS).astype(np.float32)
NAN, INF = math.nan, math.inf

WILD = LOGITS.copy()
WILD[0] = 1.0
WILD[1, :2] = 9.0
WILD[2, 1] = NAN
WILD[3] = NAN
WILD[4, 2] = INF
WILD[5, :] = -INF
WILD[6, 1] = -INF
WILD[7] = INF


def measured(measure: Measure, outputs: Any, *targets: Any, chunk: int = 5) -> float:
    """A measure of these outputs, in chunks of rows."""
    data = (outputs, *targets)
    return network_evaluator(nn.Identity(), None, data, [measure], chunk=chunk).run()[1][
        measure.name
    ]


@pytest.mark.parametrize("chunk", [1, 5, ROWS, 100])
@pytest.mark.parametrize("logits", [LOGITS, WILD], ids=["finite", "wild"])
def test_accuracy_is_numpys(logits: Any, chunk: int) -> None:
    """The first of equal scores is the likeliest; a row with one that is no number has none."""
    for codes in (CODES, most_probable_class(LOGITS).astype(np.int32), np.zeros(ROWS, np.int32)):
        expected = np.mean(most_probable_class(logits) == codes)
        assert measured(measures.accuracy(), logits, codes, chunk=chunk) == expected


@pytest.mark.parametrize("shape", [(ROWS,), (ROWS, 1)])
def test_accuracy_of_one_logit(shape: tuple[int, ...]) -> None:
    logit = NUMBERS.copy()
    logit[:5] = [NAN, INF, -INF, 0.0, -0.0]
    yes = (np.arange(ROWS) % 2).astype(np.int32)
    right = ((logit > 0) == yes) & (logit < INF)
    assert measured(measures.accuracy(), logit.reshape(shape), yes) == right.mean()


def test_accuracy_of_positions_leaves_out_a_class() -> None:
    logits = RNG.normal(size=(ROWS, 3, 4)).astype(np.float32)
    logits[0, 0, 0] = NAN
    codes = RNG.integers(0, 4, (ROWS, 3)).astype(np.int32)
    right = most_probable_class(logits.reshape(-1, 4)).reshape(codes.shape) == codes
    assert measured(measures.position_accuracy(None), logits, codes) == right.mean()
    assert measured(measures.position_accuracy(2), logits, codes) == right[codes != 2].mean()
    nothing = np.full((ROWS, 3), 2, np.int32)
    assert math.isnan(measured(measures.position_accuracy(2), logits, nothing))


def test_yes_or_no_by_output() -> None:
    outputs = RNG.normal(size=(ROWS, 3)).astype(np.float32)
    outputs[0] = [NAN, INF, -INF]
    outputs[1, 0] = 0.0
    values = RNG.integers(0, 2, (ROWS, 3)).astype(np.float32)
    right = np.where(np.isnan(outputs), False, (outputs > 0) == (values > 0.5))
    assert measured(measures.yes_or_no(), outputs, values) == right.mean()


@pytest.mark.parametrize("wild", [None, NAN, INF, 1e30])
def test_root_mean_square_in_the_unit_of_the_targets(wild: float | None) -> None:
    outputs = NUMBERS[::-1].copy()
    if wild is not None:
        outputs[3] = wild
    error = outputs.astype(np.float64) - NUMBERS
    expected = 7.0 * np.sqrt(np.mean(error**2))
    found = measured(measures.root_mean_square(7.0), outputs.reshape(-1, 1), NUMBERS)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_a_measure_of_ones_own_is_a_mean_over_rows() -> None:
    own = measures.mean_of("largest", lambda outputs, codes: outputs.max(-1).mean())
    expected = LOGITS.max(axis=1).astype(np.float64).mean()
    for chunk in (1, 7, ROWS):
        found = measured(own, LOGITS, CODES, chunk=chunk)
        assert found == pytest.approx(expected, rel=1e-6)
    wrong = measures.mean_of("wrong", lambda outputs, codes: outputs)
    with pytest.raises(TypeError, match="'wrong' is a scalar tensor"):
        measured(wrong, LOGITS, CODES)


def test_a_sum_and_a_function_of_a_mean() -> None:
    def total(outputs: Tensor, codes: Tensor) -> tuple[Tensor, Tensor]:
        return outputs.sum(), pel.tensor(float(outputs.shape[0]))

    summed = Measure("sum", total, is_sum=True)
    rooted = Measure("root", total, lambda mean: np.sqrt(np.abs(mean)))
    assert measured(summed, LOGITS, CODES) == pytest.approx(float(LOGITS.sum()), rel=1e-5)
    root = measured(rooted, LOGITS, CODES)
    assert type(root) is float
    assert root == pytest.approx(math.sqrt(abs(LOGITS.sum()) / ROWS), rel=1e-5)


def test_fit_measures_what_it_is_given() -> None:
    def furthest(outputs: Tensor, targets: Tensor) -> Tensor:
        return (outputs.reshape(-1) - targets).abs().mean()

    mae = measures.mean_of("mae", furthest)
    run = fitted(metrics=[mae], measure_train=True)
    kept = run.model.net
    for rows, (x, y) in {"train": (X, Y), "validation": HELD}.items():
        error = outputs_of(kept, x)[:, 0] - y
        measured_then = run.best.measures
        assert measured_then[f"{rows}.mae"] == pytest.approx(np.abs(error).mean(), rel=1e-5)
        assert measured_then[f"{rows}.rmse"] == pytest.approx(np.sqrt((error**2).mean()), rel=1e-5)
        loss = mean_loss(kept, nn.MeanSquaredError(), (x, y))
        assert measured_then[f"{rows}.loss"] == pytest.approx(loss, rel=1e-6)


def test_training_rows_are_measured_only_if_they_are_asked_for() -> None:
    names = {name.partition(".")[0] for entry in fitted().history for name in entry.measures}
    assert names == {"validation", "batches"}
    alone = fitted(validation=None)
    assert alone.history[0].measures.keys() == {"train.loss", "train.rmse"}
    assert alone.history[0].score == alone.history[0].train_loss
