"""A folder where the system has no owners and modes, as Windows, whose access lists Python cannot read.

What can be checked is: the folder and its files are no links (or other reparse points), files are
regular and not too large. That others cannot write is left to where the folder lies: the user's
own folder of caches is closed to them.
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
    """A folder and its files, as `PrivateFolder` as far as the system goes."""

    def __init__(self, path: Path, make: bool) -> None:
        """Open a folder; make: it and those above it; raises OSError if it is not there or a link."""
        self._folder = path
        if make:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = path.lstat()
        if not stat.S_ISDIR(status.st_mode) or _leads_elsewhere(status):
            raise OSError(errno.ENOTDIR, "it is not a folder of its own")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        pass

    def read(self, name: str, most: int, secret: bool = False) -> bytes | None:
        """The content of a file, None if there is none, empty if it is not to be trusted."""
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
        """Replace a file at once; raises OSError, also if the name is taken by something else."""
        with suppress(FileNotFoundError):
            self._check_own(name)
        partial = self._partial(content)
        try:
            partial.replace(self._folder / name)
        finally:
            partial.unlink(missing_ok=True)

    def write_first(self, name: str, content: bytes) -> None:
        """Make a file, whole from the start, unless there is one already."""
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
        """Remove a regular file; raises OSError if it is anything else."""
        with suppress(FileNotFoundError):
            self._check_own(name)
            (self._folder / name).unlink()

    def _check_own(self, name: str) -> None:
        if not _is_file(self._folder / name):
            raise OSError(errno.EPERM, f"{name} is not a regular file")

    def files(self) -> list[tuple[os.stat_result, str]]:
        """The regular files."""
        found = []
        for path in self._folder.iterdir():
            with suppress(FileNotFoundError):
                if _is_file(path):
                    found.append((path.lstat(), path.name))
        return found


def _is_file(path: Path) -> bool:
    status = path.lstat()
    return stat.S_ISREG(status.st_mode) and not _leads_elsewhere(status)


def _leads_elsewhere(status: os.stat_result) -> bool:
    reparse: int = getattr(status, "st_file_attributes", 0) & getattr(
        stat, "FILE_ATTRIBUTE_REPARSE_POINT", 0
    )
    return stat.S_ISLNK(status.st_mode) or bool(reparse)
