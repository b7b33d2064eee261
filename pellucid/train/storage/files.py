"""Writing files so that nothing is ever lost: whole or not at all."""

from __future__ import annotations

import errno
import os
import platform
import stat
import sys
import tempfile
import time
import zlib
from functools import cache
from pathlib import Path

from pellucid.errors import RunFolderError

_PARTIAL = ".partial"
_LONGEST = 100
"""Letters of a file's name that its temporary name repeats: names have at most 255 bytes."""
_ABANDONED = 86_400
"""Seconds after which a temporary file of another machine, whose processes are not seen, is old."""


def write_atomically(path: Path, content: bytes) -> None:
    """Replace the file at `path` by `content`, so that a reader sees the old file or the new one.

    The content goes to a temporary file in the same folder, to the disk, and then under its name. A
    link stays, and what it names is replaced; permissions stay as they are. Pipes and devices are
    written to. Raises RunFolderError if the disk is full, the folder cannot be written, or the file
    is write-protected; the old file stays.
    """
    try:
        mode = _mode(path)
        if mode is not None and not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            path.write_bytes(content)
            return
        if mode is not None and stat.S_ISDIR(mode):
            raise RunFolderError(f"Cannot write {path}: a folder of that name is in the way.")
        if mode is not None and not mode & 0o222:
            raise RunFolderError(f"Cannot write {path}: the file is write-protected.")
        permissions = 0o666 & ~_umask() if mode is None else stat.S_IMODE(mode)
        _replace(Path(os.path.realpath(path)), content, permissions)
    except OSError as error:
        raise RunFolderError(f"Cannot write {path}: {cause(error)}.") from error


def _mode(path: Path) -> int | None:
    """What the file is and who may use it; None if there is none."""
    try:
        return path.stat().st_mode
    except FileNotFoundError:
        return None


def _replace(path: Path, content: bytes, permissions: int) -> None:
    # The folder is not synchronised: were the new name lost with the power, the old file would be
    # there, and what is removed afterwards too, because file systems keep the order of such changes.
    start = f".{path.name[:_LONGEST]}."
    remove_leftovers(path.parent, start)
    handle, temporary = _temporary(path.parent, start)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(permissions)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _temporary(folder: Path, start: str) -> tuple[int, str]:
    """A new file, open, whose name says whose it is."""
    return tempfile.mkstemp(
        dir=folder, prefix=f"{start}{_machine()}-{os.getpid()}-", suffix=_PARTIAL
    )


def _umask() -> int:
    """The permissions that new files do not get (a temporary file has fewer)."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


def remove_leftovers(folder: Path, start: str = ".") -> None:
    """Remove temporary files that killed processes left; those of living ones are their own.

    start: what the names of those begin with that are meant, by default all.
    """
    for file in folder.iterdir():
        if file.name.startswith(start) and is_leftover(file):
            file.unlink(missing_ok=True)


def is_leftover(file: Path) -> bool:
    """Whether a file is a temporary one of a process that is no more."""
    machine, *numbers = file.name.removesuffix(_PARTIAL).rpartition(".")[2].split("-", 2)
    if file.suffix != _PARTIAL or len(numbers) != 2 or not numbers[0].isdecimal():
        return False
    if machine == _machine():
        return not is_alive(int(numbers[0]))
    try:
        return time.time() - file.stat().st_mtime > _ABANDONED
    except FileNotFoundError:
        return False


@cache
def _machine() -> str:
    """A name of this machine that is short and fits every file system."""
    return f"{zlib.crc32(platform.node().encode()):08x}"


def is_alive(process: int) -> bool:
    """Whether there is a process of this number on this machine."""
    if process <= 0:
        return False
    if sys.platform == "win32":
        import ctypes

        query = 0x1000  # PROCESS_QUERY_LIMITED_INFORMATION
        handle = ctypes.windll.kernel32.OpenProcess(query, False, process)
        ctypes.windll.kernel32.CloseHandle(handle)
        return bool(handle)
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def make_folder(path: Path) -> None:
    """Make a folder and those above it; raises RunFolderError if that is not possible."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunFolderError(f"Cannot make the folder {path}: {cause(error)}.") from error


def check_writable(folder: Path) -> None:
    """Raise RunFolderError unless a file can be made in a folder."""
    try:
        handle, probe = _temporary(folder, ".probe.")
        os.close(handle)
        Path(probe).unlink(missing_ok=True)
    except OSError as error:
        raise RunFolderError(f"Cannot write to {folder}: {cause(error)}.") from error


def cause(error: OSError) -> str:
    """Why the system refused, in plain words."""
    causes = {
        errno.ENOSPC: "the disk is full",
        errno.EDQUOT: "the disk quota is used up",
        errno.EACCES: "there is no permission to write there",
        errno.EPERM: "there is no permission to write there",
        errno.EROFS: "the file system is read-only",
        errno.ENOTDIR: "part of the path is a file, not a folder",
        errno.ENOENT: "the folder does not exist",
        errno.EEXIST: "a file of that name is in the way",
        errno.ELOOP: "its links lead in a circle",
        errno.ENAMETOOLONG: "the name is too long",
    }
    return causes.get(error.errno or 0, (error.strerror or str(error)).lower())
