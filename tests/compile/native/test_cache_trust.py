"""Object code that somebody else may have written is never run, whatever lies in the folder."""

from __future__ import annotations

import ctypes
import hashlib
import hmac
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from pellucid.compile.native import cache as module
from pellucid.compile.native.assemble import to_object
from pellucid.compile.native.cache import MAGIC, SECRET, ObjectCache
from pellucid.compile.native.cache_folder import default_folder
from pellucid.compile.native.isa import host_isa
from pellucid.compile.native.library import Library
from pellucid.compile.native.plain_folder import PlainFolder
from tests.compile.native.test_cache import KEY, ROOT, entries, works

pytestmark = pytest.mark.skipif(not hasattr(os, "geteuid"), reason="no owners and modes here")
as_root = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give files away"
)
OTHER_USER = 12345
MARK = np.zeros(1, np.int32)
Plant = Callable[[Path], None]


@pytest.fixture(autouse=True)
def usual_umask() -> Iterator[None]:
    before = os.umask(0o022)
    MARK[0] = 0
    yield
    os.umask(before)


def harmful() -> bytes:
    """An object that, where it is run as a program, leaves a mark and computes nothing."""
    text = f"""
    define void @entry(ptr %table, i64 %steps, i64 %thread, i64 %threads, ptr %team) {{
      %mark = inttoptr i64 {MARK.ctypes.data} to ptr
      store i32 666, ptr %mark
      ret void
    }}"""
    return to_object(text, host_isa())


def test_the_harmful_object_leaves_its_mark() -> None:
    library = Library(harmful(), ("entry",))
    ctypes.CFUNCTYPE(None)(library.address("entry"))()
    assert MARK[0] == 666


def name_of_entry(scratch: Path) -> str:
    """The file that the program of `works` is looked for in: anybody can know it."""
    assert not works(ObjectCache(scratch))
    (entry,) = entries(scratch)
    return entry.name


def plant(folder: Path, name: str, secret: bytes = bytes(32)) -> Path:
    """What an attacker leaves: a key of his own, and an entry that it seals."""
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


# -- folders ----------------------------------------------------------------------------------------


def test_a_planted_entry_is_run_where_only_its_user_can_plant(tmp_path: Path) -> None:
    """The plant is good: with the user's own key, in a folder of the user's own, it is code."""
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
    """It is the user's own, but whoever can write above it can put another in its place."""
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
    """Those of the user's own are followed, and what they lead to is checked as well."""
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
    """And never what root's own cache, or another user's, holds."""
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


# -- the key ----------------------------------------------------------------------------------------


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
    """And what it had sealed is compiled again."""
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


# -- where it lies ----------------------------------------------------------------------------------


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No folder is chosen, and the current one is empty."""
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


# -- systems without owners and modes ---------------------------------------------------------------


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
