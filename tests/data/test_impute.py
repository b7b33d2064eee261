"""Missing numbers, filled with their conditional expectation given the rest of the row."""

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pellucid.data import Preparation, Task, read_table
from pellucid.data.impute import RIDGE, inverse
from tests.data.tables import cancer, penguins

REGRESSION = Task("regression", "a test")
CLASSES = Task("multiclass", "a test")


def related(rows: int = 3000, numbers: int = 5, seed: int = 0) -> pd.DataFrame:
    """Numbers with correlations of all sizes, a colour that shifts them, and a target."""
    dice = np.random.default_rng(seed)
    colour = dice.integers(0, 3, rows)
    common = dice.normal(size=(rows, 2)) @ dice.normal(size=(2, numbers))
    values = 0.3 * (common + dice.normal(size=(rows, numbers)) + colour[:, None] * 0.7)
    frame = pd.DataFrame(values, columns=[f"n{index}" for index in range(numbers)])
    return frame.assign(colour=np.array(["red", "green", "blue"])[colour], y=values.sum(axis=1))


def emptied(frame: pd.DataFrame, share: float = 0.3) -> pd.DataFrame:
    """The table with a share of its numbers missing, none of the target."""
    dice = np.random.default_rng(1)
    columns = [name for name in frame if name not in ("y", "species", "target")]
    numbers = frame[columns].select_dtypes("number").columns
    hidden = pd.DataFrame(dice.random((len(frame), len(numbers))) < share, columns=numbers)
    return frame.assign(**frame[numbers].mask(hidden))


def features(frame: pd.DataFrame, preparation: Preparation) -> np.ndarray[Any, Any]:
    return preparation.features(read_table(frame))


def test_the_expectation_of_a_normal_distribution() -> None:
    """m_u + C_uk C_kk⁻¹ (x_k - m_k), solved directly for each row."""
    frame = related()
    preparation = Preparation.learn(read_table(frame), "y", REGRESSION)
    whole = features(frame, preparation).astype(np.float64)
    mean, covariance = whole.mean(axis=0), np.cov(whole.T, bias=True)
    covariance += RIDGE * np.eye(len(mean))
    holes = emptied(frame)
    missing = np.zeros(whole.shape, bool)
    names = list(preparation.feature_names)
    for name in names:
        if name in frame:
            missing[:, names.index(name)] = holes[name].isna()
    expected = whole.copy()
    for row in range(300):
        unknown, known = np.flatnonzero(missing[row]), np.flatnonzero(~missing[row])
        weights = np.linalg.solve(
            covariance[np.ix_(known, known)], covariance[np.ix_(known, unknown)]
        )
        expected[row, unknown] = mean[unknown] + (whole[row, known] - mean[known]) @ weights
    imputed = features(holes, preparation)
    assert missing[:300].sum() > 300
    np.testing.assert_allclose(imputed[:300], expected[:300], atol=2e-4)
    assert np.array_equal(imputed[~missing], whole[~missing].astype(np.float32))


@pytest.mark.parametrize(("frame", "target"), [(penguins(), "species"), (cancer(), "target")])
def test_nearer_to_the_truth_than_the_median(frame: pd.DataFrame, target: str) -> None:
    frame = frame.dropna().reset_index(drop=True)
    train, test = frame.iloc[::2], frame.iloc[1::2].reset_index(drop=True)
    preparation = Preparation.learn(read_table(train), target, CLASSES)
    truth, holes = features(test, preparation), emptied(test)
    imputed = features(holes, preparation)
    medians = features(holes, Preparation(preparation.encoders, preparation.target_encoder))
    changed = medians != imputed
    error = np.sqrt(((imputed - truth)[changed] ** 2).mean())
    assert error < 0.75 * np.sqrt(((medians - truth)[changed] ** 2).mean())


def test_a_row_gets_the_same_bits_in_any_table() -> None:
    frame = emptied(related(400))
    preparation = Preparation.learn(read_table(frame), "y", REGRESSION)
    together = features(frame, preparation)
    assert preparation.imputer is not None
    for row in range(20):
        alone = frame.iloc[[row]].astype({"n0": float})
        assert np.array_equal(features(alone, preparation)[0], together[row])


def test_json_gives_the_same_features() -> None:
    frame = emptied(related())
    preparation = Preparation.learn(read_table(frame), "y", REGRESSION)
    text = json.dumps(preparation.to_json(), allow_nan=False)
    again = Preparation.from_json(json.loads(text))
    assert np.array_equal(features(frame, again), features(frame, preparation))


def test_nothing_is_expected_of_too_few_rows_or_too_many_columns() -> None:
    few = related(rows=20)
    wide = related(rows=2000, numbers=140)
    for frame in (few, wide):
        preparation = Preparation.learn(read_table(frame), "y", REGRESSION)
        assert preparation.imputer is None
        assert np.isfinite(features(emptied(frame), preparation)).all()


def test_the_description_says_how_missing_numbers_are_filled() -> None:
    report = Preparation.learn(read_table(related()), "y", REGRESSION).describe()
    assert "missing values imputed from the other columns" in report[0].how
    report = Preparation.learn(read_table(related(20)), "y", REGRESSION).describe()
    assert "other columns" not in report[0].how


def test_the_inverse_is_numpys() -> None:
    dice = np.random.default_rng(0)
    for size in (1, 2, 40):
        factor = dice.normal(size=(size, size))
        matrix = factor @ factor.T + 0.1 * np.eye(size)
        inverted = inverse(matrix)
        assert inverted is not None
        np.testing.assert_allclose(inverted @ matrix, np.eye(size), atol=1e-10)


@pytest.mark.parametrize("values", [[1.0, -1.0], [0.0, 1.0], [np.nan, 1.0]])
def test_what_is_not_positive_definite_has_none(values: list[float]) -> None:
    assert inverse(np.diag(values)) is None
    assert inverse(np.array([[1.0, 2.0], [2.0, 1.0]])) is None
