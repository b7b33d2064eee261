"""A row is read the same alone, among others, and in any order: in each dialect, for each kind."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pellucid.data import Preparation, choose_target, read_table

ROWS = 60

POINT: dict[str, list[str]] = {
    "plain": ["1.5", "-2", "3e2", "", "7.25", "0.125"],
    "whole": ["10", "-3", "7", "NA", "12", "0", "55"],
    "thousands": ["1,234.5", "12", "1,000,000", "3.25", "1,375", "-2,000"],
    "money": ["$5.20", "($7)", "-$1,250", "$0.99", "", "$12"],
    "percent": ["12 %", "3.5%", "100%", "0 %", "7%", "-4 %"],
    "day first": ["02/11/2023", "13/11/2023", "28/02/2024", "01/12/2023", "09/10/2023"],
    "iso": ["2024-01-31", "2024-02-29 13:45", "2023-12-01T00:00:00Z", "", "2024-05-06"],
    "month": ["Mar-2018", "Apr-2018", "Dec-2019", "Mar-2019", "Jan-2020"],
    "clock": ["13:45", "00:10", "23:59", "7:05", "12:00"],
    "half day": ["1/16/2023 1:05 PM", "2/28/2023 12:00 AM", "12/31/2023 11:59 AM"],
    "duration": ["0 days 00:02:00", "1 days 03:00:00", "0 days 12:30:00"],
    "flag": ["True", "False", "Unknown", "True", ""],
    "boolean": ["True", "FALSE", "", "true", "false"],
    "code": ["007", "012", "999", "100", "040"],
    "version": ["1.10", "1.9.1", "1.1", "2.0", "1.10"],
    "grade": ["1.0", "2.0", "3+", "1.0", "2.0"],
    "exponent": ["1E5", "3A7", "2E3", "4B1", "1E5"],
    "endless": ["inf", "low", "high", "inf", "nan?"],
    "long": ["9007199254740993", "9007199254740992", "9007199254740995", "9007199254740993"],
    "country": ["DE", "ZA", "NA", "DE", "FR", "US"],
    "stray": ["1", "2.5", "3", "4", "5.5", "6", "7", "8", "9.25", "n/k"],
    "answer": ["yes", "no", "yes", "", "no"],
    "tags": ["a|b", "b;c", "Smith, J.", 'say "so"', "a|b"],
}


def with_comma(text: str) -> str:
    """A number with a decimal comma and points between thousands."""
    return text.translate(str.maketrans(",.", ".,"))


COMMA = {
    **POINT,
    **{name: list(map(with_comma, POINT[name])) for name in ("plain", "thousands", "percent")},
    "money": ["5,20 €", "-7 €", "1.250 €", "0,99 €", "", "12 €"],
    "stray": ["1", "2,5", "3", "4", "5,5", "6", "7", "8", "9,25", "n/k"],
    "iso": ["2024-01-31", "2024-02-29 13:45", "", "2024-05-06"],
}

DIALECTS: dict[str, tuple[dict[str, list[str]], str, str]] = {
    "comma": (POINT, ",", "utf-8"),
    "tab": (POINT, "\t", "utf-16"),
    "semicolon and decimal comma": (COMMA, ";", "cp1252"),
    "bar": (POINT, "|", "utf-8-sig"),
}


def table_of(kinds: dict[str, list[str]]) -> dict[str, list[str]]:
    """Each kind repeated over the rows, each column in another order, and a target."""
    columns = {"y": [str(row % 7) for row in range(ROWS)]}
    dice = np.random.default_rng(0)
    for name, values in kinds.items():
        places = dice.permutation(np.arange(ROWS) % len(values))
        columns[name] = [values[place] for place in places]
    return columns


def written(columns: dict[str, list[str]], rows: Any, separator: str) -> str:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=separator, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([values[row] for values in columns.values()] for row in rows)
    return text.getvalue()


@pytest.fixture(scope="module", params=list(DIALECTS))
def reader(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[Any], Any]:
    """Reads some rows of a table of every kind, in one dialect, by the form of all of its rows."""
    kinds, separator, encoding = DIALECTS[request.param]
    path = tmp_path_factory.mktemp("rows") / "t.csv"
    columns = table_of(kinds)

    def save(rows: Any) -> Path:
        path.write_bytes(written(columns, rows, separator).encode(encoding))
        return path

    table = read_table(save(range(ROWS)))
    preparation = Preparation.learn(table, "y", choose_target(table, "y", "regression").task)

    def features(rows: Any) -> Any:
        return preparation.features(read_table(save(rows), form=preparation.form))

    return features


def test_each_row_alone(reader: Callable[[Any], Any]) -> None:
    whole = reader(range(ROWS))
    alone = [reader([row]) for row in range(0, ROWS, 4)]
    assert np.concatenate(alone).tobytes() == whole[::4].tobytes()


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rows=st.lists(st.integers(0, ROWS - 1), min_size=1, max_size=ROWS))
def test_any_rows_in_any_order(reader: Callable[[Any], Any], rows: list[int]) -> None:
    assert reader(rows).tobytes() == reader(range(ROWS))[rows].tobytes()


TYPED: dict[str, list[Any]] = {
    "number": [1.5, -2.0, None, 1e300, -0.0, 7.25],
    "whole": [10, -3, None, 12, 0],
    "long": [9007199254740993, 9007199254740992, None, 9007199254740995],
    "text": ["NA", "x", None, "y", "NULL"],
    "flag": [True, False, None, True],
    "moment": [pd.Timestamp("2024-02-29 13:45"), None, pd.Timestamp("2023-01-01")],
    "length": [pd.Timedelta(minutes=2), pd.Timedelta(days=1, hours=3), None],
    "grade": ["1.0", "2.0", "3+", None],
}


def typed_frame() -> pd.DataFrame:
    dice = np.random.default_rng(1)
    columns: dict[str, Any] = {"y": np.arange(ROWS) % 7 / 2}
    for name, values in TYPED.items():
        places = dice.permutation(np.arange(ROWS) % len(values))
        columns[name] = pd.Series([values[place] for place in places], dtype=object)
    frame = pd.DataFrame(columns)
    frame["whole"] = frame["whole"].astype("Int64")
    frame["long"] = frame["long"].astype("Int64")
    frame["number"] = frame["number"].astype(float)
    frame["flag"] = frame["flag"].astype("boolean")
    frame["moment"] = pd.to_datetime(frame["moment"])
    frame["length"] = pd.to_timedelta(frame["length"])
    frame["grade"] = frame["grade"].astype("category")
    return frame


def as_mapping(frame: pd.DataFrame) -> Any:
    return {name: [None if pd.isna(v) else v for v in frame[name]] for name in frame}


def as_parquet(frame: pd.DataFrame, folder: Path) -> Any:
    frame.to_parquet(folder / "t.parquet")
    return folder / "t.parquet"


def as_json(frame: pd.DataFrame, folder: Path) -> Any:
    records = [
        {name: _plain(value) for name, value in row.items() if not pd.isna(value)}
        for row in frame.to_dict("records")
    ]
    (folder / "t.json").write_text("\n".join(map(json.dumps, records)))
    return folder / "t.json"


def _plain(value: Any) -> Any:
    if isinstance(value, pd.Timestamp | pd.Timedelta):
        return str(value)
    return value.item() if hasattr(value, "item") else value


SOURCES: dict[str, Callable[[pd.DataFrame, Path], Any]] = {
    "pandas": lambda frame, folder: frame,
    "polars": lambda frame, folder: pl.from_pandas(frame),
    "mapping": lambda frame, folder: as_mapping(frame),
    "parquet": as_parquet,
    "json": as_json,
}


@pytest.mark.parametrize("source", SOURCES)
def test_typed_rows(source: str, tmp_path: Path) -> None:
    make, frame = SOURCES[source], typed_frame()
    table = read_table(make(frame, tmp_path))
    preparation = Preparation.learn(table, "y", choose_target(table, "y", "regression").task)

    def features(rows: Any) -> Any:
        part = frame.iloc[rows].reset_index(drop=True)
        return preparation.features(read_table(make(part, tmp_path), form=preparation.form))

    whole = features(np.arange(ROWS))
    alone = np.concatenate([features([row]) for row in range(0, ROWS, 3)])
    assert alone.tobytes() == whole[::3].tobytes()
    order = np.random.default_rng(2).permutation(ROWS)
    assert features(order).tobytes() == whole[order].tobytes()


@pytest.mark.parametrize("source", SOURCES)
def test_every_source_gives_the_same_features(source: str, tmp_path: Path) -> None:
    """A model trained on a frame reads the same rows from any source alike."""
    frame = typed_frame()
    table = read_table(frame)
    preparation = Preparation.learn(table, "y", choose_target(table, "y", "regression").task)
    wanted = preparation.features(table)
    got = preparation.features(read_table(SOURCES[source](frame, tmp_path), form=preparation.form))
    assert got.tobytes() == wanted.tobytes()
