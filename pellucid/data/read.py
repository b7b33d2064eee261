"""Reading a table from a file, a data frame or arrays."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from pellucid.data.arrays import raw_array, raw_mapping
from pellucid.data.column import Column, NumberColumn
from pellucid.data.files import open_file
from pellucid.data.form.known import read_known, refitted
from pellucid.data.form.table import TableForm
from pellucid.data.form.training import read_training
from pellucid.data.frames import is_frame, raw_frame
from pellucid.data.note import Note, Progress, counted, quiet
from pellucid.data.options import ReadOptions
from pellucid.data.raw import RawTable
from pellucid.data.table import Table
from pellucid.errors import DataError


def read_table(
    source: Any,
    options: ReadOptions | None = None,
    form: TableForm | None = None,
    *,
    keep_rows: bool | None = None,
    progress: Progress = quiet,
) -> Table:
    """The table in a file, a data frame, an array or a mapping of arrays.

    `source`: path of a CSV, TSV, Parquet or JSON file (text files may be gzipped); a frame or
    series of pandas, polars or pyarrow; a NumPy array (n,), (n, d) or structured; a mapping from
    names to arrays; or a `Table`.

    options: how the table is written, where that should not be detected; see `ReadOptions`.
    form: that of a training table. Each column is then read as it is written there, value by value;
        what does not fit is missing, with a note. Without it the values of all rows decide. Options
        that are set say how this table is written otherwise.
    keep_rows: whether rows of a text file that are sure to be no data, such as totals, are kept, as
        for a prediction of each row. By default they are where `form` is given.
    progress: receives a line at each stage.

    Infinite numbers count as missing and give a note. A source that is not a table raises a
    `DataError` with one sentence.
    """
    if isinstance(source, Table):
        if options not in (None, ReadOptions(), source.form.options):
            raise DataError(f"{source.source} is read already: give the options to read_table.")
        return source if form is None else _finite(refitted(source, form))
    options = options or ReadOptions()
    if form is not None:
        form = form.with_options(options)
        options = form.options
    kept = form is not None if keep_rows is None else keep_rows
    with _opened(source, options, progress, form, kept) as raw:
        table = (
            _trained(raw, options, progress) if form is None else read_known(raw, form, progress)
        )
    return _finite(table)


def _trained(raw: RawTable, options: ReadOptions, progress: Progress) -> Table:
    readings = read_training(raw, options, progress)
    if not readings:
        raise DataError(f"Every column of {raw.source} is left out.")
    dropped = [name for name, kind in options.kinds.items() if kind == "drop"]
    return Table(
        tuple(reading.column for reading in readings),
        (*raw.notes, *(note for reading in readings for note in reading.notes)),
        raw.source,
        TableForm(tuple(reading.form for reading in readings), options, raw.dialect),
        (*raw.left_out, *dropped),
    )


@contextmanager
def _opened(
    source: Any,
    options: ReadOptions,
    progress: Progress,
    form: TableForm | None,
    keep_rows: bool,
) -> Iterator[RawTable]:
    if isinstance(source, str | PathLike):
        with open_file(Path(source), options, progress, form, keep_rows) as raw:
            yield raw
        return
    if isinstance(source, np.ndarray):
        yield raw_array(source)
    elif isinstance(source, Mapping):
        yield raw_mapping(source)
    elif is_frame(source):
        yield raw_frame(source)
    else:
        raise DataError(
            f"A {type(source).__name__} is not a table: give the path of a CSV, TSV, Parquet or "
            "JSON file, a data frame, a NumPy array or a mapping of column names to arrays."
        )


def _finite(table: Table) -> Table:
    """The table with infinite numbers as missing, and a note for each column that had any."""
    converted = [_without_infinities(column) for column in table.columns]
    notes = (*table.notes, *(note for _, note in converted if note))
    return replace(table, columns=tuple(column for column, _ in converted), notes=notes)


def _without_infinities(column: Column) -> tuple[Column, Note | None]:
    if not isinstance(column, NumberColumn):
        return column, None
    infinite = np.isinf(column.values)
    count = int(infinite.sum())
    if not count:
        return column, None
    verb, size = ("is", "counts") if count == 1 else ("are", "count")
    text = f"{counted(count, 'value')} of '{column.name}' {verb} infinite and {size} as missing."
    values = column.values.copy()
    values[infinite] = np.nan
    return replace(column, values=values), Note(column.name, text, count)
