"""Object code that another user may have written is never run, whatever the folder holds."""

from __future__ import annotations

import ctypes
import hashlib
import hmac
import os
import socket
from pathlib import Path

import pytest

from pellucid.compile.native import cache as module
from pellucid.compile.native.cache import MAGIC, SECRET, ObjectCache
from pellucid.compile.native.library import Library
from tests.compile.native.planted import (
    MARK,
    OTHER_USER,
    Plant,
    as_root,
    check_never_run,
    give_away,
    harmful,
    name_of_entry,
    needs_owners,
    plant,
)
from tests.compile.native.test_cache import KEY, entries, works

pytestmark = needs_owners


def test_the_harmful_object_leaves_its_mark() -> None:
    library = Library(harmful(), ("entry",))
    ctypes.CFUNCTYPE(None)(library.address("entry"))()
    assert MARK[0] == 666


# -- folders ----------------------------------------------------------------------------------------


def test_a_planted_entry_is_run_where_only_its_user_can_plant(tmp_path: Path) -> None:
    """The planted entry is valid: with the user's secret, in the user's folder, it is run."""
    folder = tmp_path / "own"
    name = name_of_entry(folder)
    plant(folder, name, (folder / SECRET).read_bytes())
    with pytest.raises(AssertionError):
        works(ObjectCache(folder))
    assert MARK[0] == 666


@pytest.mark.parametrize("mode", [0o777, 0o1777, 0o775, 0o770, 0o722, 0o702])
def test_a_folder_that_others_can_write(tmp_path: Path, mode: int) -> None:
    folder = tmp_path / "shared"
    folder.mkdir()
    planted = plant(folder, name_of_entry(tmp_path / "scratch"))
    folder.chmod(mode)
    cache = ObjectCache(folder)
    before = planted.read_bytes()
    check_never_run(cache)
    assert "others can write to the folder 'shared'" in cache.trouble
    assert planted.read_bytes() == before
    assert {file.name for file in folder.iterdir()} == {planted.name, SECRET}


@pytest.mark.parametrize("mode", [0o777, 0o775])
def test_a_folder_that_others_can_exchange(tmp_path: Path, mode: int) -> None:
    """The folder is the user's, but others can write to the one above it, and so replace it."""
    above = tmp_path / "above"
    folder = above / "deep" / "own"
    folder.mkdir(parents=True)
    plant(folder, name_of_entry(tmp_path / "scratch"))
    above.chmod(mode)
    cache = ObjectCache(folder)
    check_never_run(cache)
    assert "others can write to the folder 'above'" in cache.trouble
    check_never_run(ObjectCache(above / "new" / "folder"))
    assert not (above / "new").exists()
    above.chmod(0o1777)
    assert not works(ObjectCache(above / "new"))
    assert works(ObjectCache(above / "new"))


@as_root
@pytest.mark.parametrize("whose", ["folder", "above"])
def test_a_folder_of_another_user(tmp_path: Path, whose: str) -> None:
    folder = tmp_path / "above" / "folder"
    folder.mkdir(parents=True)
    plant(folder, name_of_entry(tmp_path / "scratch"))
    give_away(tmp_path / "above" if whose == "above" else folder)
    cache = ObjectCache(folder)
    check_never_run(cache)
    assert f"the folder '{whose}' belongs to another user" in cache.trouble


def test_links_on_the_way(tmp_path: Path) -> None:
    """The user's links are followed, and their targets are checked."""
    (tmp_path / "real").mkdir()
    (tmp_path / "absolute").symlink_to(tmp_path / "real")
    (tmp_path / "relative").symlink_to(Path("absolute", "..", "real"))
    (tmp_path / "loop").symlink_to("loop")
    assert not works(ObjectCache(tmp_path / "absolute" / "cache"))
    assert works(ObjectCache(tmp_path / "relative" / "cache"))
    assert works(ObjectCache(tmp_path / "real" / ".." / "real" / "cache"))
    looping = ObjectCache(tmp_path / "loop" / "cache")
    check_never_run(looping)
    assert "Too many levels of symbolic links" in looping.trouble
    (tmp_path / "real").chmod(0o777)
    check_never_run(ObjectCache(tmp_path / "absolute" / "cache"))


