"""A frame that any writer wrote, in any dialect, is read with the values that it had."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pellucid.data import Table, read_table
from pellucid.data.column import BooleanColumn, DateColumn, NumberColumn, TextColumn

ROWS = 30
EPOCH = datetime(1970, 1, 1)


@dataclass(frozen=True)
class Frame:
    """The columns of a table as Python values; None is missing."""

    price: list[float | None]
    count: list[int]
    day: list[datetime]
    moment: list[datetime]
    paid: list[bool]
    who: list[str]

    @property
    def names(self) -> list[str]:
        return ["price", "count", "day", "moment", "paid", "who"]

    def pandas(self) -> pd.DataFrame:
        return pd.DataFrame({name: getattr(self, name) for name in self.names})


WHO = st.sampled_from(
    ["Smith, Ann", "O'Neil; Bob", 'the "boss"', "Żółć", "a|b|c", "plain", "two words", "Müller"]
)


@st.composite
def frames(draw: st.DrawFn) -> Frame:
    dice = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    cents = dice.integers(-(10 ** draw(st.integers(3, 8))), 10 ** draw(st.integers(3, 8)), ROWS)
    price: list[float | None] = [float(value) / 100 for value in cents.tolist()]
    # A value with cents, so that the decimal mark is seen.
    price[1] = 1234.56
    for row in dice.permutation(ROWS)[: draw(st.integers(0, 5))].tolist():
        price[row] = None if row != 1 else price[row]
    start = datetime(draw(st.integers(1971, 2037)), 1, 25)
    days = [start + timedelta(days=int(d)) for d in dice.integers(0, 3000, ROWS)]
    # A day above 12 decides between day and month.
    days[0] = start
    moments = [start + timedelta(minutes=int(m)) for m in dice.integers(0, 500_000, ROWS)]
    moments[0] = start + timedelta(minutes=1)
    paid = [bool(b) for b in dice.integers(0, 2, ROWS)]
    # One word would not tell a Central European encoding from others.
    who = ["Zażółć gęślą jaźń", *(draw(WHO) for _ in range(ROWS - 1))]
    return Frame(price, dice.integers(-9999, 9999, ROWS).tolist(), days, moments, paid, who)


def seconds(moments: list[datetime]) -> list[int]:
    return [int((moment - EPOCH).total_seconds()) for moment in moments]


def check(table: Table, frame: Frame) -> None:
    price, count = table.column("price"), table.column("count")
    assert isinstance(price, NumberColumn) and isinstance(count, NumberColumn)
    wanted = np.array([np.nan if value is None else value for value in frame.price])
    np.testing.assert_array_equal(price.values, wanted)
    assert count.values.tolist() == frame.count
    for name in ("day", "moment"):
        column = table.column(name)
        assert isinstance(column, DateColumn), name
        assert column.seconds.tolist() == seconds(getattr(frame, name)), name
    paid = table.column("paid")
    if isinstance(paid, TextColumn):
        words = {"true": True, "TRUE": True, "True": True, "WAHR": True, "yes": True}
        assert [paid.levels[code] in words for code in paid.codes] == frame.paid
    else:
        assert isinstance(paid, BooleanColumn | NumberColumn)
        states: Any = paid.states if isinstance(paid, BooleanColumn) else paid.values
        assert [state == 1 for state in states.tolist()] == frame.paid
    who = table.column("who")
    assert isinstance(who, TextColumn)
    assert [who.levels[code] for code in who.codes] == frame.who


EVERY = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@EVERY
@given(
    frames(),
    st.sampled_from([(",", "."), (";", ","), ("\t", "."), ("\t", ","), ("|", ".")]),
    st.sampled_from(["%Y-%m-%d %H:%M:%S", "%d.%m.%Y %H:%M", "%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1250"]),
    st.sampled_from(["", "NA", "NULL", "#N/A"]),
)
def test_pandas(
    tmp_path: Path,
    frame: Frame,
    marks: tuple[str, str],
    form: str,
    encoding: str,
    missing: str,
) -> None:
    path = tmp_path / "t.csv"
    separator, decimal = marks
    frame.pandas().to_csv(
        path,
        sep=separator,
        decimal=decimal,
        date_format=form,
        encoding=encoding,
        na_rep=missing,
        index=False,
    )
    check(read_table(path), frame)


@EVERY
@given(frames(), st.sampled_from([",", ";", "\t", "|"]), st.sampled_from(["always", "necessary"]))
def test_polars(tmp_path: Path, frame: Frame, separator: str, style: Any) -> None:
    path = tmp_path / "t.csv"
    data = pl.DataFrame({name: getattr(frame, name) for name in frame.names})
    data.write_csv(path, separator=separator, quote_style=style, datetime_format="%Y/%m/%d %H:%M")
    check(read_table(path), frame)
    data.write_parquet(tmp_path / "t.parquet")
    check(read_table(tmp_path / "t.parquet"), frame)
    data.write_ndjson(tmp_path / "t.jsonl")
    check(read_table(tmp_path / "t.jsonl"), frame)
    check(read_table(data), frame)


def german(value: float | None, unit: str) -> str:
    """1.234,50 €"""
    if value is None:
        return ""
    whole = f"{value:,.2f}".translate(str.maketrans(",.", ".,"))
    return whole + unit


def swiss(value: float | None, unit: str) -> str:
    """1'234.50"""
    return "" if value is None else f"{value:,.2f}".replace(",", "'") + unit


