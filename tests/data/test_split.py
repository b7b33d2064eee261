"""Splits and the order of rows."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid.data import RowStream, split
from pellucid.errors import DataError


@settings(max_examples=60, deadline=None)
@given(
    rows=st.integers(3, 400),
    seed=st.integers(0, 1000),
    first=st.floats(0.05, 0.9),
    kind=st.sampled_from(["plain", "labels", "values"]),
)
def test_parts_are_a_partition_of_the_right_sizes(
    rows: int, seed: int, first: float, kind: str
) -> None:
    fractions = (first, (1 - first) / 2, (1 - first) / 2)
    random = np.random.default_rng(seed)
    labels = random.integers(0, 3, rows) if kind == "labels" else None
    values = random.normal(size=rows) if kind == "values" else None
    parts = split(rows, fractions, seed, labels=labels, values=values)
    assert np.array_equal(np.sort(np.concatenate(parts)), np.arange(rows))
    for part, fraction in zip(parts, fractions, strict=True):
        assert len(part) >= 1 or kind == "labels"
        assert np.array_equal(part, np.sort(part))
        assert abs(len(part) - max(1, rows * fraction)) <= (2 if labels is None else 5)
    again = split(rows, fractions, seed, labels=labels, values=values)
    assert all(np.array_equal(one, two) for one, two in zip(parts, again, strict=True))


def test_seeds_differ() -> None:
    one, two = split(100, (0.8, 0.2), 0), split(100, (0.8, 0.2), 1)
    assert not np.array_equal(one[1], two[1])


def test_rows_are_drawn_evenly() -> None:
    drawn = np.zeros(40)
    for seed in range(600):
        drawn[split(40, (0.75, 0.25), seed)[1]] += 1
    assert abs(drawn / 600 - 0.25).max() < 0.08


def test_classes_keep_their_shares() -> None:
    labels = np.repeat(["a", "b", "c"], [700, 250, 50])
    train, test = split(1000, (0.8, 0.2), 3, labels=labels)
    for label, count in (("a", 700), ("b", 250), ("c", 50)):
        assert abs((labels[test] == label).sum() - count * 0.2) <= 2
        assert abs((labels[train] == label).sum() - count * 0.8) <= 2


@pytest.mark.parametrize("seed", range(20))
def test_rare_classes_stay_in_the_first_part(seed: int) -> None:
    labels = np.array([0] * 30 + [1] * 8 + [2, 3, 4, 5, 5])
    train, test = split(len(labels), (0.5, 0.5), seed, labels=labels)
    assert set(labels[train]) == set(range(6))
    assert len(test) >= 15


def test_values_are_spread_alike() -> None:
    values = np.random.default_rng(0).lognormal(0, 2, 500)
    gaps = []
    for seed in range(20):
        train, test = split(500, (0.8, 0.2), seed, values=values)
        gaps.append(abs(np.log(values[train]).mean() - np.log(values[test]).mean()))
    assert max(gaps) < 0.12


@pytest.mark.parametrize("fractions", [(), (0.5, 0.6), (1.5, -0.5), (0.5,)])
def test_bad_fractions(fractions: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="fractions"):
        split(10, fractions, 0)


def test_bad_arguments() -> None:
    with pytest.raises(DataError, match="2 rows are too few to divide into 3 parts"):
        split(2, (0.5, 0.25, 0.25), 0)
    with pytest.raises(ValueError, match="labels should have shape"):
        split(3, (0.5, 0.5), 0, labels=np.zeros(4))
    with pytest.raises(ValueError, match="not both"):
        split(3, (0.5, 0.5), 0, labels=np.zeros(3), values=np.zeros(3))


def test_a_stream_is_a_row_of_permutations() -> None:
    stream = RowStream(rows=10, batch_size=4, seed=5).rows(0, 15)
    assert stream.shape == (15, 4)
    assert stream.dtype == np.int32
    passes = stream.ravel().reshape(6, 10)
    assert all(np.array_equal(np.sort(one), np.arange(10)) for one in passes)
    assert len({tuple(one) for one in passes}) == 6


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 60), st.integers(1, 70), st.integers(0, 9), st.integers(0, 300))
def test_any_step_can_be_asked_for_at_any_time(
    rows: int, batch_size: int, seed: int, start: int
) -> None:
    whole = RowStream(rows, batch_size, seed).rows(0, start + 7)
    resumed = RowStream(rows, batch_size, seed)
    assert np.array_equal(resumed.rows(start, 7), whole[start:])
    assert np.array_equal(resumed.rows(0, start), whole[:start])
    assert resumed.rows(start, 0).shape == (0, min(batch_size, rows))


def test_seeds_give_other_orders() -> None:
    one, two = (RowStream(100, 10, seed).rows(0, 10) for seed in (0, 1))
    assert not np.array_equal(one, two)


@pytest.mark.parametrize("batch_size", [6, 7, 1000])
def test_a_full_batch_is_the_table_in_its_order(batch_size: int) -> None:
    stream = RowStream(6, batch_size, 3)
    assert stream.batch_size == 6
    assert stream.steps_per_pass == 1.0
    assert np.array_equal(stream.rows(4, 2), [[0, 1, 2, 3, 4, 5]] * 2)


@pytest.mark.parametrize(
    ("rows", "batch_size", "seed"), [(0, 1, 0), (1, 0, 0), (1, 1, -1), (2**31, 1, 0)]
)
def test_streams_that_cannot_be(rows: int, batch_size: int, seed: int) -> None:
    with pytest.raises(ValueError, match="should"):
        RowStream(rows, batch_size, seed)


def test_negative_steps() -> None:
    with pytest.raises(ValueError, match="negative"):
        RowStream(5, 2, 0).rows(-1, 2)
