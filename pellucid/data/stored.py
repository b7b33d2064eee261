"""Columns of a table in DuckDB, as its types tell."""

from dataclasses import dataclass
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
from pellucid.data.note import Note, shortened
from pellucid.data.raw import Mixed, Raw, Texts, Typed
from pellucid.data.stored_json import json_columns
from pellucid.data.stored_texts import StoredTexts, fetched

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MOST_FIELDS = 50
"""The most fields of a structure that become columns of their own."""

_SIGNED = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")
_WHOLE = frozenset([*_SIGNED, *(f"U{name}" for name in _SIGNED)])
_LARGE = frozenset(["BIGINT", "UBIGINT", "HUGEINT", "UHUGEINT"])
_TEXT = frozenset(["VARCHAR", "UUID", '"NULL"'])


@dataclass(frozen=True)
class Stored:
    """A column or a field in the table `part`: the SQL expression for it, its type and its name.

    per_second: for durations that are stored as numbers, their units in a second; else 0.
    """

    part: str
    source: str
    kind: Any
    name: str
    per_second: float = 0.0


def stored_columns(
    connection: "DuckDBPyConnection", stored: Stored, rows: int, written: bool
) -> tuple[list[Raw], list[Note]]:
    """The column, or those of its fields; none for values that a table cannot hold, with a note."""
    kind = str(stored.kind)
    if kind == "JSON":
        return json_columns(connection, stored.part, stored.source, stored.name, rows)
    if stored.kind.id == "struct":
        return _fields(connection, stored, rows, written)
    column = _column(connection, stored, kind, rows, written)
    if column is not None:
        return [Raw(stored.name, column)], []
    return [], [left_out_note(stored.name, kind.split("(")[0].lower())]


def left_out_note(name: str, what: str) -> Note:
    """A note on a column that a table cannot hold."""
    text = f"'{shortened(name)}' holds nested or binary values ({what}) and is left out."
    return Note(name, text, 1)


def _fields(
    connection: "DuckDBPyConnection", stored: Stored, rows: int, written: bool
) -> tuple[list[Raw], list[Note]]:
    """The fields of a structure as columns "name.field"."""
    children = stored.kind.children
    if len(children) > MOST_FIELDS:
        return [], [left_out_note(stored.name, f"a structure of {len(children)} fields")]
    columns: list[Raw] = []
    notes: list[Note] = []
    for position, (name, kind) in enumerate(children):
        source = f"struct_extract_at({stored.source}, {position + 1})"
        field = Stored(stored.part, source, kind, f"{stored.name}.{name}")
        some, field_notes = stored_columns(connection, field, rows, written)
        columns += some
        notes += field_notes
    return columns, notes


def _column(
    connection: "DuckDBPyConnection", stored: Stored, kind: str, rows: int, written: bool
) -> Texts | Typed | Mixed | None:
    part, source, name = stored.part, stored.source, stored.name
    if kind in _TEXT or stored.kind.id == "enum":
        return StoredTexts(connection, part, f"CAST({source} AS VARCHAR)", rows, written)
    if kind in ("TIME", "TIME_NS"):
        query = f"SELECT CAST({source} AS TIME) FROM {part} ORDER BY rowid"
        return Mixed([row[0] for row in connection.execute(query).fetchall()])
    if kind == "BIGINT" and stored.per_second:
        seconds = f"{source} / {stored.per_second!r}::DOUBLE"
        return Typed(lambda: NumberColumn(name, _numbers(connection, part, seconds)), duration=True)
    whole = kind in _WHOLE or (kind.startswith("DECIMAL") and kind.endswith(",0)"))
    if whole or kind in ("FLOAT", "DOUBLE") or kind.startswith("DECIMAL"):
        exact = kind in _LARGE or kind.startswith("DECIMAL")

        def numbers() -> Column:
            return NumberColumn(name, _numbers(connection, part, source), whole)

        def whole_numbers() -> list[Any]:
            query = f"SELECT CAST({source} AS VARCHAR) FROM {part} ORDER BY rowid"
            rows = connection.execute(query).fetchall()
            return [None if row[0] is None else int(row[0]) for row in rows]

        return Typed(numbers, whole_numbers if whole and exact else None)
    if kind == "BOOLEAN":
        return Typed(lambda: _booleans(connection, part, source, name))
    if kind == "DATE" or kind.startswith("TIMESTAMP"):
        return Typed(lambda: _dates(connection, part, source, name))
    if kind == "INTERVAL":
        seconds = f"epoch({source})"
        return Typed(lambda: NumberColumn(name, _numbers(connection, part, seconds)), duration=True)
    return None


def _numbers(connection: "DuckDBPyConnection", part: str, source: str) -> NDArray[np.float64]:
    query = f"SELECT coalesce(CAST({source} AS DOUBLE), 'nan'::DOUBLE) FROM {part}"
    return np.asarray(fetched(connection, query), np.float64)


def _booleans(connection: "DuckDBPyConnection", part: str, source: str, name: str) -> BooleanColumn:
    query = f"SELECT coalesce(CAST({source} AS TINYINT), {MISSING_BOOLEAN}) FROM {part}"
    return BooleanColumn(name, fetched(connection, query).astype(np.int8))


def _dates(connection: "DuckDBPyConnection", part: str, source: str, name: str) -> DateColumn:
    timestamp = f"CAST({source} AS TIMESTAMP)"
    query = (
        f"SELECT CASE WHEN isfinite({timestamp}) THEN CAST(floor(epoch({timestamp})) AS BIGINT) "
        f"ELSE {MISSING_DATE} END FROM {part}"
    )
    return DateColumn(name, fetched(connection, query).astype(np.int64))


def one_row(connection: "DuckDBPyConnection", query: str) -> tuple[Any, ...]:
    """The only row of the query's result."""
    row = connection.execute(query).fetchone()
    if row is None:
        raise AssertionError(f"no row from {query}")
    return tuple(row)
