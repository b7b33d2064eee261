"""Writing files so that nothing is ever lost: whole or not at all."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

from pellucid.errors import RunFolderError


def write_atomically(path: Path, content: bytes) -> None:
    """Replace the file at `path` by `content`, so that a reader sees the old file or the new one.

    The content goes to a temporary file in the same folder, to the disk, and then under its name.
    Raises RunFolderError if the disk is full or the folder cannot be written; the old file stays.
    """
    try:
        handle, temporary = tempfile.mkstemp(
            dir=path.parent, prefix=f".{path.name}.", suffix=".partial"
        )
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).chmod(0o666 & ~_umask())
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise RunFolderError(f"Cannot write {path}: {cause(error)}.") from error


def _umask() -> int:
    """The permissions that new files do not get (a temporary file has fewer)."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


def remove_leftovers(folder: Path) -> None:
    """Remove temporary files that a killed process left behind."""
    for leftover in folder.glob(".*.partial"):
        leftover.unlink(missing_ok=True)


def make_folder(path: Path) -> None:
    """Make a folder and those above it; raises RunFolderError if that is not possible."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunFolderError(f"Cannot make the folder {path}: {cause(error)}.") from error


def check_writable(folder: Path) -> None:
    """Raise RunFolderError unless a file can be made in a folder."""
    try:
        handle, probe = tempfile.mkstemp(dir=folder, prefix=".probe.", suffix=".partial")
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
    }
    return causes.get(error.errno or 0, (error.strerror or str(error)).lower())
