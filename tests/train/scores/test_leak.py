"""Columns that predict almost alone are named, others are not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pellucid.data import read_table, split
from pellucid.graph import Array
from pellucid.train.scores.leak import Fold, Loss, suspected_leaks

ROWS = 600
DICE = np.random.default_rng(0)
CODES = DICE.integers(0, 2, ROWS)
VALUES = DICE.lognormal(sigma=1.5, size=ROWS)
NOISE = DICE.normal(size=ROWS)


def named(columns: dict[str, Any], target: Array, classes: int, own: float = 0.01) -> list[str]:
    """The columns that are suspected, for a network of this share of the baseline's loss."""
    table = read_table(columns)
    parts = split(len(target), [0.2] * 5, 0)
    folds = [Fold(np.setdiff1d(np.arange(len(target)), part), part) for part in parts]
    loss = Loss(own, 1.0)
    return [
        note.column for note in suspected_leaks(table, table.names, target, classes, folds, loss)
    ]


@pytest.mark.parametrize(
    "leak",
    [
        CODES * 35.0,
        np.where(CODES == 1, DICE.uniform(1, 2, ROWS), DICE.uniform(3, 4, ROWS)),
        np.where(CODES == 1, "closed", np.where(NOISE > 0, "open", "new")),
        np.where(CODES == 1, DICE.normal(size=ROWS), np.nan),
        [None if code else "x" for code in CODES],
        CODES == 1,
        np.where(CODES == 1, np.datetime64("2020-01-05"), np.datetime64("2021-01-05")),
    ],
    ids=["fee", "ranges", "states", "missing number", "missing text", "boolean", "date"],
)
def test_leaks_of_classes(leak: Any) -> None:
    assert named({"noise": NOISE, "leak": leak}, CODES, 2) == ["leak"]


@pytest.mark.parametrize(
    "leak",
    [VALUES, 1.1 * VALUES + 3, np.log(VALUES), np.round(VALUES, 2), -(VALUES**2)],
    ids=["copy", "other unit", "logarithm", "rounded", "square"],
)
def test_leaks_of_values(leak: Array) -> None:
    assert named({"noise": NOISE, "leak": leak}, VALUES, 0, own=0.02) == ["leak"]


@pytest.mark.parametrize(
    "honest",
    [
        CODES + DICE.normal(size=ROWS),
        np.where(DICE.random(ROWS) < 0.9, CODES, 1 - CODES),
        [f"row {place}" for place in range(ROWS)],
        np.arange(ROWS),
    ],
    ids=["related", "nine in ten", "names", "numbers"],
)
def test_what_only_helps_is_no_leak(honest: Any) -> None:
    assert named({"noise": NOISE, "honest": honest}, CODES, 2, own=0.5) == []


def test_a_column_that_is_much_worse_than_the_network_is_no_leak() -> None:
    target = DICE.normal(size=ROWS)
    columns = {"noise": NOISE, "close": target + 0.15 * DICE.normal(size=ROWS)}
    assert named(columns, target, 0, own=1e-6) == []
    assert named(columns, target, 0, own=0.1) == ["close"]


def test_the_only_column_is_no_leak() -> None:
    assert named({"leak": CODES * 35.0}, CODES, 2) == []


def test_few_rows_are_no_evidence() -> None:
    assert named({"leak": CODES[:15] * 2.0, "noise": NOISE[:15]}, CODES[:15], 2) == []
