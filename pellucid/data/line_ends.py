"""Text files with more than one kind of line end, such as joined files of several systems."""

import gzip
from pathlib import Path

from pellucid.data.file_kind import TableFile

CHUNK = 1 << 22
"""Characters copied at a time."""


def with_one_line_end(file: TableFile, folder: Path) -> Path:
    r"""A copy of a text file, in UTF-8, in which every line ends in \n."""
    try:
        return _copy(file, folder, file.encoding)
    except UnicodeDecodeError:
        return _copy(file, folder, "latin-1")


def _copy(file: TableFile, folder: Path, encoding: str) -> Path:
    copy = folder / "lines.csv"
    opener = gzip.open if file.gzipped else open
    with (
        opener(file.path, "rt", encoding=encoding) as source,
        copy.open("w", encoding="utf-8", newline="\n") as target,
    ):
        while chunk := source.read(CHUNK):
            target.write(chunk)
    return copy
