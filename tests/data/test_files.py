"""Parquet and JSON files."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pellucid.data import read_table
from pellucid.data.column import BooleanColumn, DateColumn, NumberColumn, TextColumn
from pellucid.errors import DataError
from tests.data.tables import penguins, written


def test_parquet_agrees_with_csv(tmp_path: Path) -> None:
    frame = penguins()
    frame.to_parquet(tmp_path / "t.parquet", index=False)
    frame.to_csv(tmp_path / "t.csv", index=False)
    parquet, csv = read_table(tmp_path / "t.parquet"), read_table(tmp_path / "t.csv")
    assert parquet.names == csv.names
    assert parquet.rows == csv.rows == 344
    for one, two in zip(parquet.columns, csv.columns, strict=True):
        assert type(one) is type(two)
        if isinstance(one, NumberColumn) and isinstance(two, NumberColumn):
            assert np.array_equal(one.values, two.values, equal_nan=True)
        if isinstance(one, TextColumn) and isinstance(two, TextColumn):
            assert one.levels == two.levels
            assert np.array_equal(one.codes, two.codes)


def test_parquet_types(tmp_path: Path) -> None:
    moment = pd.Timestamp("2024-02-29 13:45")
    table = pa.table(
        {
            "whole": pa.array([1, None, 3], pa.int32()),
            "money": pa.array([None, 2, 3], pa.decimal128(9, 2)),
            "flag": [True, None, False],
            "day": pa.array([moment.date(), None, moment.date()]),
            "moment": pa.array([moment, None, moment]),
            "colour": pa.array(["red", None, "blue"]).dictionary_encode(),
            "nested": [[1], [2], [3]],
            "nothing": pa.nulls(3),
        }
    )
    pq.write_table(table, tmp_path / "t.parquet")
    got = read_table(tmp_path / "t.parquet")
    assert got.names == ("whole", "money", "flag", "day", "moment", "colour", "nothing")
    assert "'nested' holds nested" in got.notes[0].text
    kinds = [type(column) for column in got.columns[:6]]
    wanted = [NumberColumn, NumberColumn, BooleanColumn, DateColumn, DateColumn, TextColumn]
    assert kinds == wanted
    assert [int(column.missing().sum()) for column in got.columns] == [1, 1, 1, 1, 1, 1, 3]


def test_parquet_with_a_repeated_name(tmp_path: Path) -> None:
    table = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])
    pq.write_table(table, tmp_path / "t.parquet")
    got = read_table(tmp_path / "t.parquet")
    assert got.names == ("a", "a_2")
    assert "more than one column 'a'" in got.notes[0].text


RECORDS = [
    {"a": 1, "b": "x", "c": True, "d": "2024-01-31"},
    {"a": None, "b": "y", "c": False, "d": None},
    {"b": None, "c": None, "d": "2024-02-29"},
]


@pytest.mark.parametrize("name", ["t.json", "t.jsonl", "t.ndjson", "t.txt2"])
def test_json(tmp_path: Path, name: str) -> None:
    lines = "\n".join(json.dumps(record) for record in RECORDS)
    text = lines if name.endswith("l") or "nd" in name else json.dumps(RECORDS)
    table = read_table(written(tmp_path, text, name))
    kinds = [NumberColumn, TextColumn, BooleanColumn, DateColumn]
    assert [type(column) for column in table.columns] == kinds
    assert [int(column.missing().sum()) for column in table.columns] == [2, 1, 1, 1]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le"])
@pytest.mark.parametrize("lines", [True, False])
def test_json_in_other_encodings(tmp_path: Path, encoding: str, lines: bool) -> None:
    records = [{"a": 1, "ü": "x"}, {"a": 2, "ü": "ß"}]
    one = [json.dumps(record, ensure_ascii=False) for record in records]
    text = "\n".join(one) if lines else f"[{one[0]},\n{one[1]}]"
    table = read_table(written(tmp_path, text.encode(encoding), "t.json"))
    assert table.names == ("a", "ü")
    column = table.column("ü")
    assert isinstance(column, TextColumn)
    assert [column.levels[code] for code in column.codes] == ["x", "ß"]


def test_json_lines_in_a_text_file(tmp_path: Path) -> None:
    path = tmp_path / "rows.txt"
    path.write_text('{"a": 1, "b": "x"}\n{"a": 2, "b": "y"}\n')
    assert read_table(path).column("b").missing().tolist() == [False, False]
    path.write_text("{a}, b\n{1}, 2\n")
    assert [column.name for column in read_table(path).columns] == ["{a}", "b"]


def test_json_with_stray_text(tmp_path: Path) -> None:
    records = [{"a": value, "b": 1} for value in [1, 2, 3.5, 4, 5, "oops", 7, 8, 9, 10]]
    table = read_table(written(tmp_path, json.dumps(records), "t.json"))
    column = table.column("a")
    assert isinstance(column, NumberColumn)
    assert np.flatnonzero(column.missing()).tolist() == [5]
    assert column.values[2] == 3.5
    assert "'oops' (1)" in table.notes[0].text


@pytest.mark.parametrize("text", ["[]", "{", '{"a": 1', "nonsense", '[{"a": [1, 2]}]'])
def test_json_that_is_no_table(tmp_path: Path, text: str) -> None:
    with pytest.raises(DataError) as caught:
        read_table(written(tmp_path, text, "t.json"))
    assert "\n" not in str(caught.value)


def test_damaged_parquet(tmp_path: Path) -> None:
    penguins().to_parquet(tmp_path / "t.parquet")
    whole = (tmp_path / "t.parquet").read_bytes()
    for data in (whole[:2000], whole[:-9] + b"PAR1", whole[:500] + b"x" * 400 + whole[900:]):
        with pytest.raises(DataError):
            read_table(written(tmp_path, data, "bad.parquet"))


READ = """
import sys
from pathlib import Path
from pellucid.data import read_table
print(read_table(Path(sys.argv[1])).columns[0].seconds.tolist())
"""


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata"])
def test_moments_with_a_zone_are_the_same_on_every_machine(tmp_path: Path, zone: str) -> None:
    path = tmp_path / "t.parquet"
    days = pd.to_datetime([0, 1, 2], unit="D", utc=True)
    pd.DataFrame({"moment": days, "i": range(3)}).to_parquet(path)
    done = subprocess.run(
        [sys.executable, "-c", READ, str(path)],
        env={**os.environ, "TZ": zone},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "[0, 86400, 172800]\n"
