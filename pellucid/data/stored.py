"""Columns of a table in DuckDB, each with a type that all of its rows determine."""

from collections.abc import Iterator
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
from pellucid.data.note import Note
from pellucid.data.number_text import MISSING_WORDS
from pellucid.data.texts import column_from_texts

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

CHUNK_ROWS = 131_072
"""Rows of texts that are converted to Python objects at a time."""

_SIGNED = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")
_WHOLE = frozenset([*_SIGNED, *(f"U{name}" for name in _SIGNED)])
_TEXT = frozenset(["VARCHAR", "UUID", "JSON", "TIME", '"NULL"'])
_MISSING_LIST = ", ".join(f"'{word}'" for word in sorted(MISSING_WORDS))


def stored_column(
    connection: "DuckDBPyConnection", column: str, name: str, kind: str
) -> tuple[Column | None, list[Note]]:
    """One column of the table `part`, by its DuckDB type, with notes; None for nested values."""
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
    present, numbers, codes, fractions = one_row(
        connection,
        f"SELECT count({value}), count(try_cast({value} AS DOUBLE)), "
        f"count_if(regexp_matches({value}, '^0[0-9]')), count_if(regexp_matches({value}, '[.eE]')) "
        "FROM part",
    )
    if numbers == present > 0 and codes == 0:
        values = _numbers(connection, f"try_cast({value} AS DOUBLE)")
        return NumberColumn(name, values, fractions == 0), []
    dates = one_row(connection, f"SELECT count(try_cast({value} AS TIMESTAMP)) FROM part")[0]
    if dates == present > 0:
        return _dates(connection, f"try_cast({value} AS TIMESTAMP)", name), []
    rows = one_row(connection, "SELECT count(*) FROM part")[0]

    def chunks() -> Iterator[list[str]]:
        for start in range(0, rows, CHUNK_ROWS):
            query = (
                f"SELECT coalesce({source}, '') FROM part "
                f"WHERE rowid >= {start} AND rowid < {start + CHUNK_ROWS} ORDER BY rowid"
            )
            yield _fetch(connection, query).tolist()

    return column_from_texts(name, chunks)


def _numbers(connection: "DuckDBPyConnection", source: str) -> NDArray[np.float64]:
    query = f"SELECT coalesce(CAST({source} AS DOUBLE), 'nan'::DOUBLE) FROM part"
    return np.asarray(_fetch(connection, query), np.float64)


def _booleans(connection: "DuckDBPyConnection", column: str, name: str) -> BooleanColumn:
    query = f"SELECT coalesce(CAST({column} AS TINYINT), {MISSING_BOOLEAN}) FROM part"
    return BooleanColumn(name, _fetch(connection, query).astype(np.int8))


def _dates(connection: "DuckDBPyConnection", source: str, name: str) -> DateColumn:
    timestamp = f"CAST({source} AS TIMESTAMP)"
    query = (
        f"SELECT CASE WHEN isfinite({timestamp}) THEN CAST(floor(epoch({timestamp})) AS BIGINT) "
        f"ELSE {MISSING_DATE} END FROM part"
    )
    return DateColumn(name, _fetch(connection, query).astype(np.int64))


def _fetch(connection: "DuckDBPyConnection", query: str) -> NDArray[Any]:
    """The only column of the query's result."""
    (values,) = connection.execute(query).fetchnumpy().values()
    return np.asarray(values)


def one_row(connection: "DuckDBPyConnection", query: str) -> tuple[Any, ...]:
    """The only row of the query's result."""
    row = connection.execute(query).fetchone()
    if row is None:
        raise AssertionError(f"no row from {query}")
    return tuple(row)
