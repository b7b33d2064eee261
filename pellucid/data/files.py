"""Tables from CSV, TSV, Parquet and JSON files, through DuckDB.

The file is read once into a temporary table, with texts as texts and rows in order. Its columns are
then looked at, and read, one at a time.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pellucid.data.arrow_schema import TimeType, local_time, time_types
from pellucid.data.csv_file import load_csv
from pellucid.data.database import database, glob_safe
from pellucid.data.dialect.names import column_names
from pellucid.data.file_kind import TableFile, inspect_file
from pellucid.data.form.table import TableForm
from pellucid.data.note import Progress, counted
from pellucid.data.options import ReadOptions
from pellucid.data.raw import RawTable
from pellucid.data.stored import Stored, one_row, stored_columns
from pellucid.data.stored_json import load_json
from pellucid.data.unpack import Scratch
from pellucid.errors import DataError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

PART_COLUMNS = 200
"""Columns of one temporary table; a DuckDB query takes time for every column of its table."""


@contextmanager
def open_file(
    path: Path,
    options: ReadOptions,
    progress: Progress,
    form: TableForm | None = None,
    keep_rows: bool = False,
) -> Iterator[RawTable]:
    """The columns of the file; a file without any raises `DataError` with one sentence.

    form: that of the training table, whose dialect is tried first on a text file.
    keep_rows: whether rows of a text file that are sure to be no data are kept.
    """
    saved = form.dialect if form else None
    with Scratch() as scratch, database(path) as connection:
        file = inspect_file(path, scratch, options.encoding, saved.encoding if saved else None)
        progress(f"Reading {path} ({path.stat().st_size / 1e6:,.1f} MB)")
        table = RawTable(str(path), 0, [], sparse=file.kind == "json", written=file.kind == "csv")
        times: dict[str, TimeType] = {}
        if file.kind == "csv":
            loaded = load_csv(connection, file, scratch, options, saved, keep_rows)
            names, table.dialect = list(loaded.dialect.names), loaded.dialect
            table.notes += loaded.notes
        else:
            stored_names, times = _load_typed(connection, file)
            unique, repeated = column_names(stored_names, str(path))
            names = list(unique)
            table.notes += [*file.notes, *repeated]
        if not names and file.kind == "json":
            raise DataError(
                f"{path} holds no JSON objects: write one for each row, with its names."
            )
        table.rows = one_row(connection, "SELECT count(*) FROM data")[0] if names else 0
        if table.rows == 0:
            raise DataError(f"{path} names {counted(len(names), 'column')} but holds no rows.")
        _add_columns(connection, table, names, times)
        if not table.columns:
            raise DataError(
                f"{path} holds nested values only: write one record of plain values for each row."
            )
        yield table


def _load_typed(
    connection: "DuckDBPyConnection", file: TableFile
) -> tuple[list[str], dict[str, TimeType]]:
    """Loads a file of types into the table `data` with columns c0, c1 …; returns the names.

    Also the types of times that only the Arrow schema of a Parquet file names.
    """
    path = glob_safe(file.data)
    if file.kind == "json":
        return load_json(connection, path), {}
    names = _parquet_names(connection, path)
    renamed = ", ".join(f"c{position}" for position in range(len(names)))
    connection.execute(
        f"CREATE TEMP TABLE data AS SELECT * FROM read_parquet(?) AS source({renamed})", [path]
    )
    query = "SELECT decode(value) FROM parquet_kv_metadata(?) WHERE decode(key) = 'ARROW:schema'"
    schema = connection.execute(query, [path]).fetchone()
    return names, time_types(schema[0]) if schema else {}


def _add_columns(
    connection: "DuckDBPyConnection", table: RawTable, names: list[str], times: dict[str, TimeType]
) -> None:
    """Adds the columns of the table `data`, in parts of `PART_COLUMNS` columns."""
    kinds = connection.sql("SELECT * FROM data").types
    parts = _parts(connection, len(names))
    zones = _time_zones(connection) if any(time.zone for time in times.values()) else set()
    left_out = []
    for position, (name, kind) in enumerate(zip(names, kinds, strict=True)):
        time = times.get(name, TimeType("timestamp"))
        source = local_time(f"c{position}", time.zone, zones)
        stored = Stored(parts[position // PART_COLUMNS], f"c{position}", kind, name)
        if time.kind == "duration":
            stored = replace(stored, per_second=time.per_second)
        elif str(kind).startswith("TIMESTAMP"):
            stored = replace(stored, source=source)
        columns, notes = stored_columns(connection, stored, table.rows, table.written)
        table.columns += columns
        table.notes += notes
        left_out += [] if columns else [name]
    table.left_out = tuple(left_out)


def _time_zones(connection: "DuckDBPyConnection") -> set[str]:
    """The names of time zones that DuckDB knows; they don't depend on the machine."""
    return {
        name for (name,) in connection.execute("SELECT name FROM pg_timezone_names()").fetchall()
    }


def _parts(connection: "DuckDBPyConnection", count: int) -> list[str]:
    """The names of tables that hold `PART_COLUMNS` columns of the table `data` each."""
    if count <= PART_COLUMNS:
        return ["data"]
    parts = []
    for number, first in enumerate(range(0, count, PART_COLUMNS)):
        last = min(first + PART_COLUMNS, count)
        columns = ", ".join(f"c{index}" for index in range(first, last))
        connection.execute(f"CREATE TEMP TABLE part{number} AS SELECT {columns} FROM data")
        parts.append(f"part{number}")
    connection.execute("DROP TABLE data")
    return parts


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
