"""Data frames, arrays and mappings."""

import datetime
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from pellucid.data import Table, read_table
from pellucid.data.column import BooleanColumn, Column, DateColumn, NumberColumn, TextColumn
from pellucid.errors import DataError
from tests.data.tables import penguins

MOMENT = datetime.datetime(2024, 2, 29, 13, 45)
VALUES: dict[str, list[Any]] = {
    "number": [1.5, None, 3.0],
    "whole": [1, 2, 3],
    "text": ["x", None, "y"],
    "flag": [True, None, False],
    "moment": [MOMENT, None, MOMENT],
}


def plain(column: Column) -> list[Any]:
    """The column as Python values, None where missing."""
    match column:
        case NumberColumn():
            values = [float(value) for value in column.values]
        case TextColumn():
            return [None if code < 0 else column.levels[code] for code in column.codes]
        case BooleanColumn():
            return [None if state == 2 else bool(state) for state in column.states]
        case DateColumn():
            values = [float(value) for value in column.seconds]
    missing = column.missing()
    return [None if gone else value for value, gone in zip(values, missing, strict=True)]


FRAMES: list[Callable[[], Any]] = [
    lambda: pd.DataFrame(VALUES),
    lambda: pd.DataFrame(VALUES).convert_dtypes(),
    lambda: pl.DataFrame(VALUES),
    lambda: pl.DataFrame(VALUES).lazy(),
    lambda: pa.table(VALUES),
    lambda: VALUES,
]


@pytest.mark.parametrize("make", FRAMES)
def test_every_kind_of_frame_gives_the_same_table(make: Callable[[], Any]) -> None:
    table = read_table(make())
    seconds = (MOMENT - datetime.datetime(1970, 1, 1)).total_seconds()
    assert table.names == tuple(VALUES)
    assert table.rows == 3
    assert plain(table.column("number")) == [1.5, None, 3.0]
    assert plain(table.column("whole")) == [1.0, 2.0, 3.0]
    assert plain(table.column("text")) == ["x", None, "y"]
    assert plain(table.column("flag")) == [True, None, False]
    assert plain(table.column("moment")) == [seconds, None, seconds]
    whole = table.column("whole")
    assert isinstance(whole, NumberColumn)
    assert whole.whole


def test_a_real_frame_agrees_with_its_csv(tmp_path: Any) -> None:
    frame = penguins()
    frame.to_csv(tmp_path / "p.csv", index=False)
    for one, two in zip(
        read_table(frame).columns, read_table(tmp_path / "p.csv").columns, strict=True
    ):
        assert plain(one) == plain(two)


def test_time_zones_keep_the_clock_on_the_wall() -> None:
    zoned = pd.Series([pd.Timestamp("2024-07-01 08:00", tz="America/New_York"), pd.NaT])
    for source in (pd.DataFrame({"t": zoned}), pl.DataFrame({"t": pl.Series(zoned)})):
        column = read_table(source).column("t")
        assert isinstance(column, DateColumn)
        assert column.seconds[0] == np.datetime64("2024-07-01T08:00", "s").astype(np.int64)
        assert column.missing().tolist() == [False, True]


def test_categories_series_and_odd_columns() -> None:
    frame = pd.DataFrame({"c": pd.Categorical(["b", None, "a"]), 7: [1, 2, 3]})
    table = read_table(frame)
    assert plain(table.column("c")) == ["b", None, "a"]
    assert "7" in table
    assert read_table(pd.Series([1.0, 2.0])).names == ("x0",)
    assert read_table(pl.Series("n", [1, 2])).names == ("n",)
    assert plain(read_table(pl.DataFrame({"d": [datetime.timedelta(minutes=2)]})).columns[0]) == [
        120.0
    ]


