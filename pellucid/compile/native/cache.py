"""Object code on disk, so that what was compiled once starts at once.

An entry is a file named by the hash of everything that its code depends on. It is trusted only if its
header, its length and the hash of its content are right; anything else is removed and compiled
again. Entries are written under a temporary name and then renamed, so several processes may share
the folder. The folder is kept below a size by removing what was used longest ago. Where the folder
cannot be used, everything works without it.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from pellucid.compile.native.isa import Isa

MAGIC = b"pellucid object 1\n"
MOST_BYTES = 512 * 1024 * 1024
_DIGEST = 32
_CLEAN_EVERY = 64
_PARTIAL = ".pellucid-partial"


def default_folder() -> Path:
    """Where this user's caches are kept; PELLUCID_CACHE names another folder.

    A user without a home has none, and a temporary folder is no place for code to be run: others can
    write there. The path is then one where no folder can be.
    """
    chosen = os.environ.get("PELLUCID_CACHE")
    if chosen:
        return Path(chosen)
    try:
        home = Path.home()
    except RuntimeError:
        home = Path(os.devnull)
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = home / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache")
    return base / "pellucid"


def key_of(source: str, isa: Isa) -> str:
    """The hash of what a module's text depends on, the target, and LLVM's version."""
    import llvmlite
    from llvmlite.binding import llvm_version_info

    parts = (
        source,
        isa.triple,
        isa.cpu,
        isa.features,
        llvmlite.__version__,
        str(llvm_version_info),
    )
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


class ObjectCache:
    """Object code by key.

    trouble: why the folder could not be used the last time, empty if it could.
    """

    def __init__(self, folder: Path | None = None, most_bytes: int = MOST_BYTES) -> None:
        self.folder = default_folder() if folder is None else folder
        self.most_bytes = most_bytes
        self.trouble = ""

    def load(self, key: str) -> bytes | None:
        """The object code of a key, None if it is not there or not to be trusted."""
        path = self._path(key)
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            self.trouble = f"{path} cannot be read: {error.strerror}"
            return None
        payload = _checked(content, key)
        if payload is None:
            self._remove(path)
            return None
        self._touch(path)
        return payload

    def store(self, key: str, payload: bytes) -> None:
        """Keep the object code of a key, if the folder allows."""
        path = self._path(key)
        header = MAGIC + bytes.fromhex(key) + hashlib.sha256(payload).digest()
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle, temporary = tempfile.mkstemp(dir=self.folder, suffix=_PARTIAL)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(header + payload)
                Path(temporary).replace(path)
            except BaseException:
                Path(temporary).unlink(missing_ok=True)
                raise
        except OSError as error:
            self.trouble = f"{self.folder} cannot be written: {error.strerror}"
            return
        if int(key, 16) % _CLEAN_EVERY == 0:  # hashes are as good as dice, and the same again
            self.clean()

    def clean(self) -> None:
        """Remove what was used longest ago until the folder is below its size."""
        found = self._entries()
        total = sum(status.st_size for status, _ in found)
        for status, file in sorted(found, key=lambda pair: pair[0].st_mtime):
            if total <= self.most_bytes:
                return
            self._remove(file)
            total -= status.st_size

    def _entries(self) -> list[tuple[os.stat_result, Path]]:
        """What this class wrote; the folder may hold something else, which is not ours to remove."""
        found = []
        try:
            for file in self.folder.iterdir():
                if file.suffix == _PARTIAL or _is_entry(file):
                    # Another process may have removed it by now.
                    with suppress(FileNotFoundError):
                        found.append((file.stat(), file))
        except OSError as error:
            self.trouble = f"{self.folder} cannot be read: {error.strerror}"
        return found

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.o"

    def _touch(self, path: Path) -> None:
        try:
            os.utime(path)
        except OSError as error:
            self.trouble = f"{path} cannot be marked as used: {error.strerror}"

    def _remove(self, path: Path) -> None:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            self.trouble = f"{path} cannot be removed: {error.strerror}"


def _is_entry(file: Path) -> bool:
    digits = "0123456789abcdef"
    return file.suffix == ".o" and len(file.stem) == 2 * _DIGEST and not file.stem.strip(digits)


def _checked(content: bytes, key: str) -> bytes | None:
    start = len(MAGIC)
    if content[:start] != MAGIC or content[start : start + _DIGEST] != bytes.fromhex(key):
        return None
    digest = content[start + _DIGEST : start + 2 * _DIGEST]
    payload = content[start + 2 * _DIGEST :]
    return payload if hashlib.sha256(payload).digest() == digest else None
