"""The secret that authenticates a user's object code."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pellucid.compile.native.cache import SECRET, ObjectCache
from tests.compile.native.planted import (
    Plant,
    as_root,
    check_never_run,
    give_away,
    name_of_entry,
    needs_owners,
    plant,
)
from tests.compile.native.test_cache import KEY, ROOT, works

pytestmark = needs_owners


def test_what_is_made_is_the_users_alone_whatever_the_umask(tmp_path: Path) -> None:
    for umask in (0o000, 0o077, 0o777):
        os.umask(umask)
        folder = tmp_path / f"{umask:o}" / "made"
        assert not works(ObjectCache(folder))
        assert works(ObjectCache(folder))
        assert folder.stat().st_mode & 0o7777 == folder.parent.stat().st_mode & 0o7777 == 0o700
        assert {file.stat().st_mode & 0o7777 for file in folder.iterdir()} == {0o600}
        assert len((folder / SECRET).read_bytes()) == 32


def lost(path: Path) -> None:
    path.unlink()


def short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:31])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def long(path: Path) -> None:
    path.write_bytes(bytes(33))


def known(path: Path) -> None:
    path.chmod(0o644)


@pytest.mark.parametrize("change", [lost, short, empty, long, known])
def test_a_key_that_is_lost_or_damaged_is_made_anew(tmp_path: Path, change: Plant) -> None:
    """Entries that the old secret sealed are compiled again."""
    name_of_entry(tmp_path)
    before = (tmp_path / SECRET).read_bytes()
    change(tmp_path / SECRET)
    cache = ObjectCache(tmp_path)
    assert not works(cache)
    assert works(cache) and not cache.trouble
    assert (tmp_path / SECRET).read_bytes() != before
    assert (tmp_path / SECRET).stat().st_mode & 0o777 == 0o600


@as_root
def test_a_key_of_another_user_is_not_used(tmp_path: Path) -> None:
    name = name_of_entry(tmp_path)
    plant(tmp_path, name, (tmp_path / SECRET).read_bytes())
    give_away(tmp_path / SECRET)
    cache = ObjectCache(tmp_path)
    check_never_run(cache)
    assert "not a regular file of this user's" in cache.trouble


def test_a_link_in_the_place_of_the_key(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_bytes(bytes(32))
    (tmp_path / "elsewhere").chmod(0o600)
    (tmp_path / SECRET).symlink_to("elsewhere")
    plant(tmp_path, name_of_entry(tmp_path / "scratch"))
    check_never_run(ObjectCache(tmp_path))
    assert (tmp_path / "elsewhere").read_bytes() == bytes(32)


MAKER = """
import sys
from pathlib import Path
from pellucid.compile.native.cache import ObjectCache
sys.stdin.readline()
for number in range(20):
    ObjectCache(Path(sys.argv[1]) / str(number)).store("a1" * 32, sys.argv[2].encode())
    assert ObjectCache(Path(sys.argv[1]) / str(number)).load("a1" * 32) is not None
"""


def test_processes_that_make_the_key_at_once_agree(tmp_path: Path) -> None:
    children = [
        subprocess.Popen(
            [sys.executable, "-c", MAKER, str(tmp_path), str(number)],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        for number in range(4)
    ]
    for child in children:
        assert child.stdin is not None
        child.stdin.write("\n")
        child.stdin.flush()
    for child in children:
        _, said = child.communicate(timeout=120)
        assert child.returncode == 0, said
    for number in range(20):
        assert ObjectCache(tmp_path / str(number)).load(KEY) in (b"0", b"1", b"2", b"3")
        assert len(list((tmp_path / str(number)).iterdir())) == 2
