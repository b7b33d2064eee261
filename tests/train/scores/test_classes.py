"""Precision, recall and the confusion matrix beside scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from pellucid.train.scores.classes import MOST_CLASSES, class_table


@pytest.mark.parametrize("count", [2, 3, MOST_CLASSES, MOST_CLASSES + 1])
def test_it_is_that_of_scikit_learn(count: int) -> None:
    dice = np.random.default_rng(count)
    codes = dice.integers(0, count, 500)
    predicted = np.where(dice.random(500) < 0.6, codes, dice.integers(0, count, 500))
    table = class_table([f"c{n}" for n in range(count)], codes, predicted)
    precision, recall, _, rows = precision_recall_fscore_support(codes, predicted)
    assert [each["label"] for each in table["classes"]] == [f"c{n}" for n in range(count)]
    assert [each["rows"] for each in table["classes"]] == list(rows)
    np.testing.assert_allclose([each["precision"] for each in table["classes"]], precision)
    np.testing.assert_allclose([each["recall"] for each in table["classes"]], recall)
    if count <= MOST_CLASSES:
        assert table["confusion"] == confusion_matrix(codes, predicted).tolist()
    else:
        assert table["confusion"] is None


def test_a_class_that_is_absent_or_never_predicted() -> None:
    table = class_table([False, True, "c"], np.array([0, 0, 1]), np.array([0, 0, -1]))
    false, true, other = table["classes"]
    assert (false["precision"], false["recall"]) == (1.0, 1.0)
    assert (true["precision"], true["recall"], true["predicted"]) == (None, 0.0, 0)
    assert (other["precision"], other["recall"], other["rows"]) == (None, None, 0)
    assert table["confusion"] == [[2, 0, 0], [0, 0, 0], [0, 0, 0]]
