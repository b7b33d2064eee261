"""Whatever texts a column holds: reading it by the form that it decides gives the same column."""

import csv
import datetime
import io
import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid.data import Table, read_table
from pellucid.data.column import TextColumn

POOL = [
    *("", " ", "NA", "n/a", "?", "None", "nan", "inf", "-inf", "∞", "null"),
    *(
        "0",
        "1",
        "-1",
        "+7",
        "007",
        "1.0",
        "1.",
        ".5",
        "-0.0",
        "1e5",
        "1E400",
        "1_000",
        "+-3",
        "0x1A",
    ),
    *("1,375", "1.375", "1,234.5", "1.234,5", "12.500", "987", "1 234", "1'234", "12,34,567"),
    *("$5", "-$5", "($5)", "5-", "- 5", "\u22125", "5 €", "12 %", "3 kg", "3 lb"),
    *("9007199254740993", "9007199254740992", "4929123412341234", "1" * 40),
    *("2024-01-31", "2024-02-30", "2024-1-5", "2024/01/05", "20240131", "2024-01-31 13:45"),
    *("2024-01-31T13:45:00Z", "2024-01-31 13:45:00+02:00", "2024-01-31 24:00:00", "epoch"),
    *("02/11/2023", "13/11/2023", "11/13/2023", "16.01.23", "16-Jan-23", "Mar-2018", "2023-W05"),
    *("13:45", "1:05 PM", "26:10:00", "0 days 00:02:00", "PT5M", "1700000000", "1700000000000"),
    *("True", "false", "TRUE", "yes", "no", "Unknown", "a", "A", " a ", "é", "日本", "DE", "ZA"),
]
TEXT = st.sampled_from(POOL) | st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=6)


@st.composite
def columns(draw: st.DrawFn) -> list[str]:
    """Some texts of the pool, repeated; often of one kind."""
    start = draw(st.integers(0, len(POOL) - 6))
    near = st.sampled_from(POOL[start : start + 6])
    some = draw(st.lists(near | TEXT if draw(st.booleans()) else near, min_size=1, max_size=8))
    rows = draw(st.integers(len(some), 30))
    return [some[row % len(some)] for row in range(rows)]


def content(table: Table, name: str = "a") -> list[Any]:
    column = table.column(name)
    if isinstance(column, TextColumn):
        return [None if code < 0 else column.levels[code] for code in column.codes]
    values = getattr(column, "values", getattr(column, "seconds", getattr(column, "states", None)))
    return [type(column).__name__, np.asarray(values).tobytes()]


@settings(max_examples=300, deadline=None)
@given(columns())
def test_a_mapping_read_by_its_form(texts: list[str]) -> None:
    table = read_table({"a": texts})
    assert content(read_table({"a": texts}, form=table.form)) == content(table)
    rows = [read_table({"a": [text]}, form=table.form).column("a") for text in texts]
    missing = [bool(row.missing()[0]) for row in rows]
    assert missing == table.column("a").missing().tolist()


OBJECTS: list[Any] = [
    *(None, True, False, 0, 1, 1.0, -2, 2.5, 7.0, float("nan"), float("inf"), 1e300, 1e16, 10**16),
    *(2**53 + 1, 2**53, 10**40, Decimal("1.10"), Decimal("NaN"), np.float32(0.1), np.int8(3)),
    *("1", "1.0", "1.10", "True", "false", "NA", "", " x ", "2.5", "2024-01-31", "13:45", "1e16"),
    *(datetime.date(2024, 1, 31), datetime.datetime(2024, 1, 31, 13, 45), datetime.time(13, 45)),
    *(datetime.timedelta(minutes=2), np.datetime64("2024-01-31"), np.datetime64("NaT"), b"x"),
]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(OBJECTS), min_size=1, max_size=8), st.integers(1, 4))
def test_objects_alone_and_together(some: list[Any], times: int) -> None:
    objects = some * times
    table = read_table({"a": objects})
    together = read_table({"a": objects}, form=table.form)
    assert content(together) == content(table)
    alone = [content(read_table({"a": [each]}, form=table.form)) for each in some]
    column = table.column("a")
    if isinstance(column, TextColumn):
        assert [each[0] for each in alone] == content(table)[: len(some)]
        return
    assert b"".join(each[1] for each in alone) * times == content(table)[1]


def saved(folder: str, texts: list[str]) -> Path:
    body = io.StringIO()
    writer = csv.writer(body, lineterminator="\n")
    writer.writerows([["a", "b"], *([text, f"x{row % 3}"] for row, text in enumerate(texts))])
    path = Path(folder) / "t.csv"
    path.write_bytes(body.getvalue().encode())
    return path


@settings(max_examples=60, deadline=None)
@given(columns())
def test_a_file_read_by_its_form(texts: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        table = read_table(saved(folder, texts))
        if table.names != ("a", "b") or table.rows != len(texts):
            return
        again = read_table(saved(folder, texts), form=table.form)
        assert content(again) == content(table)
        half = read_table(saved(folder, texts[::2]), form=table.form)
        mapped = read_table({"a": texts[::2]}, form=table.form)
        assert half.column("a").missing().tolist() == table.column("a").missing()[::2].tolist()
        assert content(half) == content(mapped)