def test_stray_text_in_an_object_column() -> None:
    values: list[Any] = [*range(20), "n/k", None, float("inf")]
    table = read_table(pd.DataFrame({"a": pd.Series(values, dtype=object)}))
    column = table.column("a")
    assert isinstance(column, NumberColumn)
    assert int(column.missing().sum()) == 3
    assert {note.count for note in table.notes} == {1}
    assert "'n/k' (1)" in table.notes[0].text
    assert "infinite" in table.notes[1].text


def test_whole_numbers_that_float64_rounds_are_read_from_arrow() -> None:
    table = read_table(pa.table({"a": [2**53, 2**53 + 1, None], "b": [1, 2, 3]}))
    assert table.column("a").missing().tolist() == [False, False, True]


def test_float32_stays_compact() -> None:
    for source in (pl.DataFrame({"a": np.ones(3, np.float32)}), np.ones(3, np.float32)):
        column = read_table(source).columns[0]
        assert isinstance(column, NumberColumn)
        assert column.values.dtype == np.float32


@pytest.mark.parametrize(
    ("array", "names"),
    [
        (np.arange(6.0).reshape(3, 2), ("x0", "x1")),
        (np.arange(3), ("x0",)),
        (np.array(["a", "b", "a"]), ("x0",)),
        (np.array([b"a", b"b", b"a"]), ("x0",)),
        (np.array([1, "a", None], object), ("x0",)),
        (np.array([("a", 1.0)] * 3, [("name", "U5"), ("v", "f8")]), ("name", "v")),
        (np.array(["2024-01-01", "NaT", "2024-01-02"], "M8[D]"), ("x0",)),
        (np.ma.masked_equal([1, 2, 3], 2), ("x0",)),
    ],
)
def test_arrays(array: Any, names: tuple[str, ...]) -> None:
    table = read_table(array)
    assert table.names == names
    assert table.rows == 3


def test_masked_values_are_missing() -> None:
    assert plain(read_table(np.ma.masked_equal([1, 2, 3], 2)).columns[0]) == [1.0, None, 3.0]


def test_the_source_is_not_changed_or_shared() -> None:
    array = np.array([1.0, np.inf, 3.0])
    column = read_table(array).columns[0]
    assert np.isinf(array[1])
    assert isinstance(column, NumberColumn)
    column.values[0] = 9.0
    assert array[0] == 1.0


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (np.zeros((2, 2, 2)), "one or two dimensions"),
        (np.zeros((0, 2)), "no rows"),
        (np.array([1j]), "complex"),
        ({}, "no columns"),
        ({"a": [1], "b": [1, 2]}, "differ in length"),
        ({"a": "text"}, "should be an array"),
        ({"a": [[1], [2]]}, "nested"),
        (pd.DataFrame({"a": []}), "no rows"),
        (pd.DataFrame(), "no columns"),
        (pl.DataFrame({"a": [[1], [2]]}), "nested"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "more than one column 'a'"),
        (5, "is not a table"),
        (None, "is not a table"),
    ],
)
def test_what_is_not_a_table_is_refused(source: Any, expected: str) -> None:
    with pytest.raises(DataError, match=expected):
        read_table(source)


def test_table_operations() -> None:
    table = read_table({"a": [1, 2, 3], "b": ["x", "y", "x"], "c": [True, False, None]})
    assert read_table(table) is table
    assert table.select(["c", "a"]).names == ("c", "a")
    assert table.drop(["b"]).names == ("a", "c")
    taken = table.take(np.array([2, 0]))
    assert taken.rows == 2
    assert plain(taken.column("b")) == ["x", "x"]
    assert plain(table.take(np.array([False, True, False])).column("a")) == [2.0]
    assert Table(()).rows == 0


def test_an_unknown_column_suggests_the_nearest() -> None:
    table = read_table({"bill_length": [1], "species": ["a"]})
    for wrong in ("Species", "specis"):
        with pytest.raises(DataError, match="did you mean 'species'"):
            table.column(wrong)
    with pytest.raises(DataError, match="the columns are 'bill_length', 'species'"):
        table.drop(["zzz"])
