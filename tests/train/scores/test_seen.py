"""Rows that were trained on are recognised, and only these."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid.data import Table, read_table
from pellucid.train.scores import seen
from pellucid.train.scores.linear import LinearModel
from pellucid.train.scores.reference import Reference
from pellucid.train.scores.seen import row_hashes, seen_rows

DICE = np.random.default_rng(0)


def table(rows: int, seed: int = 0) -> Table:
    """Numbers, texts, dates and booleans, with missing values."""
    dice = np.random.default_rng(seed)
    numbers = dice.normal(size=rows)
    numbers[::7] = np.nan
    texts = [None if pick == 3 else f"level {pick}" for pick in dice.integers(0, 5, rows)]
    when = np.datetime64("2020-01-01") + dice.integers(0, 900, rows)
    columns = {"x": numbers, "t": texts, "d": when, "b": dice.random(rows) > 0.5}
    return read_table({**columns, "y": dice.normal(size=rows)})


def reference(of: Table) -> Reference:
    """A reference that holds only the rows."""
    linear = LinearModel(np.zeros((1, 2), np.float32), 10)
    return Reference((0.0, 0.0), (linear,), 10, seen_rows(of, of.names, 0))


@pytest.mark.parametrize("rows", [20, 500, 40_000])
def test_its_own_rows_are_recognised_and_others_are_not(rows: int) -> None:
    own, other = table(rows), table(rows, seed=1)
    hashes = seen_rows(own, own.names, 0)
    assert len(hashes.hashes) <= seen.MOST_HASHES
    compared, matches = hashes.count(own, own.names)
    assert matches == compared > min(rows, 15_000) * 0.9
    compared, matches = hashes.count(other, other.names)
    assert matches <= compared * 1e-3
    mixed = own.take(np.arange(rows)[::2])
    assert hashes.count(mixed, mixed.names)[0] == hashes.count(mixed, mixed.names)[1]


@given(st.permutations(range(30)), st.permutations(["x", "t", "d", "b", "y"]))
def test_neither_order_matters(rows: list[int], names: list[str]) -> None:
    own = table(30)
    moved = own.take(np.array(rows))
    plain = row_hashes(own, own.names, 5)
    assert np.array_equal(row_hashes(moved, names, 5), plain[rows])


@given(st.integers(0, 29), st.sampled_from(["x", "t", "d", "b", "y"]))
def test_every_value_matters(row: int, name: str) -> None:
    own = table(30)
    values: dict[str, Any] = {each: row_hashes(own, [each], 1) for each in own.names}
    others = np.flatnonzero(values[name] != values[name][row])
    changed = own.take(np.array([row]))
    swapped = own.take(np.array([others[0]]))
    columns = tuple(
        (swapped if column.name == name else changed).column(column.name) for column in own.columns
    )
    mixed = Table(columns)
    assert row_hashes(mixed, own.names, 1)[0] != row_hashes(own, own.names, 1)[row]


def test_minus_zero_is_zero_and_every_missing_number_is_the_same() -> None:
    odd = np.array([np.nan, -np.nan], np.float64).view(np.uint64)
    odd[1] ^= 1
    for one, other in ((0.0, -0.0), tuple(odd.view(np.float64))):
        pair = read_table({"x": np.array([one, other]), "y": np.array([1.0, 1.0])})
        assert len(np.unique(row_hashes(pair, pair.names, 0))) == 1


def test_the_key_differs_from_model_to_model_and_hides_the_hashes() -> None:
    one, other = (seen_rows(table(50, seed), ["x"], 0) for seed in (0, 1))
    again, reseeded = seen_rows(table(50), ["x"], 0), seen_rows(table(50), ["x"], 1)
    assert one.key == again.key and len({one.key, other.key, reseeded.key}) == 3
    assert not set(one.hashes.tolist()) & set(reseeded.hashes.tolist())


def test_notes_say_how_many() -> None:
    own = table(200)
    known = reference(own)
    note = known.note_on(own, own.names)
    assert note is not None and note.text.startswith("All 200 rows were trained on")
    part = read_table({name: [1.0, 2.0] for name in own.names})
    assert known.note_on(part, own.names) is None
    note = known.note_on(own.take(np.array([3])), own.names)
    assert note is not None and note.text.startswith("The row was trained on")


def test_rows_that_repeat_anyway_are_not_noted() -> None:
    dice = np.random.default_rng(3)
    columns = {name: dice.integers(0, 3, 2_000).astype(float) for name in ("a", "b", "y")}
    own = read_table(columns)
    other = read_table({name: dice.permutation(values) for name, values in columns.items()})
    assert reference(own).rows.repeated == 1.0
    assert reference(own).note_on(other, own.names) is None
