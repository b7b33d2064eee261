"""A run folder belongs to the process that writes to it.

The system holds the lock and lets go of it when the process ends, however it ends. On a network file
system it holds among machines as far as that file system's locks do (NFS 4; NFS 3 with its lock
service; Lustre mounted with `flock`). Where there are no locks at all, a warning says so, and what the
lock's file says of its process must do: it protects among processes of one machine.
"""

from __future__ import annotations

import errno
import os
import platform
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pellucid.errors import RunFolderError, warn
from pellucid.train.storage.files import cause, is_alive

LOCK = "run.lock"
_PATIENCE = 0.5
"""Seconds in which a process that has the lock says who it is."""
_BUSY = (errno.EACCES, errno.EAGAIN, errno.EDEADLK)
_NONE = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EINVAL)

_held: set[int] = set()


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder; raises RunFolderError, naming its process, if another has it."""
    path = folder / LOCK
    process = os.getpid()
    try:
        handle = _acquire(path)
    except OSError as error:
        raise RunFolderError(f"Cannot write to {folder}: {cause(error)}.") from error
    try:
        yield
    finally:
        # A forked child that gets here has nothing to let go of.
        if os.getpid() == process:
            _release(path, handle)


def _acquire(path: Path) -> int:
    """The open file of the lock."""
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        _held.add(handle)
        try:
            _take(path, handle)
            # Who had the lock removes its file; the lock of a removed file keeps nobody out.
            if _is_at(path, handle):
                os.ftruncate(handle, 0)
                os.lseek(handle, 0, os.SEEK_SET)
                os.write(handle, f"{os.getpid()} {platform.node()}\n".encode())
                return handle
        except BaseException:
            _close(handle)
            raise
        _close(handle)


def _take(path: Path, handle: int) -> None:
    try:
        _lock(handle)
    except OSError as error:
        if error.errno in _BUSY:
            raise _refusal(path) from None
        if error.errno not in _NONE:
            raise
        process, machine = _owner(path)
        if process and machine == platform.node() and is_alive(process) and process != os.getpid():
            raise _refusal(path) from None
        warn(
            f"The file system of {path.parent} has no locks ({cause(error)}): see to it that no "
            "other machine trains in this folder at the same time."
        )


def _refusal(path: Path) -> RunFolderError:
    """What a process is told that comes second."""
    until = time.monotonic() + _PATIENCE
    while not is_alive(_owner(path)[0]) and time.monotonic() < until:
        time.sleep(0.01)
    process, machine = _owner(path)
    elsewhere = f" on {machine}" if machine not in ("", platform.node()) else ""
    who = f"process {process}{elsewhere}" if process else "another process"
    return RunFolderError(
        f"A run in {path.parent} is going on, of {who}: wait for its end, stop it, or choose another "
        "folder."
    )


def _owner(path: Path) -> tuple[int, str]:
    """The process that wrote to the lock's file and its machine; (0, "") if nothing is there."""
    try:
        process, _, machine = path.read_text(encoding="utf-8").strip().partition(" ")
    except (OSError, ValueError):
        return 0, ""
    return (int(process), machine) if process.isdecimal() else (0, "")


def _is_at(path: Path, handle: int) -> bool:
    """Whether the open file is the one of that name."""
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False


def _release(path: Path, handle: int) -> None:
    with suppress(OSError):
        # Who deleted the folder may have made way for another process, whose file is its own.
        if sys.platform != "win32" and _is_at(path, handle):
            path.unlink(missing_ok=True)
    _close(handle)
    with suppress(OSError):
        # Windows removes no file that is open.
        if sys.platform == "win32":
            path.unlink(missing_ok=True)


def _close(handle: int) -> None:
    _held.discard(handle)
    with suppress(OSError):
        os.close(handle)


def _lock(handle: int) -> None:
    """Lock an open file against every other opening of it, in this process too, without waiting."""
    if sys.platform == "win32":
        import msvcrt

        # What is locked there cannot be read: a byte beyond what is written.
        os.lseek(handle, 1 << 20, os.SEEK_SET)
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _forget() -> None:
    """In a forked child: the lock is its parent's, and must not outlive it in the child."""
    for handle in tuple(_held):
        _close(handle)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
