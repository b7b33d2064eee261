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
from pellucid.data.file_kind import TableFile, inspect_file
from pellucid.data.note import Note, Progress, counted
from pellucid.data.stored import one_row, stored_column
from pellucid.data.table import Table
from pellucid.errors import DataError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

PART_COLUMNS = 200
"""Columns of one temporary table; a DuckDB query takes time for every column of its table."""


def read_file(path: Path, progress: Progress) -> Table:
    """The table in the file; a file without one raises `DataError` with one sentence."""
    file = inspect_file(path)
    size = path.stat().st_size / 1e6
    progress(f"Reading {path} ({size:,.1f} MB)")
    with database(path) as connection:
        names, notes = _load(connection, file)
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


def _load(connection: "DuckDBPyConnection", file: TableFile) -> tuple[list[str], list[Note]]:
    """Loads the file into the table `data` with columns c0, c1 …; returns the names and notes."""
    if file.kind == "csv":
        return load_csv(connection, file)
    path = glob_safe(file.path)
    reader = "read_parquet(?)" if file.kind == "parquet" else _json_reader(file)
    described = connection.execute(f"DESCRIBE SELECT * FROM {reader}", [path]).fetchall()
    names = [str(row[0]) for row in described]
    if file.kind == "parquet":
        names = _parquet_names(connection, path)
    renamed = ", ".join(f"c{position}" for position in range(len(names)))
    connection.execute(
        f"CREATE TEMP TABLE data AS SELECT * FROM {reader} AS source({renamed})", [path]
    )
    return names, []


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


def _json_reader(file: TableFile) -> str:
    compression = "gzip" if file.gzipped else "uncompressed"
    return f"read_json(?, sample_size=-1, map_inference_threshold=-1, compression='{compression}')"


def _take_part(connection: "DuckDBPyConnection", first: int, count: int) -> None:
    """Creates the table `part` of `PART_COLUMNS` columns from `first` on."""
    if count <= PART_COLUMNS:
        connection.execute("ALTER TABLE data RENAME TO part")
        return
    columns = ", ".join(f"c{index}" for index in range(first, min(first + PART_COLUMNS, count)))
    connection.execute(f"CREATE OR REPLACE TEMP TABLE part AS SELECT {columns} FROM data")
