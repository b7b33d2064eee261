"""Tables from CSV, TSV, Parquet and JSON files, through DuckDB.

The file is read once into a temporary table (texts stay texts, rows stay in order), and each column
is then typed on its own over all of its rows. So a stray text in row 900,000 of a number column
neither fails the reading nor turns the column into categories, and no more than one column is in
Python at a time.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid.data.column import (
    MISSING_BOOLEAN,
    MISSING_DATE,
    BooleanColumn,
    Column,
    DateColumn,
    NumberColumn,
)
from pellucid.data.csv_file import load_csv
from pellucid.data.database import database, glob_safe
from pellucid.data.file_kind import TableFile, inspect_file
from pellucid.data.note import Note, Progress, counted
from pellucid.data.number_text import MISSING_WORDS
from pellucid.data.table import Table
from pellucid.data.texts import column_from_texts
from pellucid.errors import DataError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

CHUNK_ROWS = 131_072
"""Rows of texts that are Python objects at one time."""

_WHOLE = frozenset(
    [
        "TINYINT",
        "SMALLINT",
        "INTEGER",
        "BIGINT",
        "HUGEINT",
        "UTINYINT",
        "USMALLINT",
        "UINTEGER",
        "UBIGINT",
        "UHUGEINT",
    ]
)
_TEXT = frozenset(["VARCHAR", "UUID", "JSON", "TIME", '"NULL"'])
_MISSING_LIST = ", ".join(f"'{word}'" for word in sorted(MISSING_WORDS))


def read_file(path: Path, progress: Progress) -> Table:
    """The table in the file; `DataError` says in one sentence why there is none."""
    file = inspect_file(path)
    size = path.stat().st_size / 1e6
    progress(f"Reading {path} ({size:,.1f} MB)")
    with database(path) as connection:
        names, notes = _load(connection, file)
        rows = _one(connection, "SELECT count(*) FROM data")[0]
        if rows == 0:
            raise DataError(f"{path} names {counted(len(names), 'column')} but holds no rows.")
        columns: list[Column] = []
        types = [row[1] for row in connection.execute("DESCRIBE data").fetchall()]
        for position, (name, kind) in enumerate(zip(names, types, strict=True)):
            progress(f"{path.name}: {rows:,} rows, column {position + 1} of {len(names)}, '{name}'")
            column, found = _column(connection, f"c{position}", name, kind)
            notes.extend(found)
            if column is not None:
                columns.append(column)
    if not columns:
        raise DataError(
            f"{path} holds nested values only: write one record of plain values for each row."
        )
    return Table(tuple(columns), tuple(notes), str(path))


def _load(connection: "DuckDBPyConnection", file: TableFile) -> tuple[list[str], list[Note]]:
    """Puts the file into the table `data` with columns c0, c1 …; gives the names and notes."""
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
    """The names of the columns as stored, where DuckDB would rename those that repeat.

    The schema is a tree, listed root first and each node before its children.
    """
    query = "SELECT name, coalesce(num_children, 0) FROM parquet_schema(?)"
    nodes = connection.execute(query, [path]).fetchall()[1:]
    names: list[str] = []
    below = 0
    for name, children in nodes:
        if below:
            below += children - 1
        else:
            names.append(str(name))
            below = children
    return names


def _json_reader(file: TableFile) -> str:
    compression = "gzip" if file.gzipped else "uncompressed"
    return f"read_json(?, sample_size=-1, map_inference_threshold=-1, compression='{compression}')"


def _column(
    connection: "DuckDBPyConnection", column: str, name: str, kind: str
) -> tuple[Column | None, list[Note]]:
    """One column of the table `data`, by its DuckDB type; None for nested values."""
    if kind in _WHOLE or kind in ("FLOAT", "DOUBLE") or kind.startswith("DECIMAL"):
        return NumberColumn(name, _numbers(connection, column), kind in _WHOLE), []
    if kind == "BOOLEAN":
        return _booleans(connection, column, name), []
    if kind == "DATE" or kind.startswith("TIMESTAMP"):
        return _dates(connection, column, name), []
    if kind in _TEXT or kind.startswith("ENUM"):
        source = f"({column} ->> '$')" if kind == "JSON" else f"CAST({column} AS VARCHAR)"
        return _texts(connection, source, name)
    text = f"'{name}' holds nested or binary values ({kind.split('(')[0].lower()}) and is left out."
    return None, [Note(name, text, 1)]


def _texts(connection: "DuckDBPyConnection", source: str, name: str) -> tuple[Column, list[Note]]:
    """A column of texts: plain numbers and ISO dates by DuckDB, everything else in Python."""
    clean = f"nullif(trim({source}), '')"
    value = f"(CASE WHEN {clean} NOT IN ({_MISSING_LIST}) THEN {clean} END)"
    present, numbers, codes, fractions = _one(
        connection,
        f"SELECT count({value}), count(try_cast({value} AS DOUBLE)), "
        f"count_if(regexp_matches({value}, '^0[0-9]')), count_if(regexp_matches({value}, '[.eE]')) "
        "FROM data",
    )
    if numbers == present > 0 and codes == 0:
        values = _numbers(connection, f"try_cast({value} AS DOUBLE)")
        return NumberColumn(name, values, fractions == 0), []
    dates = _one(connection, f"SELECT count(try_cast({value} AS TIMESTAMP)) FROM data")[0]
    if dates == present > 0:
        return _dates(connection, f"try_cast({value} AS TIMESTAMP)", name), []
    rows = _one(connection, "SELECT count(*) FROM data")[0]

    def chunks() -> Iterator[list[str]]:
        for start in range(0, rows, CHUNK_ROWS):
            query = (
                f"SELECT coalesce({source}, '') FROM data "
                f"WHERE rowid >= {start} AND rowid < {start + CHUNK_ROWS} ORDER BY rowid"
            )
            yield _fetch(connection, query).tolist()

    return column_from_texts(name, chunks)


def _numbers(connection: "DuckDBPyConnection", source: str) -> NDArray[np.float64]:
    query = f"SELECT coalesce(CAST({source} AS DOUBLE), 'nan'::DOUBLE) FROM data"
    return np.asarray(_fetch(connection, query), np.float64)


def _booleans(connection: "DuckDBPyConnection", column: str, name: str) -> BooleanColumn:
    query = f"SELECT coalesce(CAST({column} AS TINYINT), {MISSING_BOOLEAN}) FROM data"
    return BooleanColumn(name, _fetch(connection, query).astype(np.int8))


def _dates(connection: "DuckDBPyConnection", source: str, name: str) -> DateColumn:
    moment = f"CAST({source} AS TIMESTAMP)"
    query = (
        f"SELECT CASE WHEN isfinite({moment}) THEN CAST(floor(epoch({moment})) AS BIGINT) "
        f"ELSE {MISSING_DATE} END FROM data"
    )
    return DateColumn(name, _fetch(connection, query).astype(np.int64))


def _fetch(connection: "DuckDBPyConnection", query: str) -> NDArray[Any]:
    """The only column that the query gives."""
    (values,) = connection.execute(query).fetchnumpy().values()
    return np.asarray(values)


def _one(connection: "DuckDBPyConnection", query: str) -> tuple[Any, ...]:
    """The only row that the query gives."""
    row = connection.execute(query).fetchone()
    if row is None:
        raise AssertionError(f"no row from {query}")
    return tuple(row)
