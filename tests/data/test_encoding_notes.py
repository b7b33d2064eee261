"""Notes on dropped columns and on columns with many categories."""

from typing import Any

import numpy as np

from pellucid.data import Preparation, Task, read_table
from pellucid.data.encoding_notes import encoding_notes

ROWS = 400


def notes_on(**columns: Any) -> list[str]:
    """The remarks on a table of these columns, a useful number and a target."""
    dice = np.random.default_rng(0)
    table = read_table({**columns, "x": dice.normal(size=ROWS), "y": dice.normal(size=ROWS)})
    preparation = Preparation.learn(table, "y", Task("regression", "a test"))
    return [note.text for note in encoding_notes(preparation.encoders)]


def test_columns_without_a_fault_are_not_mentioned() -> None:
    assert notes_on(colour=["red", "green"] * (ROWS // 2)) == []


def test_columns_that_are_left_out_are_named_with_the_reason() -> None:
    notes = notes_on(empty=[None] * ROWS, same=["a"] * ROWS, row=np.arange(ROWS))
    assert notes == [
        "'empty' is left out: every value is missing.",
        "'same' is left out: every row holds the same value, 'a'.",
        "'row' is left out: whole numbers that run like row numbers: it looks like an ID.",
    ]


def test_many_columns_that_are_left_out_share_a_note() -> None:
    (note,) = notes_on(**{f"same{index}": [1.0] * ROWS for index in range(6)})
    assert note == (
        "6 columns are left out, as they tell nothing: "
        "'same0', 'same1', 'same2', 'same3', 'same4' and 1 more."
    )


def test_categories_too_many_to_be_told_apart() -> None:
    rare = [f"v{row % (ROWS // 2)}" for row in range(ROWS)]
    (note,) = notes_on(who=rare)
    assert "'who' has many different values" in note and "none is in enough rows" in note
    (note,) = notes_on(who=[f"v{row % 80}" for row in range(ROWS)])
    assert "the commonest 64 are told apart" in note
