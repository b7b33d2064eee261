"""The folder of a user's compiled code."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from pellucid.compile.native.cache import ObjectCache
from pellucid.compile.native.cache_folder import default_folder
from tests.compile.native.planted import (
    check_never_run,
    needs_owners,
)
from tests.compile.native.test_cache import works

pytestmark = needs_owners


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder; PELLUCID_CACHE and the system's variables are unset."""
    for name in ("PELLUCID_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


@pytest.mark.parametrize(
    "home", ["", "/", "//", "/..", "relative", ".", "~", "/nonexistent", "/dev/null"]
)
@pytest.mark.parametrize("caches", [None, "", "/", "relative", "."])
def test_a_user_without_a_home(
    here: Path, monkeypatch: pytest.MonkeyPatch, home: str, caches: str | None
) -> None:
    """Nothing is written to the root folder or the current one; everything works."""
    monkeypatch.setenv("HOME", home)
    if caches is not None:
        monkeypatch.setenv("XDG_CACHE_HOME", caches)
    before = {path.name for path in Path("/").iterdir()}
    cache = ObjectCache()
    assert cache.folder is None and "PELLUCID_CACHE may name another" in cache.trouble
    check_never_run(cache)
    new = {path.name for path in Path("/").iterdir()} - before
    assert not new & {".cache", "pellucid", "nonexistent", "relative", "Library"}
    assert not list(here.iterdir())


def test_a_user_whom_the_system_does_not_know(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr(Path, "home", homeless)
    cache = ObjectCache()
    assert not works(cache) and cache.trouble


def test_the_home_of_the_user_database(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pwd = pytest.importorskip("pwd")
    try:
        home = Path(pwd.getpwuid(os.getuid()).pw_dir)
    except KeyError:
        home = Path("nobody's")
    monkeypatch.delenv("HOME", raising=False)
    folder = default_folder()
    assert folder is None or home in folder.parents


def test_the_folder_can_be_chosen(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PELLUCID_CACHE", str(here / "chosen"))
    assert default_folder() == ObjectCache().folder == here / "chosen"
    monkeypatch.setenv("PELLUCID_CACHE", "")
    monkeypatch.setenv("HOME", str(here))
    monkeypatch.setenv("XDG_CACHE_HOME", str(here / "xdg"))
    if sys.platform == "linux":
        assert default_folder() == here / "xdg" / "pellucid"
        monkeypatch.setenv("XDG_CACHE_HOME", "xdg")
        assert default_folder() == here / ".cache" / "pellucid"
