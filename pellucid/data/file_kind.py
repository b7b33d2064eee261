"""The kind of a file, from its first bytes rather than its name."""

import codecs
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pellucid.data.note import Note
from pellucid.data.text_copy import write_utf8
from pellucid.data.text_encoding import TextEncoding, text_encoding
from pellucid.data.unpack import Scratch, unpacked
from pellucid.errors import DataError

HEAD_CHARACTERS = 1 << 20
"""Characters read to detect the dialect of a text file."""

_FOREIGN = {
    b"PK\x03\x04": "an Excel workbook or a zip archive",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"%PDF": "a PDF document",
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"GIF8": "a GIF image",
    b"\x28\xb5\x2f\xfd": "a zstd archive",
    b"SQLite format 3": "an SQLite database",
    b"\x93NUMPY": "a NumPy file",
    b"ARROW1": "an Arrow file",
    b"\x89HDF": "an HDF5 file",
}

_MARKUP = re.compile(r"\s*<(?:!doctype html|html|\?xml)\b", re.IGNORECASE)
_JSON = re.compile(r'\s*(?:\[\s*)?\{\s*"[^"]*"\s*:')


@dataclass(frozen=True)
class TableFile:
    """A file that may hold a table, and its kind.

    path:     the file that the user named, for messages. data: its content, decompressed, and for a text
              in UTF-8; the file itself where it is so already.
    head:     the first part of a text. whole: whether that is all of it.
    encoding: the encoding of the text before.
    """

    path: Path
    kind: Literal["csv", "json", "parquet"]
    data: Path
    head: str = ""
    whole: bool = True
    encoding: str = "utf-8"
    notes: tuple[Note, ...] = ()


def inspect_file(
    path: Path, scratch: Scratch, encoding: str | None = None, saved: str | None = None
) -> TableFile:
    """The kind of the file; a file that is not a table raises `DataError` with one sentence.

    encoding: that of the text, where the user says it; saved: that of the training table.
    """
    raw = _first_bytes(path)
    data = unpacked(path, raw, scratch)
    if data is not path:
        raw = _first_bytes(data)
    if raw.startswith(b"PAR1"):
        return TableFile(path, "parquet", data)
    for magic, what in _FOREIGN.items():
        if raw.startswith(magic):
            raise DataError(
                f"{path} is {what}, not a table: save it as CSV, Parquet or JSON and try again."
            )
    known = text_encoding(data, str(path), encoding, saved)
    if not known.is_clean:
        data = _in_utf8(data, known, scratch, path)
    head, whole = _head(data)
    if not head.strip("\ufeff \t\r\n"):
        raise DataError(f"{path} is empty: it holds no table.")
    markup = _MARKUP.match(head)
    if markup:
        what = "an XML document" if "xml" in markup[0].lower() else "an HTML page"
        raise DataError(
            f"{path} is {what}, not a table: save it as CSV, Parquet or JSON and try again."
        )
    kind: Literal["csv", "json"] = "json" if _is_json(path, head) else "csv"
    if kind == "json" and known.is_clean and raw.startswith(codecs.BOM_UTF8):
        # DuckDB takes a byte order mark for a value.
        data = _in_utf8(data, known, scratch, path)
    return TableFile(path, kind, data, head, whole, known.name, known.notes)


def _in_utf8(data: Path, encoding: TextEncoding, scratch: Scratch, path: Path) -> Path:
    """A copy of the text in plain UTF-8."""
    copy = scratch.path("text")
    write_utf8(data, encoding, copy, str(path))
    return copy


def _first_bytes(path: Path) -> bytes:
    if path.is_dir():
        raise DataError(f"{path} is a folder, not a table: name the file in it.")
    if not path.exists():
        raise DataError(f"There is no file {path}.")
    if not path.is_file():
        raise DataError(f"{path} is not a regular file: save the table to one and try again.")
    try:
        with path.open("rb") as file:
            return file.read(64)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}.") from error


def _head(data: Path) -> tuple[str, bool]:
    """The first part of a text in UTF-8, and whether it is all of it."""
    with data.open(encoding="utf-8-sig", newline="") as file:
        head = file.read(HEAD_CHARACTERS)
        return head, not file.read(1)


def _is_json(path: Path, head: str) -> bool:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if ".txt" in suffixes and _JSON.match(head):
        return True
    if any(suffix in (".csv", ".tsv", ".txt", ".tab") for suffix in suffixes):
        return False
    if any(suffix in (".json", ".jsonl", ".ndjson") for suffix in suffixes):
        return True
    return head.lstrip().startswith(("{", "[{"))
