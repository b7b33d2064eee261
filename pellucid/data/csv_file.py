"""Loading a CSV file into DuckDB, with all values as texts."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pellucid.data.csv_copy import Irregular, write_rows
from pellucid.data.database import glob_safe
from pellucid.data.dialect import Dialect, find_dialect
from pellucid.data.dialect.find import Sample
from pellucid.data.file_kind import TableFile
from pellucid.data.note import Note
from pellucid.data.options import ReadOptions
from pellucid.data.suspect_text import LoadedRows
from pellucid.data.unpack import Scratch

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


@dataclass(frozen=True)
class LoadedText:
    """A text file in the table `data`, with columns c0, c1 …: its dialect and notes."""

    dialect: Dialect
    notes: tuple[Note, ...]


def load_csv(
    connection: "DuckDBPyConnection",
    file: TableFile,
    scratch: Scratch,
    options: ReadOptions | None = None,
    saved: Dialect | None = None,
    keep_rows: bool = False,
) -> LoadedText:
    """Loads the file into the table `data` with columns c0, c1 …, all of them texts.

    `saved` is the dialect of the training table, which is tried first. DuckDB reads the file where it is
    regular; else its rows are first written to a regular copy, row by row. Columns without a name at
    the right end that hold nothing are left out, and so are rows that are sure to be no data; with
    `keep_rows`, as for a prediction of each row, only repeated headers.
    """
    sample = Sample(file.head, file.whole, str(file.path), file.encoding)
    dialect = find_dialect(sample, options, saved)
    notes = [*file.notes, *dialect.notes]
    if not (dialect.direct and _load_directly(connection, file, dialect)):
        irregular = Irregular(str(file.path), len(dialect.names))
        copy = scratch.path("rows.csv")
        write_rows(file.data, dialect, copy, irregular)
        _create(connection, len(dialect.names), copy, "skip=0, delim=',', quote='\"', escape='\"'")
        notes += irregular.notes()
    dialect = _without_empty_columns(connection, dialect)
    loaded = LoadedRows(connection, dialect, file.data, str(file.path))
    notes += _without_suspects(loaded, keep_rows)
    return LoadedText(dialect, tuple(notes))


def _without_suspects(loaded: LoadedRows, keep_rows: bool) -> list[Note]:
    """Leaves out the rows that are sure to be no data; notes on these and on other suspects."""
    suspects = loaded.suspects()
    if not suspects:
        return []
    left_out = [
        each for each in suspects if each.certain and (each.kind == "header" or not keep_rows)
    ]
    notes = loaded.notes(suspects, left_out)
    if left_out:
        loaded.leave_out(left_out)
    return notes


def _load_directly(connection: "DuckDBPyConnection", file: TableFile, dialect: Dialect) -> bool:
    """Loads the file by DuckDB; False where it is irregular."""
    import duckdb

    marks = dialect.marks
    quote, escape = marks.quote.replace("'", "''"), marks.escape.replace("'", "''")
    form = f"skip={dialect.skipped}, delim='{marks.separator}', quote='{quote}', escape='{escape}'"
    try:
        _create(connection, len(dialect.names), file.data, form)
    except duckdb.InvalidInputException:
        return False
    if marks.comment:
        query = f"SELECT count(*) FROM data WHERE starts_with(ltrim(c0), '{marks.comment}')"
        row = connection.execute(query).fetchone()
        if row is None or row[0]:
            connection.execute("DROP TABLE data")
            return False
    return True


def _create(connection: "DuckDBPyConnection", width: int, path: Path, form: str) -> None:
    columns = ", ".join(f"'c{position}': 'VARCHAR'" for position in range(width))
    connection.execute(
        "CREATE TEMP TABLE data AS SELECT * FROM read_csv(?, auto_detect=false, header=false, "
        f"{form}, columns={{{columns}}}, encoding='utf-8', compression='none')",
        [glob_safe(path)],
    )


def _without_empty_columns(connection: "DuckDBPyConnection", dialect: Dialect) -> Dialect:
    """The dialect without unnamed columns at the right end that hold no value, nor the table."""
    names = list(dialect.names)
    while len(names) > 1 and dialect.header and names[-1] == f"unnamed{len(names) - 1}":
        column = f"c{len(names) - 1}"
        query = f"SELECT count({column}) FROM data WHERE trim({column}) <> ''"
        row = connection.execute(query).fetchone()
        if row is None or row[0]:
            break
        connection.execute(f"ALTER TABLE data DROP COLUMN {column}")
        names.pop()
    return replace(dialect, names=tuple(names))
