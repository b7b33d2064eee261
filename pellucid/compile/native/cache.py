"""Object code on disk, so that what was compiled once starts at once.

An entry is a file named by the hash of everything that its code depends on. Its code is run, so it is
used only if nobody but the user (or root) can have written it: folder and file are theirs and closed
to others (see `private_folder`), and a key of the user's own, random bytes in the same folder,
authenticates header and content (HMAC-SHA256, RFC 2104). Anything else is compiled again. Entries
appear at once and whole, so several processes may share the folder. It is kept below a size by
removing what was used longest ago. Where the folder cannot be used, everything works without it.

On Windows the system's access lists take the place of owners and modes; Python cannot read them, so
what is checked there is what `plain_folder` says. The key lies in the user's own folder of caches
even if PELLUCID_CACHE names another.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pellucid.compile.forks import hashing
from pellucid.compile.native.isa import Isa
from pellucid.compile.native.places import default_folder, own_folder
from pellucid.compile.native.plain_folder import PlainFolder
from pellucid.compile.native.private_folder import PARTIAL, PrivateFolder

MAGIC = b"pellucid object 2\n"
MOST_BYTES = 512 * 1024 * 1024
MOST_ENTRY_BYTES = 128 * 1024 * 1024
"""No object of a program is as large; a file that is belongs to nobody."""
SECRET = "pellucid-key"
_SECRET_BYTES = 32
_DIGEST = 32
_CLEAN_EVERY = 64
_TRIES = 8

Folder = PrivateFolder | PlainFolder


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

    folder:  None if there is no place for it.
    trouble: why the folder, or an entry, could not be used the last time, empty if it could.
    """

    def __init__(self, folder: Path | None = None, most_bytes: int = MOST_BYTES) -> None:
        self.folder = default_folder() if folder is None else folder
        self.most_bytes = most_bytes
        self.trouble = ""
        if self.folder is None:
            self.trouble = (
                "there is no folder for compiled code: HOME names none that is there; "
                "PELLUCID_CACHE may name another"
            )

    def load(self, key: str) -> bytes | None:
        """The object code of a key, None if it is not there or not to be trusted."""
        name = f"{key}.o"
        if self.folder is None:
            return None
        missing = suppress(FileNotFoundError)
        with self._noting("read"), missing, _opened(self.folder, make=False) as folder:
            content = folder.read(name, MOST_ENTRY_BYTES)
            if content is None:
                return None
            payload = _checked(content, key, self._secret())
            if payload is None:
                with self._noting("removed", name):
                    folder.remove(name)
                return None
            with self._noting("marked as used", name):
                folder.touch(name)
            return payload
        return None

    def store(self, key: str, payload: bytes) -> None:
        """Keep the object code of a key, if the folder allows and it is not too large."""
        if self.folder is None or len(payload) > MOST_ENTRY_BYTES - len(MAGIC) - 2 * _DIGEST:
            return
        with self._noting("written"), _opened(self.folder, make=True) as folder:
            header = MAGIC + bytes.fromhex(key)
            folder.write(f"{key}.o", header + _seal(self._secret(), header, payload) + payload)
        if int(key, 16) % _CLEAN_EVERY == 0:  # hashes are as good as dice, and the same again
            self.clean()

    def clean(self) -> None:
        """Remove what was used longest ago until the folder is below its size.

        The folder may hold something else than entries, which is not ours to remove.
        """
        if self.folder is None:
            return
        missing = suppress(FileNotFoundError)
        with self._noting("read"), missing, _opened(self.folder, make=False) as folder:
            found = [each for each in folder.files() if _is_entry(each[1])]
            total = sum(status.st_size for status, _ in found)
            for status, name in sorted(found, key=lambda pair: pair[0].st_mtime):
                if total <= self.most_bytes:
                    return
                with self._noting("removed", name):
                    folder.remove(name)
                total -= status.st_size

    def _secret(self) -> bytes:
        """The user's key, made when it is first needed, and again if it is damaged.

        It is read each time: whoever makes it first makes it for all, and a new one counts at once.
        """
        place = own_folder() if sys.platform == "win32" else self.folder
        if place is None:
            raise OSError(0, "there is no place for its key")
        with _opened(place, make=True) as folder:
            for _ in range(_TRIES):
                found = folder.read(SECRET, _SECRET_BYTES, secret=True)
                if found is not None and len(found) == _SECRET_BYTES:
                    return found
                if found is not None:
                    folder.remove(SECRET)
                folder.write_first(SECRET, secrets.token_bytes(_SECRET_BYTES))
        raise OSError(0, "its key is damaged again and again")

    @contextmanager
    def _noting(self, what: str, name: str = "") -> Iterator[None]:
        """Go on without the cache where the system, or what lies there, does not allow something."""
        try:
            yield
        except OSError as error:
            path = self.folder / name if self.folder else name
            self.trouble = f"{path} cannot be {what}: {error.strerror}"


def _opened(folder: Path, make: bool) -> Folder:
    return PrivateFolder(folder, make) if hasattr(os, "geteuid") else PlainFolder(folder, make)


def _is_entry(name: str) -> bool:
    digits = "0123456789abcdef"
    stem, dot, kind = name.rpartition(".")
    whole = dot + kind == ".o" and len(stem) == 2 * _DIGEST and not stem.strip(digits)
    return whole or name.endswith(PARTIAL)


def _seal(secret: bytes, header: bytes, payload: bytes) -> bytes:
    with hashing:
        return hmac.digest(secret, header + payload, "sha256")


def _checked(content: bytes, key: str, secret: bytes) -> bytes | None:
    """What an entry holds, None unless its header and its seal are right."""
    header = MAGIC + bytes.fromhex(key)
    start = len(header)
    seal, payload = content[start : start + _DIGEST], content[start + _DIGEST :]
    right = content[:start] == header
    return payload if right and hmac.compare_digest(seal, _seal(secret, header, payload)) else None
