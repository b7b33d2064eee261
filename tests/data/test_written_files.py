"""Frames written by pandas, polars, Excel-like and R-like writers are read with the same cells."""

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pandas as pd
import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.data.raw_texts import raw_texts

Quoting = Literal[0, 1, 2]
Style = Literal["necessary", "always"]

FEWEST_ROWS = 4


@dataclass(frozen=True)
class Frame:
    """Columns of written cells by name; numbers have a decimal point."""

    columns: dict[str, list[str]]
    numbers: frozenset[str]

    @property
    def names(self) -> list[str]:
        return list(self.columns)

    def rows(self, decimal: str = ".") -> list[list[str]]:
        columns = [
            [cell.replace(".", decimal) for cell in cells] if name in self.numbers else cells
            for name, cells in self.columns.items()
        ]
        return [list(row) for row in zip(*columns, strict=True)]


WORDS = st.text("abcdefgh", min_size=1, max_size=6)
PROSE = st.lists(WORDS, min_size=1, max_size=3).map(" ".join)
MARKED = st.one_of(
    PROSE,
    st.tuples(WORDS, WORDS).map(", ".join),
    st.tuples(WORDS, WORDS).map("; ".join),
    st.tuples(WORDS, WORDS, WORDS).map("|".join),
    st.tuples(WORDS, WORDS).map(lambda pair: f'{pair[0]} "{pair[1]}"'),
    WORDS.map(lambda word: f'"{word}"'),
    WORDS.map(lambda word: f"{word}'s"),
    st.tuples(WORDS, WORDS).map("\n".join),
    st.just(""),
)
DECIMALS = st.decimals(-9999, 9999, places=2, allow_nan=False).map(str)
WHOLE = st.integers(-99999, 99999).map(str)
DAYS = st.dates().map(lambda day: day.isoformat())


@st.composite
def frames(draw: st.DrawFn, texts: st.SearchStrategy[str] = MARKED) -> Frame:
    """Frames of 2 to 5 columns, the first one of numbers, and at least `FEWEST_ROWS` rows."""
    rows = draw(st.integers(FEWEST_ROWS, 25))
    kinds = ["decimal", *draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=4))]
    names = draw(
        st.lists(
            WORDS.map(lambda word: f"n{word}"),
            min_size=len(kinds),
            max_size=len(kinds),
            unique=True,
        )
    )
    values = {"decimal": DECIMALS, "whole": WHOLE, "day": DAYS, "text": texts}
    columns = {
        name: draw(st.lists(values[kind], min_size=rows, max_size=rows))
        for name, kind in zip(names, kinds, strict=True)
    }
    numbers = {name for name, kind in zip(names, kinds, strict=True) if kind == "decimal"}
    return Frame(columns, frozenset(numbers))


KINDS = ("decimal", "whole", "day", "text")
QUICK = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def check(
    frame: Frame, data: bytes, folder: Path, decimal: str = ".", names: list[str] | None = None
) -> None:
    path = folder / "table.csv"
    path.write_bytes(data)
    read = raw_texts(path)
    assert read.names == (names or frame.names)
    assert read.cells == frame.rows(decimal)


def by_csv(frame: Frame, separator: str, end: str, quoting: int, decimal: str) -> str:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=separator, lineterminator=end, quoting=quoting)  # type: ignore[arg-type]
    writer.writerow(frame.names)
    writer.writerows(frame.rows(decimal))
    return text.getvalue()


@QUICK
@given(
    frames(),
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    st.sampled_from(["\n", "\r\n"]),
)
def test_pandas(tmp_path: Path, frame: Frame, separator: str, quoting: Quoting, end: str) -> None:
    written = pd.DataFrame(frame.columns).to_csv(
        sep=separator, index=False, quoting=quoting, lineterminator=end
    )
    assert isinstance(written, str)
    check(frame, written.encode(), tmp_path)


@QUICK
@given(frames(), st.sampled_from([",", ";", "\t", "|"]), st.sampled_from(["necessary", "always"]))
def test_polars(tmp_path: Path, frame: Frame, separator: str, style: Style) -> None:
    table = pl.DataFrame(frame.columns)
    written = table.write_csv(separator=separator, quote_style=style)
    check(frame, written.encode(), tmp_path)


@QUICK
@given(frames(), st.sampled_from(["utf-8-sig", "utf-16", "utf-8"]), st.booleans())
def test_excel(tmp_path: Path, frame: Frame, encoding: str, stated: bool) -> None:
    separator = "\t" if encoding == "utf-16" else ";"
    text = by_csv(frame, separator, "\r\n", csv.QUOTE_MINIMAL, ",")
    if stated:
        text = f"sep={separator}\r\n{text}"
    check(frame, text.encode(encoding), tmp_path, ",")


def quoted(cell: str, escape: Callable[[str], str]) -> str:
    return f'"{escape(cell)}"'


def doubled(cell: str) -> str:
    return cell.replace('"', '""')


def backslashed(cell: str) -> str:
    return cell.replace("\\", "\\\\").replace('"', '\\"')


def by_r(
    frame: Frame,
    separator: str,
    decimal: str,
    row_names: bool,
    corner: bool,
    escape: Callable[[str], str],
) -> str:
    """As `write.table` and `write.csv` of R write: texts and names in quotes, numbers without."""
    typed = [name for name, cells in frame.columns.items() if all(map(is_plain, cells))]
    header = [quoted(name, escape) for name in frame.names]
    lines = [separator.join([*(['""'] if row_names and corner else []), *header])]
    for number, row in enumerate(frame.rows(decimal), 1):
        cells = [
            cell if name in typed else quoted(cell, escape)
            for name, cell in zip(frame.names, row, strict=True)
        ]
        lines.append(separator.join([*([f'"r{number}"'] if row_names else []), *cells]))
    return "\n".join(lines) + "\n"


def is_plain(cell: str) -> bool:
    return cell.lstrip("-").replace(".", "", 1).isdecimal()


def with_row_names(frame: Frame, name: str) -> Frame:
    rows = len(next(iter(frame.columns.values())))
    return Frame({name: [f"r{row}" for row in range(1, rows + 1)], **frame.columns}, frame.numbers)


@QUICK
@given(
    frames(),
    st.sampled_from([(",", ".", True), (";", ",", True), (" ", ".", False), ("\t", ".", False)]),
    st.booleans(),
)
def test_r(tmp_path: Path, frame: Frame, dialect: tuple[str, str, bool], row_names: bool) -> None:
    separator, decimal, corner = dialect
    escape = doubled if corner else backslashed
    text = by_r(frame, separator, decimal, row_names, corner, escape)
    wanted = with_row_names(frame, "unnamed0" if corner else "rownames") if row_names else frame
    check(wanted, text.encode(), tmp_path, decimal)


@QUICK
@given(frames(PROSE))
def test_pandas_to_string(tmp_path: Path, frame: Frame) -> None:
    wanted = Frame({"rownames": [], **frame.columns}, frame.numbers)
    rows = len(next(iter(frame.columns.values())))
    wanted.columns["rownames"] = [str(row) for row in range(rows)]
    check(wanted, (pd.DataFrame(frame.columns).to_string() + "\n").encode(), tmp_path)
