"""Entries that an attacker plants in a cache: object code that leaves a mark if it is ever run."""

from __future__ import annotations

import hmac
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pellucid.compile.native.assemble import to_object
from pellucid.compile.native.cache import MAGIC, SECRET, ObjectCache
from pellucid.compile.native.isa import host_isa
from tests.compile.native.test_cache import entries, works

needs_owners = pytest.mark.skipif(not hasattr(os, "geteuid"), reason="no owners and modes here")
as_root = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give files away"
)
OTHER_USER = 12345
MARK = np.zeros(1, np.int32)
Plant = Callable[[Path], None]


def harmful() -> bytes:
    """An object whose entry only leaves a mark."""
    text = f"""
    define void @entry(ptr %table, i64 %steps, i64 %thread, i64 %threads, ptr %team) {{
      %mark = inttoptr i64 {MARK.ctypes.data} to ptr
      store i32 666, ptr %mark
      ret void
    }}"""
    return to_object(text, host_isa())


def name_of_entry(scratch: Path) -> str:
    """The name of the entry of the program of `works`, which anybody can know."""
    assert not works(ObjectCache(scratch))
    (entry,) = entries(scratch)
    return entry.name


def plant(folder: Path, name: str, secret: bytes = bytes(32)) -> Path:
    """Plant an entry that is sealed with the attacker's secret, and that secret if there is none."""
    header, code = MAGIC + bytes.fromhex(Path(name).stem), harmful()
    if not (folder / SECRET).exists():
        (folder / SECRET).write_bytes(secret)
        (folder / SECRET).chmod(0o600)
    (folder / name).write_bytes(header + hmac.digest(secret, header + code, "sha256") + code)
    return folder / name


def give_away(path: Path) -> None:
    os.chown(path, OTHER_USER, OTHER_USER)


def check_never_run(cache: ObjectCache) -> None:
    assert not works(cache) and not works(cache)
    cache.clean()
    assert MARK[0] == 0
