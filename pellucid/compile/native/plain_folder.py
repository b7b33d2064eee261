"""A folder on systems without owners and modes, such as Windows, whose access lists Python cannot read.

Neither the folder nor its files are links or other reparse points; files are regular and not too
large. Protection from other users depends on the location: the user's own folder of caches is closed
to them.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path
from typing import Self

from pellucid.compile.native.private_folder import PARTIAL


class PlainFolder:
    """A folder and its files, with the methods of `PrivateFolder`."""

    def __init__(self, path: Path, make: bool) -> None:
        """Open a folder; raises OSError if it does not exist or is a link.

        make: create it and the folders above it.
        """
        self._folder = path
        if make:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = path.lstat()
        if not stat.S_ISDIR(status.st_mode) or _is_link(status):
            raise OSError(errno.ENOTDIR, "it is not a folder of its own")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        pass

    def read(self, name: str, most: int, secret: bool = False) -> bytes | None:
        """The content of a file; None if there is none, empty if it is not trusted."""
        try:
            if not _is_file(self._folder / name):
                return b""
            with (self._folder / name).open("rb") as file:
                status = os.fstat(file.fileno())
                regular = stat.S_ISREG(status.st_mode) and status.st_size <= most
                return file.read(status.st_size) if regular else b""
        except FileNotFoundError:
            return None

    def write(self, name: str, content: bytes) -> None:
        """Replace a file atomically; raises OSError if it cannot be, or is not a regular file."""
        with suppress(FileNotFoundError):
            self._check_regular(name)
        partial = self._partial(content)
        try:
            partial.replace(self._folder / name)
        finally:
            partial.unlink(missing_ok=True)

    def write_first(self, name: str, content: bytes) -> None:
        """Create a file with its whole content, unless it exists."""
        partial = self._partial(content)
        try:
            with suppress(FileExistsError):
                (self._folder / name).hardlink_to(partial)
        finally:
            partial.unlink(missing_ok=True)

    def _partial(self, content: bytes) -> Path:
        path = self._folder / (secrets.token_hex(8) + PARTIAL)
        with path.open("xb") as file:
            file.write(content)
        return path

    def touch(self, name: str) -> None:
        """Mark a file as used now."""
        os.utime(self._folder / name)

    def remove(self, name: str) -> None:
        """Remove a regular file; raises OSError for anything else."""
        with suppress(FileNotFoundError):
            self._check_regular(name)
            (self._folder / name).unlink()

    def _check_regular(self, name: str) -> None:
        if not _is_file(self._folder / name):
            raise OSError(errno.EPERM, f"{name} is not a regular file")

    def files(self) -> list[tuple[os.stat_result, str]]:
        """The regular files."""
        files = []
        for path in self._folder.iterdir():
            with suppress(FileNotFoundError):
                if _is_file(path):
                    files.append((path.lstat(), path.name))
        return files


def _is_file(path: Path) -> bool:
    status = path.lstat()
    return stat.S_ISREG(status.st_mode) and not _is_link(status)


def _is_link(status: os.stat_result) -> bool:
    reparse: int = getattr(status, "st_file_attributes", 0) & getattr(
        stat, "FILE_ATTRIBUTE_REPARSE_POINT", 0
    )
    return stat.S_ISLNK(status.st_mode) or bool(reparse)
