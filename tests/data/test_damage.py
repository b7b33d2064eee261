"""Damaged files and foreign contents never give anything but a clear error."""

import copy
import gzip
import json
import math
import os
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid.data import Preparation, Table, choose_target, read_table, split
from pellucid.errors import DataError, ModelFileError

GOOD = b'id,name,when,x\n1,"a, b",2024-01-31,1.5\n2,c,2024-02-29,\n3,"d ""e""",NA,2e3\n' * 3

damage = st.one_of(
    st.binary(max_size=300),
    st.lists(
        st.tuples(st.integers(0, len(GOOD) - 1), st.integers(0, 255)), min_size=1, max_size=12
    ).map(lambda edits: bytes_with(GOOD, edits)),
    st.tuples(st.integers(0, len(GOOD)), st.binary(max_size=20)).map(
        lambda cut: GOOD[: cut[0]] + cut[1] + GOOD[cut[0] :]
    ),
    st.text(alphabet='ab1,;\t|"\n\r .#{}[]:é\x00', max_size=120).map(str.encode),
)


def bytes_with(data: bytes, edits: list[tuple[int, int]]) -> bytes:
    changed = bytearray(data)
    for position, value in edits:
        changed[position] = value
    return bytes(changed)


def read_bytes(data: bytes, name: str) -> Table | None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(data)
        try:
            return read_table(path)
        except DataError as error:
            assert "\n" not in str(error)
            assert len(str(error)) < 600
            return None


@settings(max_examples=150, deadline=None)
@given(damage, st.sampled_from(["t.csv", "t.tsv", "t", "t.json"]))
def test_damaged_text_gives_a_table_or_a_data_error(data: bytes, name: str) -> None:
    table = read_bytes(data, name)
    if table is not None:
        assert table.rows > 0
        assert len(set(table.names)) == len(table.columns) > 0


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_damaged_binary_gives_a_table_or_a_data_error(data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t.parquet"
        pd.DataFrame({"a": range(20), "b": list("xy") * 10}).to_parquet(path)
        whole = data.draw(st.sampled_from([path.read_bytes(), gzip.compress(GOOD, mtime=0)]))
    position = st.tuples(st.integers(0, len(whole) - 1), st.integers(0, 255))
    edits = data.draw(st.lists(position, max_size=8))
    length = data.draw(st.integers(0, len(whole)))
    read_bytes(bytes_with(whole, edits)[:length], "t")


values = st.one_of(
    st.lists(st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=True))),
    st.lists(st.one_of(st.none(), st.integers(-3, 30))),
    st.lists(st.one_of(st.none(), st.sampled_from(["x", "y", "z", "", "é, \n"]))),
    st.lists(st.one_of(st.none(), st.booleans())),
    st.lists(st.one_of(st.none(), st.dates().map(np.datetime64))),
    st.lists(st.one_of(st.none(), st.text(max_size=5), st.integers())),
)


@st.composite
def tables(draw: st.DrawFn) -> Table:
    rows = draw(st.integers(4, 40))
    columns: dict[str, list[Any]] = {"y": [float(row % 7) / 2 for row in range(rows)]}
    for index in range(draw(st.integers(1, 4))):
        some = draw(values) or [None]
        columns[f"c{index}"] = [some[row % len(some)] for row in range(rows)]
    columns["x"] = [draw(st.floats(-1e6, 1e6)) for _ in range(rows)]
    return read_table(columns)


@settings(max_examples=100, deadline=None)
@given(tables(), st.integers(0, 5))
def test_random_tables_survive_json(table: Table, seed: int) -> None:
    train = split(table.rows, (0.5, 0.5), seed)[0]
    choice = choose_target(table, "y", "regression")
    try:
        preparation = Preparation.learn(table, "y", choice.task, train)
    except DataError as error:
        assert "no column to predict" in str(error)
        return
    got = preparation.features(table)
    assert np.isfinite(got).all()
    assert abs(got).max() <= 100
    again = Preparation.from_json(json.loads(json.dumps(preparation.to_json(), allow_nan=False)))
    assert np.array_equal(again.features(table), got)
    assert np.array_equal(again.target(table), preparation.target(table))


def example() -> dict[str, Any]:
    rows = np.arange(600)
    table = read_table(
        {
            "skewed": np.exp(rows / 40.0),
            "hour": rows % 12,
            "c": np.array(["x", "y", None] * 200, object),
            "many": [f"t{row % 90}" for row in rows],
            "b": rows % 2 == 0,
            "d": np.datetime64("2024-01-01") + rows,
            "id": rows,
            "y": (rows % 12 == 5).astype(int),
        }
    )
    return Preparation.learn(table, "y", choose_target(table, "y").task).to_json()


