"""Compressed files: their one table, decompressed into a scratch folder."""

import bz2
import gzip
import lzma
import shutil
import zipfile
import zlib
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import IO, Self

from pellucid.data.note import quoted
from pellucid.errors import DataError

_CHUNK = 1 << 22


class Scratch:
    """A temporary folder that is made when it is first needed, and removed at the end."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._folder: Path | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def path(self, name: str) -> Path:
        """The path of a file of that name in the folder."""
        if self._folder is None:
            folder = self._stack.enter_context(TemporaryDirectory(prefix="pellucid-"))
            self._folder = Path(folder)
        return self._folder / name


def unpacked(path: Path, first: bytes, scratch: Scratch) -> Path:
    """The path of the file's bytes, decompressed where its first bytes say gzip, bzip2, xz or zip.

    A damaged archive, or one of several files, raises `DataError`.
    """
    for magic, (name, opened) in _FORMATS.items():
        if first.startswith(magic):
            target = scratch.path("unpacked")
            try:
                with opened(path) as source, target.open("wb") as copy:
                    shutil.copyfileobj(source, copy, _CHUNK)
            except _DAMAGED as error:
                raise DataError(f"{path} is a damaged {name} file: {error}.") from error
            return target
    return path


_DAMAGED = (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, NotImplementedError)


def _open_zip(path: Path) -> IO[bytes]:
    try:
        archive = zipfile.ZipFile(path)
    except zipfile.BadZipFile:
        raise _foreign(path) from None
    with archive:
        members = [each for each in archive.infolist() if not each.is_dir()]
        names = [each.filename for each in members if not each.filename.startswith("__MACOSX/")]
        if "[Content_Types].xml" in names or "mimetype" in names:
            raise _foreign(path)
        if len(names) != 1:
            listed = quoted(names, 5) if names else "no file"
            raise DataError(
                f"{path} is a zip archive of {listed}: unpack it and give the one table."
            )
        try:
            return archive.open(names[0])
        except RuntimeError as error:
            raise DataError(f"{path} cannot be unpacked: {error}.") from error


def _foreign(path: Path) -> DataError:
    return DataError(
        f"{path} is an Excel workbook or a zip archive, not a table: save it as CSV, Parquet or JSON "
        "and try again."
    )


def _open_gzip(path: Path) -> IO[bytes]:
    return gzip.GzipFile(path, "rb")  # type: ignore[return-value]


_FORMATS: dict[bytes, tuple[str, Callable[[Path], IO[bytes]]]] = {
    b"\x1f\x8b": ("gzip", _open_gzip),
    b"BZh": ("bzip2", bz2.BZ2File),
    b"\xfd7zXZ": ("xz", lzma.LZMAFile),
    b"PK\x03\x04": ("zip", _open_zip),
}
