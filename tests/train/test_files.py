"""The writer of files: whole or not at all, and what a user expects of links and permissions."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from pellucid.errors import RunFolderError
from pellucid.train.storage.files import remove_leftovers, write_atomically


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_link_stays_and_what_it_names_is_written(tmp_path: Path) -> None:
    target = tmp_path / "elsewhere" / "target"
    target.parent.mkdir()
    link = tmp_path / "link"
    link.symlink_to(Path("elsewhere") / "target")
    for content in (b"new", b"newer"):
        write_atomically(link, content)
        assert link.is_symlink() and target.read_bytes() == content
    assert [file.name for file in target.parent.iterdir()] == ["target"]


def test_links_in_a_circle_are_told(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(RunFolderError, match="circle"):
        write_atomically(tmp_path / "a", b"")


def test_a_write_protected_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"old")
    path.chmod(0o444)
    with pytest.raises(RunFolderError, match="write-protected"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]


def test_permissions_stay_and_new_files_get_the_usual(tmp_path: Path) -> None:
    path = tmp_path / "f"
    mask = os.umask(0o027)
    try:
        write_atomically(path, b"")
        assert mode_of(path) == 0o640
        path.chmod(0o600)
        write_atomically(path, b"new")
        assert mode_of(path) == 0o600
    finally:
        os.umask(mask)


def test_a_folder_in_the_way_is_told(tmp_path: Path) -> None:
    (tmp_path / "f").mkdir()
    with pytest.raises(RunFolderError, match="folder of that name"):
        write_atomically(tmp_path / "f", b"")


def test_a_pipe_is_written_to(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    found: list[bytes] = []
    reader = threading.Thread(target=lambda: found.append(path.read_bytes()))
    reader.start()
    write_atomically(path, b"content")
    reader.join()
    assert found == [b"content"] and path.is_fifo()


def test_a_long_name_is_no_obstacle(tmp_path: Path) -> None:
    path = tmp_path / ("n" * 255)
    write_atomically(path, b"content")
    assert path.read_bytes() == b"content"


WRITE = """
import os, signal, sys
from pathlib import Path
from pellucid.train.storage.files import write_atomically
def stop(handle):
    os.kill(os.getpid(), signal.{sign})
os.fsync = stop
write_atomically(Path(sys.argv[1]), b"half")
"""


def test_leftovers_of_the_dead_are_removed_and_of_the_living_not(tmp_path: Path) -> None:
    path = tmp_path / "f"
    dead, living = (
        [sys.executable, "-c", WRITE.format(sign=s), str(path)] for s in ("SIGKILL", "SIGSTOP")
    )
    subprocess.run(dead, check=False)
    assert len(list(tmp_path.iterdir())) == 1
    with subprocess.Popen(living) as process:
        try:
            os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)
            write_atomically(path, b"whole")
            remove_leftovers(tmp_path)
            left = [file for file in tmp_path.iterdir() if file != path]
            assert len(left) == 1 and f"-{process.pid}-" in left[0].name
        finally:
            process.kill()
    process.wait()
    write_atomically(path, b"whole again")
    assert [file.name for file in tmp_path.iterdir()] == ["f"]


def test_leftovers_of_other_machines_are_given_a_day(tmp_path: Path) -> None:
    fresh, old = tmp_path / ".f.00000000-1-abc.partial", tmp_path / ".f.00000000-1-abd.partial"
    for file in (fresh, old):
        file.write_bytes(b"")
    os.utime(old, (0, 0))
    write_atomically(tmp_path / "f", b"")
    assert fresh.exists() and not old.exists()