def accounting(value: float | None, unit: str) -> str:
    """($1,234.50)"""
    if value is None:
        return ""
    return f"(${-value:,.2f})" if value < 0 else f"${value:,.2f}"


EXCEL: list[tuple[str, Callable[[float | None, str], str], str, str, str]] = [
    (";", german, " €", "%d.%m.%Y", "%d.%m.%Y %H:%M"),
    (";", german, "", "%d.%m.%y", "%d.%m.%y %H:%M"),
    (";", swiss, "", "%d.%m.%Y", "%d.%m.%Y %H:%M"),
    (",", accounting, "", "%m/%d/%Y", "%m/%d/%Y %I:%M %p"),
    ("\t", german, " kg", "%d-%b-%Y", "%d-%b-%Y %H:%M"),
]


@EVERY
@given(frames(), st.sampled_from(EXCEL), st.sampled_from(["cp1250", "utf-8-sig", "utf-16"]))
def test_excel(
    tmp_path: Path,
    frame: Frame,
    dialect: tuple[str, Callable[[float | None, str], str], str, str, str],
    encoding: str,
) -> None:
    separator, number, unit, day, moment = dialect

    def cell(text: str) -> str:
        marked = any(mark in text for mark in (separator, '"', "\n"))
        return '"' + text.replace('"', '""') + '"' if marked else text

    lines = [separator.join(frame.names)]
    for row in range(ROWS):
        cells = [
            number(frame.price[row], unit),
            str(frame.count[row]),
            frame.day[row].strftime(day),
            frame.moment[row].strftime(moment),
            "TRUE" if frame.paid[row] else "FALSE",
            frame.who[row],
        ]
        lines.append(separator.join(map(cell, cells)))
    path = tmp_path / "t.csv"
    path.write_bytes("\r\n".join([*lines, ""]).encode(encoding))
    check(read_table(path), frame)


@EVERY
@given(frames(), st.sampled_from([" ", ",", ";", "\t"]), st.booleans())
def test_r(tmp_path: Path, frame: Frame, separator: str, row_names: bool) -> None:
    decimal = "," if separator == ";" else "."

    def cell(value: Any) -> str:
        if value is None:
            return "NA"
        if isinstance(value, bool):
            return str(value).upper()
        if isinstance(value, float):
            return f"{value:.15g}".replace(".", decimal)
        if isinstance(value, datetime):
            return '"' + value.strftime("%Y-%m-%d %H:%M:%S") + '"'
        doubled = str(value).replace('"', '""')
        return doubled if isinstance(value, int) else f'"{doubled}"'

    names = [cell(name) for name in frame.names]
    lines = [separator.join(['""', *names] if row_names else names)]
    for row in range(ROWS):
        cells = [cell(getattr(frame, name)[row]) for name in frame.names]
        lines.append(separator.join([f'"{row + 1}"', *cells] if row_names else cells))
    path = tmp_path / "t.csv"
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")
    check(read_table(path), frame)
