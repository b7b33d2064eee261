"""A folder that only its user or root can change, on systems where files have owners and modes.

Every folder of the path is opened relative to the one before and checked by its descriptor, so
nothing can be exchanged between a check and its use. The same holds for the files in the folder.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

PARTIAL = ".pellucid-partial"
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
_OTHERS_READ = stat.S_IRWXG | stat.S_IRWXO
_MOST_LINKS = 40
_NEVER_WAIT = sum(getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_NOCTTY"))
_PASS = _NEVER_WAIT | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_PATH", os.O_RDONLY)
"""Flags for the folders of the path. Where the system allows it, they need no right to list."""


class PrivateFolder:
    """A folder and its files; closed when its `with` block ends."""

    def __init__(self, path: Path, make: bool) -> None:
        """Open a folder.

        make: create it and the folders above it, with mode 0700, where they are missing.
        Raises OSError if the folder does not exist, or if another user could change its content.
        Each folder of the path belongs to the user or root, and others cannot write to it. Above the
        last folder, others may write to a sticky folder, where they cannot rename the user's files.
        Links in the path are followed if they belong to the user or root.
        """
        self._folder = _opened(path, make)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        os.close(self._folder)

    def read(self, name: str, most: int, secret: bool = False) -> bytes | None:
        """The content of a file; None if there is none, empty if it is not trusted.

        A trusted file is regular, has at most `most` bytes, belongs to the user or root, and cannot
        be written by others. secret: it also belongs to the user, and others cannot read it.
        """
        try:
            handle = os.open(name, os.O_RDONLY | _NEVER_WAIT, dir_fd=self._folder)
        except FileNotFoundError:
            return None
        try:
            status = os.fstat(handle)
            owners = {os.geteuid()} if secret else _trusted()
            others = _OTHERS_READ if secret else _OTHERS_WRITE
            if (
                not stat.S_ISREG(status.st_mode)
                or status.st_uid not in owners
                or status.st_mode & others
                or status.st_size > most
            ):
                return b""
            with os.fdopen(handle, "rb", closefd=False) as file:
                return file.read(status.st_size)
        finally:
            os.close(handle)

    def write(self, name: str, content: bytes) -> None:
        """Replace a file atomically; raises OSError if it cannot be, or is not the user's."""
        with suppress(FileNotFoundError):
            self._check_own(name)
        with self._partial(content) as partial:
            os.replace(partial, name, src_dir_fd=self._folder, dst_dir_fd=self._folder)

    def write_first(self, name: str, content: bytes) -> None:
        """Create a file with its whole content, unless it exists."""
        with self._partial(content) as partial, suppress(FileExistsError):
            os.link(partial, name, src_dir_fd=self._folder, dst_dir_fd=self._folder)

    @contextmanager
    def _partial(self, content: bytes) -> Iterator[str]:
        """A new file of mode 0600 under a unique name; removed at the end if it is still there."""
        name = secrets.token_hex(8) + PARTIAL
        new = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NEVER_WAIT
        handle = os.open(name, new, 0o600, dir_fd=self._folder)
        try:
            with os.fdopen(handle, "wb") as file:
                os.fchmod(handle, 0o600)  # whatever the umask
                file.write(content)
            yield name
        finally:
            with suppress(FileNotFoundError):
                os.unlink(name, dir_fd=self._folder)

    def touch(self, name: str) -> None:
        """Mark a file as used now."""
        os.utime(name, dir_fd=self._folder, follow_symlinks=False)

    def remove(self, name: str) -> None:
        """Remove a regular file of the user's; raises OSError for anything else."""
        with suppress(FileNotFoundError):
            self._check_own(name)
            os.unlink(name, dir_fd=self._folder)

    def _check_own(self, name: str) -> None:
        status = os.stat(name, dir_fd=self._folder, follow_symlinks=False)
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid():
            raise OSError(errno.EPERM, f"{name} is not a regular file of this user's")

    def files(self) -> list[tuple[os.stat_result, str]]:
        """The user's regular files."""
        listed = os.open(".", os.O_RDONLY | _NEVER_WAIT, dir_fd=self._folder)
        files = []
        try:
            with os.scandir(listed) as entries:
                for entry in entries:
                    # Another process may have removed it meanwhile.
                    with suppress(FileNotFoundError):
                        files.append((entry.stat(follow_symlinks=False), entry.name))
        finally:
            os.close(listed)
        me = os.geteuid()
        return [(s, name) for s, name in files if stat.S_ISREG(s.st_mode) and s.st_uid == me]


def _trusted() -> set[int]:
    return {0, os.geteuid()}


def _opened(path: Path, make: bool) -> int:
    """The descriptor of a folder; every folder and link of the path has been checked."""
    absolute = Path.cwd() / path
    current = os.open(os.sep, _PASS)
    try:
        names = [*absolute.parts[1:]]
        _check_folder(os.fstat(current), os.sep, last=not names)
        links = 0
        while names:
            name = names.pop(0)
            target = _link(current, name)
            if target is not None:
                links += 1
                if links > _MOST_LINKS:
                    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
                names = [*target.parts, *names]
                continue
            child = _root() if name == os.sep else _child(current, name, make)
            os.close(current)
            current = child
            _check_folder(os.fstat(current), name, last=not names)
    except BaseException:
        os.close(current)
        raise
    return current


def _root() -> int:
    return os.open(os.sep, _PASS)


def _check_folder(status: os.stat_result, name: str, last: bool) -> None:
    if status.st_uid not in _trusted():
        raise OSError(errno.EPERM, f"the folder {name!r} belongs to another user")
    sticky = status.st_mode & stat.S_ISVTX and not last
    if status.st_mode & _OTHERS_WRITE and not sticky:
        raise OSError(errno.EPERM, f"others can write to the folder {name!r}; chmod go-w it")


def _link(folder: int, name: str) -> Path | None:
    """The target of a link, None for anything else; raises OSError if it is another user's."""
    try:
        status = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None
    if not stat.S_ISLNK(status.st_mode):
        return None
    if status.st_uid not in _trusted():
        raise OSError(errno.EPERM, f"the link {name!r} belongs to another user")
    return Path(os.readlink(name, dir_fd=folder))


def _child(folder: int, name: str, make: bool) -> int:
    with suppress(FileExistsError):
        if make and not _exists(folder, name):
            os.mkdir(name, 0o700, dir_fd=folder)
            os.chmod(name, 0o700, dir_fd=folder)  # whatever the umask
    return os.open(name, _PASS, dir_fd=folder)


def _exists(folder: int, name: str) -> bool:
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True
