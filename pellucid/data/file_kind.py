"""The kind of a file, from its first bytes rather than its name."""

import codecs
import gzip
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pellucid.errors import DataError

HEAD_BYTES = 1 << 20
"""Bytes read to detect the kind of a file, its encoding and its header."""

_FOREIGN = {
    b"PK\x03\x04": "an Excel workbook or a zip archive",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"%PDF": "a PDF document",
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"GIF8": "a GIF image",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ": "an xz archive",
    b"\x28\xb5\x2f\xfd": "a zstd archive",
    b"SQLite format 3": "an SQLite database",
    b"\x93NUMPY": "a NumPy file",
    b"ARROW1": "an Arrow file",
    b"\x89HDF": "an HDF5 file",
}


@dataclass(frozen=True)
class TableFile:
    """A file that may hold a table: its kind, and for a text file its first part and encoding."""

    path: Path
    kind: Literal["csv", "json", "parquet"]
    head: str = ""
    encoding: Literal["utf-8", "utf-16", "latin-1"] = "utf-8"
    gzipped: bool = False
    whole: bool = True


def inspect_file(path: Path) -> TableFile:
    """The kind of the file; a file that is not a table raises `DataError` with one sentence."""
    raw = _first_bytes(path)
    gzipped = raw.startswith(b"\x1f\x8b")
    if gzipped:
        raw = _unpacked(path)
    if raw.startswith(b"PAR1"):
        return TableFile(path, "parquet")
    for magic, what in _FOREIGN.items():
        if raw.startswith(magic):
            raise DataError(
                f"{path} is {what}, not a table: save it as CSV, Parquet or JSON and try again."
            )
    head, encoding = _decoded(path, raw)
    if not head.strip("\ufeff \t\r\n"):
        raise DataError(f"{path} is empty: it holds no table.")
    kind: Literal["csv", "json"] = "json" if _is_json(path, head) else "csv"
    return TableFile(path, kind, head, encoding, gzipped, len(raw) < HEAD_BYTES)


def _first_bytes(path: Path) -> bytes:
    if path.is_dir():
        raise DataError(f"{path} is a folder, not a table: name the file in it.")
    if not path.exists():
        raise DataError(f"There is no file {path}.")
    if not path.is_file():
        raise DataError(f"{path} is not a regular file: save the table to one and try again.")
    try:
        with path.open("rb") as file:
            return file.read(HEAD_BYTES)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}.") from error


def _unpacked(path: Path) -> bytes:
    try:
        with gzip.open(path, "rb") as file:
            return file.read(HEAD_BYTES)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} is a damaged gzip file: {error}.") from error


def _decoded(path: Path, raw: bytes) -> tuple[str, Literal["utf-8", "utf-16", "latin-1"]]:
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return raw.decode("utf-16", errors="replace"), "utf-16"
    if b"\x00" in raw:
        raise DataError(f"{path} holds binary data, not a table in text, Parquet or JSON.")
    try:
        return codecs.getincrementaldecoder("utf-8-sig")().decode(raw), "utf-8"
    except UnicodeDecodeError:
        control = sum(byte < 32 and byte not in (9, 10, 12, 13) for byte in raw)
        if control > 0.01 * len(raw):
            raise DataError(
                f"{path} holds binary data, not a table in text, Parquet or JSON."
            ) from None
        return raw.decode("latin-1"), "latin-1"


def _is_json(path: Path, head: str) -> bool:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if any(suffix in (".csv", ".tsv", ".txt", ".tab") for suffix in suffixes):
        return False
    if any(suffix in (".json", ".jsonl", ".ndjson") for suffix in suffixes):
        return True
    return head.lstrip().startswith(("{", "[{"))
