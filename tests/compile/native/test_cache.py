"""The cache of object code: results are right, whatever happens to the folder."""

from __future__ import annotations

import errno
import hashlib
import importlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pellucid import graph as g
from pellucid.compile.native import cache as module
from pellucid.compile.native.cache import MAGIC, ObjectCache, key_of
from pellucid.compile.native.isa import isa_named
from pellucid.compile.native.private_folder import PARTIAL, PrivateFolder
from pellucid.compile.program import NativeProgram
from pellucid.graph import Graph

ROOT = Path(__file__).parents[3]
KEY, OTHER = "a1" * 32, "b2" * 32


def graph() -> Graph:
    x = g.variable(np.arange(5, dtype=np.float32), "x")
    return Graph({"y": (x * 3.0).node})


def works(cache: ObjectCache) -> bool:
    """Compile and check the result; returns whether the code came from the cache."""
    program = NativeProgram(graph(), 1, cache)
    assert program.run(1)["y"].tolist() == [[0, 3, 6, 9, 12]]
    return program.from_cache


def entries(folder: Path) -> list[Path]:
    """All files of a folder except the secret."""
    return sorted(file for file in folder.iterdir() if file.name != module.SECRET)


def test_what_was_compiled_is_found_again(tmp_path: Path) -> None:
    folder = tmp_path / "made" / "when needed"
    assert not works(ObjectCache(folder))
    assert works(ObjectCache(folder))
    (entry,) = entries(folder)
    assert entry.suffix == ".o" and folder.stat().st_mode & 0o077 == 0


