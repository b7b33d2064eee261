"""Reading a table from a file, a data frame or arrays."""

from collections.abc import Mapping
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from pellucid.data.arrays import table_from_array, table_from_columns
from pellucid.data.column import Column, NumberColumn
from pellucid.data.files import read_file
from pellucid.data.frames import is_frame, table_from_frame
from pellucid.data.note import Note, Progress, counted, quiet
from pellucid.data.options import ReadOptions
from pellucid.data.table import Table
from pellucid.errors import DataError

LARGEST = 1e120
"""Numbers beyond ±this count as infinite; sums of squares of smaller ones do not overflow."""


def read_table(
    source: Any, options: ReadOptions | None = None, *, progress: Progress = quiet
) -> Table:
    """The table in a file, a data frame, an array or a mapping of arrays.

    `source`: path of a CSV, TSV, Parquet or JSON file (text files may be gzipped); a frame or
    series of pandas, polars or pyarrow; a NumPy array (n,), (n, d) or structured; a mapping from
    names to arrays; or a `Table`.

    options:  how the table is written, where that should not be detected; see `ReadOptions`.
    progress: receives a line at each stage.

    Infinite numbers count as missing and give a note. A source that is not a table raises a
    `DataError` with one sentence.
    """
    if isinstance(source, Table):
        return source
    return _finite(_read(source, options, progress))


def _read(source: Any, options: ReadOptions | None, progress: Progress) -> Table:
    if isinstance(source, str | PathLike):
        return read_file(Path(source), progress, options)
    if isinstance(source, np.ndarray):
        return table_from_array(source)
    if isinstance(source, Mapping):
        return table_from_columns(source)
    if is_frame(source):
        return table_from_frame(source)
    raise DataError(
        f"A {type(source).__name__} is not a table: give the path of a CSV, TSV, Parquet or JSON "
        "file, a data frame, a NumPy array or a mapping of column names to arrays."
    )


def _finite(table: Table) -> Table:
    """The table with infinite numbers as missing, and a note for each column that had any."""
    converted = [_without_infinities(column) for column in table.columns]
    notes = (*table.notes, *(note for _, note in converted if note))
    return replace(table, columns=tuple(column for column, _ in converted), notes=notes)


def _without_infinities(column: Column) -> tuple[Column, Note | None]:
    if not isinstance(column, NumberColumn):
        return column, None
    infinite = np.abs(column.values) > np.float64(LARGEST)
    count = int(infinite.sum())
    if not count:
        return column, None
    verb, size = ("is", "counts") if count == 1 else ("are", "count")
    text = f"{counted(count, 'value')} of '{column.name}' {verb} infinite and {size} as missing."
    values = column.values.copy()
    values[infinite] = np.nan
    return replace(column, values=values), Note(column.name, text, count)
