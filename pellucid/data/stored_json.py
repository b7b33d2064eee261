"""Columns of JSON values in DuckDB: each value has a type of its own."""

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid.data.column import MISSING_BOOLEAN, BooleanColumn, Column, NumberColumn
from pellucid.data.note import Note, shortened
from pellucid.data.raw import Mixed, Raw, Typed
from pellucid.data.stored_texts import StoredTexts, fetched

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MOST_FIELDS = 50
"""The most fields of a structure that become columns of their own."""

_WHOLE = frozenset(["BIGINT", "UBIGINT", "HUGEINT", "UHUGEINT"])
_NUMBERS = _WHOLE | {"DOUBLE", "FLOAT"}


def load_json(connection: "DuckDBPyConnection", path: str) -> list[str]:
    """Loads the records of a file into the table `data` with columns c0, c1 …; returns the names."""
    connection.execute(
        "CREATE TEMP TABLE records AS SELECT json FROM "
        "read_json_objects(?, format='auto', compression='uncompressed')",
        [path],
    )
    names = _keys(connection, "records", "json")
    paths = ", ".join(f"'{_pointer(name)}'" for name in names)
    columns = ", ".join(f"v[{index + 1}] AS c{index}" for index in range(len(names)))
    if names:
        connection.execute(
            f"CREATE TEMP TABLE data AS SELECT {columns} FROM "
            f"(SELECT json_extract(json, [{paths}]) AS v FROM records)"
        )
    connection.execute("DROP TABLE records")
    return names


def json_columns(
    connection: "DuckDBPyConnection", part: str, source: str, name: str, rows: int
) -> tuple[list[Raw], list[Note]]:
    """A column of JSON values, or those of its fields; none for lists alone, with a note."""
    query = f"SELECT DISTINCT json_type({source}) FROM {part}"
    kinds = {row[0] for row in connection.execute(query).fetchall()} - {None, "NULL"}
    if kinds == {"OBJECT"}:
        return _fields(connection, part, source, name, rows)
    if kinds and kinds <= {"OBJECT", "ARRAY"}:
        text = f"'{shortened(name)}' holds nested or binary values (lists) and is left out."
        return [], [Note(name, text, 1)]
    return [Raw(name, _plain(connection, part, source, name, rows, kinds))], []


def _fields(
    connection: "DuckDBPyConnection", part: str, source: str, name: str, rows: int
) -> tuple[list[Raw], list[Note]]:
    fields = _keys(connection, part, source)
    if len(fields) > MOST_FIELDS:
        text = f"'{shortened(name)}' holds nested values of {len(fields)} fields and is left out."
        return [], [Note(name, text, 1)]
    columns: list[Raw] = []
    notes: list[Note] = []
    for field in fields:
        inner = f"json_extract({source}, '{_pointer(field)}')"
        some, field_notes = json_columns(connection, part, inner, f"{name}.{field}", rows)
        columns += some
        notes += field_notes
    return columns, notes


def _plain(
    connection: "DuckDBPyConnection",
    part: str,
    source: str,
    name: str,
    rows: int,
    kinds: set[str],
) -> StoredTexts | Typed | Mixed:
    """The column by the types of its values: texts, numbers, booleans, or a mixture."""
    text = f"({source} ->> '$')"

    def scalars() -> list[Any]:
        query = f"SELECT CAST({source} AS VARCHAR) FROM {part} ORDER BY rowid"
        return [None if row[0] is None else json.loads(row[0]) for row in _all(connection, query)]

    def numbers() -> Column:
        query = f"SELECT coalesce(try_cast({text} AS DOUBLE), 'nan'::DOUBLE) FROM {part}"
        values = np.asarray(fetched(connection, query), np.float64)
        return NumberColumn(name, values, kinds <= _WHOLE)

    def booleans() -> Column:
        query = (
            f"SELECT CASE {text} WHEN 'true' THEN 1 WHEN 'false' THEN 0 ELSE {MISSING_BOOLEAN} END "
            f"FROM {part}"
        )
        return BooleanColumn(name, fetched(connection, query).astype(np.int8))

    if kinds <= {"VARCHAR"}:
        return StoredTexts(connection, part, text, rows, written=False)
    if kinds <= _NUMBERS:
        return Typed(numbers, scalars)
    return Typed(booleans) if kinds == {"BOOLEAN"} else Mixed(scalars())


def _keys(connection: "DuckDBPyConnection", part: str, source: str) -> list[str]:
    """The keys of the objects, in the order of first appearance."""
    query = (
        "SELECT key FROM (SELECT unnest(keys) AS key, unnest(range(len(keys))) AS position, row FROM "
        f"(SELECT json_keys({source}) AS keys, rowid AS row FROM {part})) "
        "GROUP BY key ORDER BY min(row * 1000000 + position)"
    )
    return [str(row[0]) for row in _all(connection, query)]


def _all(connection: "DuckDBPyConnection", query: str) -> list[tuple[Any, ...]]:
    return connection.execute(query).fetchall()


def _pointer(key: str) -> str:
    """The JSON pointer to a key, as a literal of SQL."""
    return "/" + key.replace("~", "~0").replace("/", "~1").replace("'", "''")