def flip(position: int) -> Callable[[bytes], bytes]:
    def damaged(content: bytes) -> bytes:
        at = position % len(content)
        return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]

    return damaged


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[:10],
        lambda content: content[:-1],
        lambda content: content[: len(MAGIC) + 64],
        lambda content: content + b"\0",
        lambda content: bytes(len(content)),
        lambda content: b"\x7fELF" + content,
        lambda content: content.replace(b" 2\n", b" 1\n", 1),
        flip(len(MAGIC) + 3),
        flip(len(MAGIC) + 40),
        flip(len(MAGIC) + 100),
        flip(-1),
    ],
)
def test_a_damaged_entry_is_compiled_again(
    tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    cache = ObjectCache(tmp_path)
    works(cache)
    (entry,) = entries(tmp_path)
    good = entry.read_bytes()
    entry.write_bytes(damage(good))
    assert not works(cache)
    assert works(cache) and entry.read_bytes() == good


def test_an_entry_under_another_name_is_not_trusted(tmp_path: Path) -> None:
    cache = ObjectCache(tmp_path)
    cache.store(OTHER, b"code for something else")
    shutil.copy(tmp_path / f"{OTHER}.o", tmp_path / f"{KEY}.o")
    assert cache.load(KEY) is None
    assert cache.load(OTHER) == b"code for something else"
    assert entries(tmp_path) == [tmp_path / f"{OTHER}.o"]


def test_the_key_depends_on_target_and_versions(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("avx512", "avx2", "sse2", "neon")
    keys = {key_of("text", isa_named(name)) for name in names}
    keys.add(key_of("other text", isa_named("avx2")))
    monkeypatch.setattr("llvmlite.__version__", "0.0.0")
    keys.add(key_of("text", isa_named("avx2")))
    monkeypatch.setattr("llvmlite.binding.llvm_version_info", (1, 2, 3))
    keys.add(key_of("text", isa_named("avx2")))
    assert len(keys) == 7


def test_the_key_depends_on_the_source_of_the_compiler(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = importlib.import_module("pellucid.compile.code")
    assert not works(ObjectCache(tmp_path))
    monkeypatch.setattr(code, "fingerprint", lambda: "another compiler")
    assert not works(ObjectCache(tmp_path))
    assert len(entries(tmp_path)) == 2


def refused(number: int) -> Callable[..., Any]:
    def fails(*args: Any, **settings: Any) -> Any:
        raise OSError(number, os.strerror(number))

    return fails


def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = ObjectCache(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fchmod", refused(errno.ENOSPC))
        assert not works(cache) and not works(cache)
    assert "cannot be written: No space left on device" in cache.trouble
    assert not entries(tmp_path)


def test_a_folder_that_may_not_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = ObjectCache(tmp_path)
    works(cache)
    for name in ("replace", "utime", "unlink"):
        monkeypatch.setattr(os, name, refused(errno.EROFS))
    assert works(cache)
    assert "cannot be marked as used: Read-only file system" in cache.trouble
    entries(tmp_path)[0].write_bytes(b"damaged")
    assert not works(cache) and not works(cache)
    assert "cannot be written: Read-only file system" in cache.trouble


def test_a_folder_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = ObjectCache(tmp_path)
    works(cache)
    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refused(errno.EACCES))
        assert not works(cache)
        cache.clean()
    assert "cannot be read: Permission denied" in cache.trouble


def test_a_file_where_the_folder_should_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        cache = ObjectCache(folder)
        assert not works(cache) and not works(cache)
        assert cache.trouble
    assert (tmp_path / "file").read_text() == "mine"


def test_a_folder_where_the_entry_should_be(tmp_path: Path) -> None:
    cache = ObjectCache(tmp_path)
    (tmp_path / f"{KEY}.o").mkdir()
    assert cache.load(KEY) is None
    cache.store(KEY, b"code")
    assert cache.trouble and cache.load(KEY) is None
    assert [file.name for file in entries(tmp_path)] == [f"{KEY}.o"]


def test_the_size_is_bounded_by_removing_what_was_used_longest_ago(tmp_path: Path) -> None:
    cache = ObjectCache(tmp_path, most_bytes=3 * 1200)
    keys = [hashlib.sha256(bytes([i])).hexdigest() for i in range(6)]
    for age, key in enumerate(reversed(keys)):
        cache.store(key, bytes(1000))
        os.utime(tmp_path / f"{key}.o", (1e9 + age, 1e9 + age))
    assert cache.load(keys[4]) is not None
    cache.clean()
    kept = {file.stem for file in entries(tmp_path)}
    assert kept == {keys[0], keys[1], keys[4]}


def test_only_its_own_files_are_removed(tmp_path: Path) -> None:
    """PELLUCID_CACHE may name a folder that holds other things."""
    for name in ("thesis.txt", "kernel.o", f"{KEY}.txt", f"{KEY[:-1]}g.o", ".partial"):
        (tmp_path / name).write_bytes(bytes(5000))
    (tmp_path / "folder").mkdir()
    (tmp_path / f"left{PARTIAL}").write_bytes(bytes(5000))
    before = set(entries(tmp_path))
    cache = ObjectCache(tmp_path, most_bytes=0)
    cache.store(KEY, bytes(100))
    cache.clean()
    assert before - set(entries(tmp_path)) == {tmp_path / f"left{PARTIAL}"}
    assert not cache.trouble


def test_an_entry_that_another_process_removes_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = ObjectCache(tmp_path, most_bytes=0)
    cache.store(KEY, b"code")
    cache.store(OTHER, b"code")
    files = PrivateFolder.files

    def meanwhile(self: PrivateFolder) -> list[tuple[os.stat_result, str]]:
        listed = files(self)
        (tmp_path / f"{OTHER}.o").unlink()
        return listed

    monkeypatch.setattr(PrivateFolder, "files", meanwhile)
    cache.clean()
    assert not cache.trouble and not entries(tmp_path)


def test_cleaning_comes_with_storing(tmp_path: Path) -> None:
    cache = ObjectCache(tmp_path, most_bytes=5000)
    for i in range(1000):
        cache.store(hashlib.sha256(str(i).encode()).hexdigest(), bytes(100))
    assert sum(file.stat().st_size for file in entries(tmp_path)) < 400 * 200


CHILD = """
import sys
from pathlib import Path
from pellucid.compile.native.cache import ObjectCache
from tests.compile.native.test_cache import works
for _ in range(40):
    works(ObjectCache(Path(sys.argv[1])))
    for file in Path(sys.argv[1]).glob("*.o"):
        file.unlink(missing_ok=True)
"""


def test_processes_that_share_a_folder(tmp_path: Path) -> None:
    """They compile, read and remove the same entry at the same time."""
    children = [
        subprocess.Popen(
            [sys.executable, "-c", CHILD, str(tmp_path)],
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        for _ in range(3)
    ]
    for child in children:
        _, said = child.communicate(timeout=120)
        assert child.returncode == 0, said
    assert all(not file.name.endswith(PARTIAL) for file in entries(tmp_path))
