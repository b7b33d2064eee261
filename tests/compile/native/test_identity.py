"""Different compilers have different keys, in every form of installation."""

from __future__ import annotations

import compileall
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

import pellucid.compile.code as code
from pellucid.compile.native import identity
from pellucid.compile.native.cache import ObjectCache
from pellucid.compile.native.identity import code_hash
from tests.compile.native.test_cache import ROOT, works

GROUND = sorted(file.name for file in (ROOT / "pellucid").glob("*.py"))
PARTS = (*GROUND, "graph", "compile")
RUN = """
import os, pellucid
assert os.environ["PLACE"] in pellucid.__file__, pellucid.__file__
from pellucid import graph as g
from pellucid.compile.code import fingerprint
from pellucid.compile.program import NativeProgram
import numpy as np
program = NativeProgram(g.Graph({"y": (g.variable(np.ones(3, np.float32), "x") * 2.0).node}), 1)
assert program.run(1)["y"].tolist() == [[2, 2, 2]]
print(fingerprint(), program.from_cache)
"""


def installed(folder: Path) -> Path:
    """A copy of the compiler, with its sources."""
    (folder / "pellucid").mkdir(parents=True)
    for part in PARTS:
        source = ROOT / "pellucid" / part
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, folder / "pellucid" / part, ignore=ignored)
        else:
            shutil.copy(source, folder / "pellucid" / part)
    return folder


def without_sources(folder: Path) -> Path:
    assert compileall.compile_dir(folder, quiet=2, legacy=True)
    for file in folder.rglob("*.py"):
        file.unlink()
    return folder


def zipped(folder: Path) -> Path:
    archive = folder / "library.zip"
    with zipfile.ZipFile(archive, "w") as into:
        for file in sorted(folder.rglob("*.py*")):
            into.write(file, file.relative_to(folder))
    return archive


def used(folder: Path, cache: Path) -> tuple[str, bool]:
    """The fingerprint of a compiler, and whether its object came from the cache."""
    process = subprocess.run(
        [sys.executable, "-c", RUN],
        capture_output=True,
        text=True,
        cwd=cache,
        env={
            **os.environ,
            "PYTHONPATH": str(folder),
            "PLACE": str(folder),
            "PELLUCID_CACHE": str(cache),
        },
        check=False,
    )
    assert process.returncode == 0, process.stderr
    fingerprint, from_cache = process.stdout.split()
    return fingerprint, from_cache == "True"


@pytest.mark.parametrize(
    "install",
    [
        lambda folder: folder,
        without_sources,
        zipped,
        lambda folder: zipped(without_sources(folder)),
    ],
)
def test_no_object_outlives_the_compiler_that_wrote_it(
    tmp_path: Path, install: Callable[[Path], Path]
) -> None:
    """With sources, with byte code alone, and both in an archive."""
    one, other = installed(tmp_path / "one"), installed(tmp_path / "other")
    with (other / "pellucid" / "compile" / "tiles.py").open("a", encoding="utf-8") as file:
        file.write("\nOTHER = 1\n")
    first, second = install(one), install(other)
    cache = tmp_path / "cache"
    cache.mkdir()
    original = used(first, cache)
    assert len(original[0]) == 64 and not original[1]
    assert used(first, cache) == (original[0], True)
    changed = used(second, cache)
    assert changed[0] != original[0] and not changed[1]


def test_every_module_counts() -> None:
    loaded = {name for name in sys.modules if name.startswith("pellucid.compile.emit.")}
    assert loaded and code_hash(("pellucid.compile.emit",)) is not None
    assert code_hash(("pellucid.compile.emit",)) != code_hash(("pellucid.compile.loop",))
    assert code_hash(("pellucid.compile.nothing",)) is None


def test_code_that_cannot_be_read_is_never_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable(spec: object) -> bytes:
        raise OSError("this module is frozen")

    with monkeypatch.context() as patch:
        patch.setattr(identity, "_content", unreadable)
        code.fingerprint.cache_clear()
        assert code.fingerprint() is None
        assert not works(ObjectCache(tmp_path)) and not works(ObjectCache(tmp_path))
        assert not list(tmp_path.iterdir())
    code.fingerprint.cache_clear()
    assert not works(ObjectCache(tmp_path)) and works(ObjectCache(tmp_path))


def test_modules_that_come_from_elsewhere_are_not_identified(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "pellucid.compile.emit.patched", sys)
    assert code_hash(("pellucid.compile.emit",)) is None
    assert code_hash(("pellucid.compile.loop",)) is not None
