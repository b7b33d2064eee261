"""How a CSV file is written: its separator, and where its header stands.

The separator is told from the header and the rows below it, by a rule that gives the same answer on
every machine: the one that cuts the header into most pieces and the next rows into as many.
"""

import csv
from dataclasses import dataclass
from io import StringIO
from itertools import pairwise

from pellucid.data.file_kind import TableFile
from pellucid.data.note import Note, counted, quoted
from pellucid.data.number_text import parse_number
from pellucid.data.table import repeated_names
from pellucid.errors import DataError

SEPARATORS = (",", "\t", ";", "|")
"""Separators that are tried, in this order."""

_LOOK = 20


@dataclass(frozen=True)
class Dialect:
    """How to read a CSV file: columns in order, the separator, and the records before the data."""

    names: tuple[str, ...]
    separator: str
    skipped: int
    notes: tuple[Note, ...] = ()


def find_dialect(file: TableFile) -> Dialect:
    """The dialect of a CSV file; a repeated column name raises `DataError`, naming it."""
    separator = max(SEPARATORS, key=lambda mark: _fit(file.head, mark))
    records = _records(file.head, separator)
    before = _before_header(records)
    first = [cell.strip() for cell in records[before]]
    following = [record for record in records[before + 1 :] if any(record)]
    notes = []
    if before and any(any(record) for record in records[:before]):
        text = f"The first {counted(before, 'line')} of {file.path} stand before the header."
        notes.append(Note("", text, before))
    if _is_header(first, following[0] if following else None):
        names = [name or f"unnamed{position}" for position, name in enumerate(first)]
        _check_names(file, names)
        return Dialect(tuple(names), separator, before + 1, tuple(notes))
    names = [f"x{position}" for position in range(len(first))]
    text = f"{file.path} has no header, so its columns are called x0, x1 and so on."
    return Dialect(tuple(names), separator, before, (*notes, Note("", text)))


def _check_names(file: TableFile, names: list[str]) -> None:
    repeated = repeated_names(names)
    if repeated:
        raise DataError(
            f"{file.path} names more than one column {quoted(repeated)}: "
            "give every column a name of its own."
        )


def _records(head: str, separator: str) -> list[list[str]]:
    """The first records of the text; [""] stands for an empty line, as a reader skips over it."""
    reader = csv.reader(StringIO(head, newline=""), delimiter=separator)
    records: list[list[str]] = []
    try:
        for record in reader:
            records.append(record or [""])
            if len(records) > 10 * _LOOK:
                break
    except csv.Error:
        records = [line.split(separator) for line in head.splitlines()[: 10 * _LOOK]]
    return records or [[""]]


def _fit(head: str, separator: str) -> tuple[int, int]:
    """How well a separator fits: rows cut like the header (0 where it cuts nothing), and pieces."""
    records = _records(head, separator)
    start = _before_header(records)
    width = len(records[start])
    if width == 1:
        return 0, 1
    alike = sum(len(record) == width for record in records[start : start + _LOOK])
    return alike, width


def _before_header(records: list[list[str]]) -> int:
    """Records before the header: blank lines, lines starting with #, a title in a single cell."""
    width = max(len(record) for record in records)
    for position, record in enumerate(records):
        blank = not any(cell.strip() for cell in record)
        comment = record[0].lstrip("\ufeff ").startswith("#") and len(record) < width
        title = len(record) == 1 and width > 1
        if not (blank or comment or title):
            return position
    return 0


def _is_header(first: list[str], second: list[str] | None) -> bool:
    """Whether a row of cells names columns rather than being data.

    It does when no cell is a number, or when its numbers count up one by one beside other names or
    from 0 (columns called 0, 1, 2 … or by years), unless the row below does the same.
    """
    numbers = [parse_number(cell) for cell in first if cell]
    values = [number for number in numbers if number is not None]
    if not values:
        return True
    counting = len(values) > 1 and all(after == before + 1 for before, after in pairwise(values))
    named = len(values) < len(numbers) or values[0] == 0
    return counting and named and (second is None or second != first)
