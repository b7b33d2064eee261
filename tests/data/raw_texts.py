"""The raw texts of a text file, as the reader cuts them, before any value is read."""

from dataclasses import dataclass
from pathlib import Path

from pellucid.data.csv_file import load_csv
from pellucid.data.database import database
from pellucid.data.dialect import Dialect
from pellucid.data.file_kind import inspect_file
from pellucid.data.options import ReadOptions
from pellucid.data.unpack import Scratch


@dataclass(frozen=True)
class RawTexts:
    names: list[str]
    cells: list[list[str]]
    notes: list[str]
    dialect: Dialect


def raw_texts(
    path: Path,
    options: ReadOptions | None = None,
    saved: Dialect | None = None,
    keep_rows: bool = False,
) -> RawTexts:
    """The names and cells of a file; a missing cell is ""."""
    options = options or ReadOptions()
    with Scratch() as scratch, database(path) as connection:
        file = inspect_file(path, scratch, options.encoding, saved.encoding if saved else None)
        assert file.kind == "csv"
        loaded = load_csv(connection, file, scratch, options, saved, keep_rows)
        rows = connection.execute("SELECT * FROM data ORDER BY rowid").fetchall()
    return RawTexts(
        list(loaded.dialect.names),
        [["" if cell is None else cell for cell in row] for row in rows],
        [note.text for note in loaded.notes],
        loaded.dialect,
    )
