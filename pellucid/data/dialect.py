"""The dialect of a CSV file: its separator and the line of its header.

The separator is the one that cuts the most rows into as many cells as the header. The separator that
gives more cells wins a tie.
"""

import csv
from dataclasses import dataclass
from io import StringIO
from itertools import pairwise

from pellucid.data.file_kind import TableFile
from pellucid.data.note import Note, counted
from pellucid.data.number_text import parse_number
from pellucid.data.table import check_names

SEPARATORS = (",", "\t", ";", "|")
"""Separators, in the order of trial."""

_SAMPLE_ROWS = 20


@dataclass(frozen=True)
class Dialect:
    """How to read a CSV file: its column names, its separator, and the records before the data."""

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
        check_names(names, str(file.path))
        return Dialect(tuple(names), separator, before + 1, tuple(notes))
    names = [f"x{position}" for position in range(len(first))]
    text = f"{file.path} has no header, so its columns are called x0, x1 and so on."
    return Dialect(tuple(names), separator, before, (*notes, Note("", text)))


def _records(head: str, separator: str) -> list[list[str]]:
    """The first records of the text; an empty line is [""]."""
    reader = csv.reader(StringIO(head, newline=""), delimiter=separator)
    records: list[list[str]] = []
    try:
        for record in reader:
            records.append(record or [""])
            if len(records) > 10 * _SAMPLE_ROWS:
                break
    except csv.Error:
        records = [line.split(separator) for line in head.splitlines()[: 10 * _SAMPLE_ROWS]]
    return records or [[""]]


def _fit(head: str, separator: str) -> tuple[int, int]:
    """Rows with as many cells as the header (0 where it has one cell), and the number of cells."""
    records = _records(head, separator)
    start = _before_header(records)
    width = len(records[start])
    if width == 1:
        return 0, 1
    matching = sum(len(record) == width for record in records[start : start + _SAMPLE_ROWS])
    return matching, width


def _before_header(records: list[list[str]]) -> int:
    """The number of records before the header: blank lines, comments (#), titles of one cell."""
    width = max(len(record) for record in records)
    for position, record in enumerate(records):
        blank = not any(cell.strip() for cell in record)
        comment = record[0].lstrip("\ufeff ").startswith("#") and len(record) < width
        title = len(record) == 1 and width > 1
        if not (blank or comment or title):
            return position
    return 0


def _is_header(first: list[str], second: list[str] | None) -> bool:
    """Whether a row is a header rather than data.

    It is where no cell is a number. It also is where its numbers are consecutive (columns named by
    years, or 0, 1, 2 …), stand beside names or start at 0, and the next row differs.
    """
    numbers = [parse_number(cell) for cell in first if cell]
    values = [number for number in numbers if number is not None]
    if not values:
        return True
    counting = len(values) > 1 and all(after == before + 1 for before, after in pairwise(values))
    named = len(values) < len(numbers) or values[0] == 0
    return counting and named and (second is None or second != first)
