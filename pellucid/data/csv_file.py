"""Loading a CSV file into DuckDB, with all values as texts."""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from pellucid.data.database import glob_safe
from pellucid.data.dialect import Dialect, find_dialect
from pellucid.data.file_kind import TableFile
from pellucid.data.line_ends import with_one_line_end
from pellucid.data.note import Note

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def load_csv(connection: "DuckDBPyConnection", file: TableFile) -> tuple[list[str], list[Note]]:
    """Loads the file into the table `data` with columns c0, c1 …; returns the names and notes.

    The parser is strict: a line with too many or too few values is an error.
    """
    dialect = find_dialect(file)
    notes = list(dialect.notes)
    if _load(connection, file, dialect) == "latin-1":
        notes.append(Note("", f"{file.path} is not written in UTF-8; it was read as Latin-1."))
    return list(dialect.names), notes


def _load(connection: "DuckDBPyConnection", file: TableFile, dialect: Dialect) -> str:
    """Loads the file, after an error as Latin-1 or with one kind of line end; returns the encoding."""
    import duckdb

    compression = "gzip" if file.gzipped else "none"
    try:
        _create(connection, dialect, file.path, file.encoding, compression)
        return file.encoding
    except duckdb.InvalidInputException as error:
        message = str(error)
        if "not utf-8" not in message and "invalid state" not in message:
            raise
    if "not utf-8" in message:
        _create(connection, dialect, file.path, "latin-1", compression)
        return "latin-1"
    with tempfile.TemporaryDirectory(prefix="pellucid-") as folder:
        copy = with_one_line_end(file, Path(folder))
        _create(connection, dialect, copy, "utf-8", "none")
    return file.encoding


def _create(
    connection: "DuckDBPyConnection", dialect: Dialect, path: Path, encoding: str, compression: str
) -> None:
    columns = ", ".join(f"'c{position}': 'VARCHAR'" for position in range(len(dialect.names)))
    connection.execute(
        "CREATE TEMP TABLE data AS SELECT * FROM read_csv(?, auto_detect=false, header=false, "
        f"skip={dialect.skipped}, delim='{dialect.separator}', quote='\"', escape='\"', "
        f"columns={{{columns}}}, encoding='{encoding}', compression='{compression}')",
        [glob_safe(path)],
    )
