"""The cache on systems without owners and modes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pellucid.compile.native import cache as module
from pellucid.compile.native.cache import ObjectCache
from pellucid.compile.native.plain_folder import PlainFolder
from tests.compile.native.planted import (
    MARK,
    check_never_run,
    name_of_entry,
    needs_owners,
)
from tests.compile.native.test_cache import works
from tests.compile.native.test_cache_trust import (
    bare,
    large,
    link_elsewhere,
    other_seal,
    pipe,
    plain_digest,
)

pytestmark = needs_owners


def test_a_plain_folder_checks_what_it_can(tmp_path: Path) -> None:
    with PlainFolder(tmp_path / "made" / "deep", make=True) as folder:
        assert folder.read("a", 10) is None
        folder.write("a", b"first")
        folder.write_first("a", b"second")
        folder.write_first("b", b"b")
        assert folder.read("a", 10) == b"first" and folder.read("b", 1) == b"b"
        assert folder.read("a", 4) == b""
        folder.write("a", b"third")
        folder.touch("a")
        (tmp_path / "made" / "deep" / "link").symlink_to("a")
        (tmp_path / "made" / "deep" / "below").mkdir()
        os.mkfifo(tmp_path / "made" / "deep" / "pipe")
        for other in ("link", "below", "pipe"):
            assert folder.read(other, 10) == b""
            with pytest.raises(OSError, match="not a regular file"):
                folder.remove(other)
            with pytest.raises(OSError, match="not a regular file"):
                folder.write(other, b"")
        assert sorted(name for _, name in folder.files()) == ["a", "b"]
        folder.remove("a")
        folder.remove("a")
        assert folder.read("a", 10) is None
    (tmp_path / "link").symlink_to("made")
    for path in (tmp_path / "link", tmp_path / "made" / "deep" / "b"):
        with pytest.raises(OSError, match="not a folder of its own"):
            PlainFolder(path, make=False)


def test_the_cache_on_a_plain_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_opened", PlainFolder)
    name = name_of_entry(tmp_path)
    assert works(ObjectCache(tmp_path))
    for change in (other_seal, plain_digest, bare, large):
        change(tmp_path / name)
        assert not works(ObjectCache(tmp_path))
        assert works(ObjectCache(tmp_path))
    for change in (link_elsewhere, pipe):
        change(tmp_path / name)
        check_never_run(ObjectCache(tmp_path))
        (tmp_path / name).unlink()
        works(ObjectCache(tmp_path))
    assert MARK[0] == 0