GOOD_JSON = example()


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every value inside, containers included."""
    below: list[tuple[Any, ...]] = []
    for key, child in value.items() if isinstance(value, dict) else enumerate(value):
        below.append((*path, key))
        if isinstance(child, dict | list):
            below += paths(child, (*path, key))
    return below


def test_the_example_covers_every_encoder() -> None:
    encoders = {column["encoder"] for column in GOOD_JSON["columns"]}
    assert encoders == {"number", "category", "boolean", "date", "left out"}
    number = [column for column in GOOD_JSON["columns"] if column["encoder"] == "number"]
    assert any(column["tail"] for column in number)
    assert any(column["values"] for column in number)
    assert any(column.get("common") for column in GOOD_JSON["columns"])
    assert GOOD_JSON["imputer"] is not None


BAD = [None, "text", -1, 1.5, math.nan, math.inf, 10**400, True, [], {}, [1, 2], {"a": 1}, "number"]


@pytest.mark.parametrize("path", paths(GOOD_JSON), ids=str)
def test_altered_preparations_are_refused_or_still_work(path: tuple[Any, ...]) -> None:
    """Whatever one entry is changed to, loading gives a working preparation or the one error."""
    if isinstance(path[-1], int) and path[-1] > 2:
        return
    table = read_table(
        {
            "skewed": [1.0, 1e100],
            "hour": [3, None],
            "c": ["x", None],
            "many": ["t1", "new"],
            "b": [True, None],
            "d": np.array(["2024-02-01", "NaT"], "M8[D]"),
        }
    )
    for bad in BAD:
        value = copy.deepcopy(GOOD_JSON)
        parent: Any = value
        for key in path[:-1]:
            parent = parent[key]
        parent[path[-1]] = bad
        try:
            preparation = Preparation.from_json(value)
        except ModelFileError as error:
            assert "\n" not in str(error)
            assert len(str(error)) < 400
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                assert np.isfinite(preparation.features(table)).all()
            except DataError:
                continue


def _with_precision(value: dict[str, Any], first: float) -> dict[str, Any]:
    imputer = value["imputer"]
    precision = [first, *imputer["precision"][1:]]
    return {**value, "imputer": {**imputer, "precision": precision}}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda v: [], "the preparation should be a mapping"),
        (lambda v: {}, "lacks"),
        (lambda v: {**v, "extra": 1}, "unknown entries .'extra'"),
        (lambda v: {**v, "format": "other"}, "format should be 'pellucid preparation'"),
        (lambda v: {**v, "version": 99}, "version 99"),
        (lambda v: {**v, "columns": []}, "at least one that gives features"),
        (lambda v: {**v, "columns": v["columns"][:1] * 2}, "imputer.mean|different texts"),
        (lambda v: {**v, "columns": [{"encoder": "pickle"}]}, r"columns\[0\].kind"),
        (lambda v: {**v, "target": {**v["target"], "labels": [0]}}, "target.labels"),
        (lambda v: {**v, "target": {**v["target"], "labels": [1, 0]}}, "ascending"),
        (lambda v: {**v, "target": {**v["target"], "labels": [0, "1"]}}, "one type"),
        (lambda v: {**v, "target": {**v["target"], "counts": [1]}}, "fit the task"),
        (lambda v: {**v, "imputer": {"mean": [], "precision": []}}, "imputer.mean"),
        (
            lambda v: {**v, "imputer": {**v["imputer"], "precision": [1.0]}},
            "the lower triangle of a matrix",
        ),
        (lambda v: _with_precision(v, 0.0), "positive definite"),
        (lambda v: _with_precision(v, 1e9), "positive definite"),
    ],
)
def test_foreign_preparations_are_refused_by_name(change: Any, expected: str) -> None:
    with pytest.raises(ModelFileError, match=expected):
        Preparation.from_json(change(copy.deepcopy(GOOD_JSON)))


def test_a_file_that_cannot_be_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(GOOD)
    if os.geteuid() == 0:
        refuse = PermissionError(13, "Permission denied")
        monkeypatch.setattr(Path, "open", lambda *_: (_ for _ in ()).throw(refuse))
    else:
        path.chmod(0)
    with pytest.raises(DataError, match="cannot be read: Permission denied"):
        read_table(path)


def test_a_full_temporary_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile, "mkdtemp", full)
    (tmp_path / "t.csv").write_bytes(GOOD)
    assert read_table(tmp_path / "t.csv").rows == 9
    (tmp_path / "mixed.csv").write_bytes(b"a,b\r\n1,2\n3,4\n")
    with pytest.raises(DataError, match=r"mixed.csv cannot be read: .*No space left on device"):
        read_table(tmp_path / "mixed.csv")
