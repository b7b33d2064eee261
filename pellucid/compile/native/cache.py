"""A cache of object code on disk, so that a program is compiled only once.

An entry is a file named by the hash of everything that its code depends on. Its code is run, so it is
used only if nobody but the user or root can have written it. Folder and file are theirs and closed to
others (see `private_folder`), and a secret of the user, random bytes in the same folder,
authenticates header and content (HMAC-SHA256, RFC 2104). Anything else is compiled again. Entries are
written atomically, so several processes may share the folder. The least recently used entries are
removed when the folder grows beyond its size. Without a usable folder everything works, uncached.

On Windows, access lists replace owners and modes. Python cannot read them, so `plain_folder` checks
what it can. The secret lies in the user's own folder of caches even if PELLUCID_CACHE names another.
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
from pellucid.compile.native.cache_folder import default_folder, user_folder
from pellucid.compile.native.isa import Isa
from pellucid.compile.native.plain_folder import PlainFolder
from pellucid.compile.native.private_folder import PARTIAL, PrivateFolder

MAGIC = b"pellucid object 2\n"
MOST_BYTES = 512 * 1024 * 1024
MOST_ENTRY_BYTES = 128 * 1024 * 1024
"""No program has a larger object, so a larger file is not an entry."""
SECRET = "pellucid-key"
_SECRET_BYTES = 32
_DIGEST = 32
_CLEAN_EVERY = 64
_TRIES = 8

Folder = PrivateFolder | PlainFolder


def key_of(source: str, isa: Isa) -> str:
    """The hash of a module's source (its text or what that depends on), target and LLVM version."""
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

    folder:  None if there is none.
    trouble: the reason why the folder or an entry could not be used last; empty if there was none.
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
        """The object code of a key, None if there is none that is trusted."""
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
        """Write the object code of a key, if the folder allows it and it is not too large."""
        if self.folder is None or len(payload) > MOST_ENTRY_BYTES - len(MAGIC) - 2 * _DIGEST:
            return
        with self._noting("written"), _opened(self.folder, make=True) as folder:
            header = MAGIC + bytes.fromhex(key)
            folder.write(f"{key}.o", header + _seal(self._secret(), header, payload) + payload)
        if int(key, 16) % _CLEAN_EVERY == 0:  # hashes are random, but reproducible
            self.clean()

    def clean(self) -> None:
        """Remove the least recently used entries until the folder is within its size.

        Other files in the folder stay.
        """
        if self.folder is None:
            return
        missing = suppress(FileNotFoundError)
        with self._noting("read"), missing, _opened(self.folder, make=False) as folder:
            entries = [entry for entry in folder.files() if _is_entry(entry[1])]
            total = sum(status.st_size for status, _ in entries)
            for status, name in sorted(entries, key=lambda pair: pair[0].st_mtime):
                if total <= self.most_bytes:
                    return
                with self._noting("removed", name):
                    folder.remove(name)
                total -= status.st_size

    def _secret(self) -> bytes:
        """The user's secret, created when it is first needed, and again if it is damaged.

        It is read each time, because another process may have created or replaced it.
        """
        key_folder = user_folder() if sys.platform == "win32" else self.folder
        if key_folder is None:
            raise OSError(0, "there is no folder for its key")
        with _opened(key_folder, make=True) as folder:
            for _ in range(_TRIES):
                secret = folder.read(SECRET, _SECRET_BYTES, secret=True)
                if secret is not None and len(secret) == _SECRET_BYTES:
                    return secret
                if secret is not None:
                    folder.remove(SECRET)
                folder.write_first(SECRET, secrets.token_bytes(_SECRET_BYTES))
        raise OSError(0, "its key is damaged again and again")

    @contextmanager
    def _noting(self, what: str, name: str = "") -> Iterator[None]:
        """Turn an OSError into `trouble`; the program goes on without the cache."""
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
    """The object code of an entry, None unless header and seal are right."""
    header = MAGIC + bytes.fromhex(key)
    start = len(header)
    seal, payload = content[start : start + _DIGEST], content[start + _DIGEST :]
    right = content[:start] == header
    return payload if right and hmac.compare_digest(seal, _seal(secret, header, payload)) else None
