"""Tables from CSV, TSV, Parquet and JSON files, through DuckDB.

The file is read once into a temporary table, with texts as texts and rows in order. Each column then
gets its type from all of its rows. A stray text in row 900,000 of a number column neither is an error
nor makes the column categorical. Python holds one column at a time.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from pellucid.data.column import Column
from pellucid.data.csv_file import load_csv
from pellucid.data.database import database, glob_safe
from pellucid.data.dialect import Dialect
from pellucid.data.dialect.names import column_names
from pellucid.data.file_kind import TableFile, inspect_file
from pellucid.data.note import Note, Progress, counted
from pellucid.data.options import ReadOptions
from pellucid.data.stored import one_row, stored_column
from pellucid.data.table import Table
from pellucid.data.unpack import Scratch
from pellucid.errors import DataError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

PART_COLUMNS = 200
"""Columns of one temporary table; a DuckDB query takes time for every column of its table."""


_JSON_READER = (
    "read_json(?, sample_size=-1, map_inference_threshold=-1, compression='uncompressed')"
)


def read_file(
    path: Path,
    progress: Progress,
    options: ReadOptions | None = None,
    saved: Dialect | None = None,
) -> Table:
    """The table in the file; a file without one raises `DataError` with one sentence.

    `saved` is the dialect of the training table, which is tried first on a text file.
    """
    options = options or ReadOptions()
    with Scratch() as scratch, database(path) as connection:
        file = inspect_file(path, scratch, options.encoding, saved.encoding if saved else None)
        progress(f"Reading {path} ({path.stat().st_size / 1e6:,.1f} MB)")
        names, notes = _load(connection, file, scratch, options, saved)
        rows = one_row(connection, "SELECT count(*) FROM data")[0]
        if rows == 0:
            raise DataError(f"{path} names {counted(len(names), 'column')} but holds no rows.")
        columns: list[Column] = []
        types = [row[1] for row in connection.execute("DESCRIBE data").fetchall()]
        for position, (name, kind) in enumerate(zip(names, types, strict=True)):
            if position % PART_COLUMNS == 0:
                _take_part(connection, position, len(names))
            progress(f"{path.name}: {rows:,} rows, column {position + 1} of {len(names)}, '{name}'")
            column, column_notes = stored_column(connection, f"c{position}", name, kind)
            notes.extend(column_notes)
            if column is not None:
                columns.append(column)
    if not columns:
        raise DataError(
            f"{path} holds nested values only: write one record of plain values for each row."
        )
    return Table(tuple(columns), tuple(notes), str(path))


def _load(
    connection: "DuckDBPyConnection",
    file: TableFile,
    scratch: Scratch,
    options: ReadOptions,
    saved: Dialect | None,
) -> tuple[list[str], list[Note]]:
    """Loads the file into the table `data` with columns c0, c1 …; returns the names and notes."""
    if file.kind == "csv":
        loaded = load_csv(connection, file, scratch, options, saved)
        return list(loaded.dialect.names), list(loaded.notes)
    path = glob_safe(file.data)
    reader = "read_parquet(?)" if file.kind == "parquet" else _JSON_READER
    described = connection.execute(f"DESCRIBE SELECT * FROM {reader}", [path]).fetchall()
    names = [str(row[0]) for row in described]
    if file.kind == "parquet":
        names = _parquet_names(connection, path)
    renamed = ", ".join(f"c{position}" for position in range(len(names)))
    connection.execute(
        f"CREATE TEMP TABLE data AS SELECT * FROM {reader} AS source({renamed})", [path]
    )
    unique, repeated = column_names(names, str(file.path))
    return list(unique), [*file.notes, *repeated]


def _parquet_names(connection: "DuckDBPyConnection", path: str) -> list[str]:
    """The stored names of the columns; DuckDB would rename those that repeat.

    The schema is a tree in pre-order.
    """
    query = "SELECT name, coalesce(num_children, 0) FROM parquet_schema(?)"
    nodes = connection.execute(query, [path]).fetchall()[1:]
    names: list[str] = []
    pending = 0
    for name, children in nodes:
        if pending:
            pending += children - 1
        else:
            names.append(str(name))
            pending = children
    return names


def _take_part(connection: "DuckDBPyConnection", first: int, count: int) -> None:
    """Creates the table `part` of `PART_COLUMNS` columns from `first` on."""
    if count <= PART_COLUMNS:
        connection.execute("ALTER TABLE data RENAME TO part")
        return
    columns = ", ".join(f"c{index}" for index in range(first, min(first + PART_COLUMNS, count)))
    connection.execute(f"CREATE OR REPLACE TEMP TABLE part AS SELECT {columns} FROM data")
