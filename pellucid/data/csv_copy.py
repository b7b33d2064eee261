"""The rows of a text file, one by one, where DuckDB cannot read it as it is.

Short rows are filled with missing values, footers are left out, and both are noted. A row of too many
values is an error that names its line.
"""

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from pellucid.data.dialect import Dialect
from pellucid.data.dialect.cells import is_typed
from pellucid.data.dialect.records import SPACES, WIDE_SPACES, Record, records
from pellucid.data.note import Note, counted, shortened
from pellucid.errors import DataError

_ROW_COUNT = re.compile(
    r"\(?\d[\d.,]* (?:rows?|records?|lines?|lignes|zeilen|filas|строк)\b.*", re.IGNORECASE
)
"""A line that counts the rows above it."""

FOOTER = re.compile(
    r"\W*(?:\d[\d.,]* (?:rows?|records?|lines?|lignes|zeilen|filas|строк)\b.*"
    r"|(?:sources?|quellen?|fuentes?|notes?|footnotes?|hinweis|remarks?|anmerkung(?:en)?|stand|"
    r"last updated|updated|prepared by|compiled by|created|erstellt|copyright|data from|end of|eof|"
    r"generated|exported|printed)\b.*)",
    re.IGNORECASE | re.DOTALL,
)
"""The first words of lines below a table."""

_LISTED_LINES = 10


@dataclass
class Irregular:
    """The lines of a file that are no plain rows, as they are met."""

    source: str
    width: int
    short: list[int] = field(default_factory=list)
    broken: list[int] = field(default_factory=list)
    footers: list[Record] = field(default_factory=list)

    def notes(self) -> list[Note]:
        """A note for each kind of irregular line."""
        notes = []
        if self.short:
            values = f"fewer than {self.width} values"
            text = (
                f"{counted(len(self.short), 'row')} of {self.source} {_has(self.short)} {values}, and "
                f"the last ones count as missing: {listed_lines(self.short)}."
            )
            notes.append(Note("", text, len(self.short)))
        if self.broken:
            text = (
                f"{counted(len(self.broken), 'row')} of {self.source} {_has(self.broken)} text beside "
                f"the quotation marks of a value; it was read as part of the value: "
                f"{listed_lines(self.broken)}."
            )
            notes.append(Note("", text, len(self.broken)))
        if self.footers:
            numbers = [record.line for record in self.footers]
            first = shortened(" ".join(self.footers[0].cells))
            text = (
                f"{counted(len(numbers), 'line')} below the table in {self.source} "
                f"{'is' if len(numbers) == 1 else 'are'} left out: {listed_lines(numbers)} ('{first}')."
            )
            notes.append(Note("", text, len(numbers)))
        return notes


def _has(lines: list[int]) -> str:
    return "has" if len(lines) == 1 else "have"


def listed_lines(lines: Sequence[int]) -> str:
    """The numbers of lines in words: "line 3", "lines 3, 5 and 7 more"."""
    listed = ", ".join(f"{line:,}" for line in lines[:_LISTED_LINES])
    more = len(lines) - _LISTED_LINES
    tail = f" and {more:,} more" if more > 0 else ""
    return f"line {listed}" if len(lines) == 1 else f"lines {listed}{tail}"


def data_records(data: Path, dialect: Dialect) -> Iterator[Record]:
    """The records of the file `data` from the first row of data on, with their lines in the file."""
    before = dialect.first_line - 1
    with data.open(encoding="utf-8-sig", newline=None) as file:
        for record in records(islice(file, before, None), dialect.marks):
            yield Record(record.line + before, record.cells, record.broken, record.unclosed)


def rows(data: Path, dialect: Dialect, irregular: Irregular) -> Iterator[Record]:
    """The rows of the file, each with as many cells as there are columns."""
    width = irregular.width
    pending: list[Record] = []
    blank_before: set[int] = set()
    after_blank = False
    for record in data_records(data, dialect):
        if record.unclosed:
            raise DataError(
                f"A quotation mark is never closed in line {record.line:,} of {irregular.source}, or a "
                f"value is longer than {csv.field_size_limit():,} characters."
            )
        if record.is_blank and width > 1:
            after_blank = after_blank or len(record.cells) == 1
            if len(record.cells) == width:
                yield from _filled(pending, irregular)
                pending = []
                yield record
            continue
        if after_blank:
            blank_before.add(record.line)
        after_blank = False
        if (
            len(record.cells) < width
            or (record.broken and dialect.marks.starts)
            or _counts_rows(record, dialect)
        ):
            pending.append(record)
            if len(pending) > _LONGEST_FOOTER:
                yield from _filled(pending[:1], irregular)
                del pending[:1]
            continue
        yield from _filled(pending, irregular)
        pending = []
        yield _fitted(record, irregular)
    first = _first_footer(pending, blank_before)
    yield from _filled(pending[:first], irregular)
    irregular.footers.extend(pending[first:])


_LONGEST_FOOTER = 100


def _filled(short: list[Record], irregular: Irregular) -> Iterator[Record]:
    for record in short:
        if record.broken and len(record.cells) == irregular.width:
            raise DataError(
                f"Line {record.line:,} of {irregular.source} does not keep to the columns of fixed "
                "width that the lines before it have: divide its columns by a mark, such as a tab."
            )
        if len(record.cells) >= irregular.width:
            yield _fitted(record, irregular)
            continue
        irregular.short.append(record.line)
        lacking = irregular.width - len(record.cells)
        yield Record(record.line, record.cells + [""] * lacking)


def _fitted(record: Record, irregular: Irregular) -> Record:
    cells, width = record.cells, irregular.width
    if record.broken:
        irregular.broken.append(record.line)
    if len(cells) > width:
        if any(cell.strip() for cell in cells[width:]):
            raise DataError(
                f"Line {record.line:,} of {irregular.source} has {len(cells)} values where the header "
                f"has {counted(width, 'column')}: correct that line and try again."
            )
        return Record(record.line, cells[:width])
    return record


def _first_footer(pending: list[Record], blank_before: set[int]) -> int:
    """The index of the first footer among the short rows at the end."""
    for index, record in enumerate(pending):
        if all(_is_footer(other) for other in pending[index:]):
            return index
        if record.line in blank_before and _is_text(record):
            return index
    return len(pending)


def _is_footer(record: Record) -> bool:
    """Whether a row is no row of data: one text that is no value, or the words of a footer.

    In columns of fixed width a footer goes across them.
    """
    if _ROW_COUNT.fullmatch(" ".join(record.cells)):
        return True
    return _is_text(record) and (
        len(record.cells) == 1 or record.broken or FOOTER.match(" ".join(record.cells)) is not None
    )


def _counts_rows(record: Record, dialect: Dialect) -> bool:
    """Whether spaces divide a line such as `(24 rows affected)` into as many cells as the rows have."""
    spaced = dialect.marks.separator in (SPACES, WIDE_SPACES)
    return spaced and _ROW_COUNT.fullmatch(" ".join(record.cells)) is not None


def _is_text(record: Record) -> bool:
    return not is_typed(record.cells[0])


def write_rows(data: Path, dialect: Dialect, copy: Path, irregular: Irregular) -> None:
    """Writes the rows to `copy` as plain CSV without a header, each value in quotation marks."""
    with copy.open("w", encoding="utf-8", newline="") as target:
        writer = csv.writer(target, quoting=csv.QUOTE_ALL, lineterminator="\n")
        writer.writerows(record.cells for record in rows(data, dialect, irregular))