@as_root
def test_a_link_of_another_user(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    os.chown(tmp_path / "link", OTHER_USER, OTHER_USER, follow_symlinks=False)
    cache = ObjectCache(tmp_path / "link")
    check_never_run(cache)
    assert "the link 'link' belongs to another user" in cache.trouble
    assert not entries(tmp_path / "real")


@as_root
def test_an_ordinary_user_uses_what_root_owns_above(tmp_path: Path) -> None:
    """Neither root's cache nor another user's is used."""
    child = os.fork()
    if not child:
        code = 1
        try:
            os.setresuid(OTHER_USER, OTHER_USER, OTHER_USER)
            mine = Path("/tmp") / f"pellucid-{os.getpid()}"
            used = not works(ObjectCache(mine)) and works(ObjectCache(mine))
            for file in mine.iterdir():
                file.unlink()
            mine.rmdir()
            code = 0 if used else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


# -- entries ----------------------------------------------------------------------------------------


def other_seal(path: Path) -> None:
    path.unlink()
    plant(path.parent, path.name, b"x" * 32)


def plain_digest(path: Path) -> None:
    code = harmful()
    header = MAGIC + bytes.fromhex(path.stem)
    path.write_bytes(header + hashlib.sha256(code).digest() + code)


def first_version(path: Path) -> None:
    code = harmful()
    header = b"pellucid object 1\n" + bytes.fromhex(path.stem)
    path.write_bytes(header + hashlib.sha256(code).digest() + code)


def bare(path: Path) -> None:
    path.write_bytes(harmful())


def sealed_by_nothing(path: Path) -> None:
    code, header = harmful(), MAGIC + bytes.fromhex(path.stem)
    path.write_bytes(header + hmac.digest(b"", header + code, "sha256") + code)


def open_to_others(path: Path) -> None:
    path.chmod(0o666)


def open_to_the_group(path: Path) -> None:
    path.chmod(0o660)


def large(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 40)


@pytest.mark.parametrize(
    "change",
    [
        other_seal,
        plain_digest,
        first_version,
        bare,
        sealed_by_nothing,
        open_to_others,
        open_to_the_group,
        large,
    ],
)
def test_an_entry_that_is_not_to_be_trusted_is_replaced(tmp_path: Path, change: Plant) -> None:
    name = name_of_entry(tmp_path)
    good = (tmp_path / name).read_bytes()
    change(tmp_path / name)
    assert not works(ObjectCache(tmp_path))
    assert works(ObjectCache(tmp_path))
    assert MARK[0] == 0 and (tmp_path / name).read_bytes() == good


def link_elsewhere(path: Path) -> None:
    path.rename(path.parent / "elsewhere")
    path.symlink_to("elsewhere")


def link_to_endless(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


def link_to_a_device_that_waits(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/tty")


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def listening(path: Path) -> None:
    path.unlink()
    here = Path.cwd()
    os.chdir(path.parent)  # the name of a socket is short
    try:
        socket.socket(socket.AF_UNIX).bind(path.name)
    finally:
        os.chdir(here)


def folder_there(path: Path) -> None:
    path.unlink()
    path.mkdir()


def device(path: Path) -> None:
    path.unlink()
    os.mknod(path, 0o20600, os.makedev(1, 5))  # /dev/zero


def of_another_user(path: Path) -> None:
    give_away(plant(path.parent, path.name, (path.parent / SECRET).read_bytes()))


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize(
    "change",
    [
        link_elsewhere,
        link_to_endless,
        link_to_a_device_that_waits,
        pipe,
        listening,
        folder_there,
        pytest.param(device, marks=as_root),
        pytest.param(of_another_user, marks=as_root),
    ],
)
def test_what_is_not_a_file_of_the_users_is_neither_followed_nor_touched(
    tmp_path: Path, change: Plant
) -> None:
    name = name_of_entry(tmp_path)
    try:
        change(tmp_path / name)
    except (OSError, AttributeError) as error:
        pytest.skip(f"not here: {error}")
    before = (tmp_path / name).lstat()
    cache = ObjectCache(tmp_path, most_bytes=0)
    check_never_run(cache)
    assert name in cache.trouble
    assert (tmp_path / name).lstat() == before


def test_an_object_that_is_too_large_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_ENTRY_BYTES", 1000)
    cache = ObjectCache(tmp_path)
    cache.store(KEY, bytes(1000))
    assert not list(tmp_path.iterdir())
    room = 1000 - len(MAGIC) - 64
    cache.store(KEY, bytes(room))
    assert cache.load(KEY) == bytes(room)
