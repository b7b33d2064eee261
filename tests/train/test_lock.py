"""A run folder belongs to one process, as long as that lives."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pellucid as pel
from pellucid import nn
from pellucid.errors import PellucidWarning, RunFolderError
from pellucid.train.storage import lock
from pellucid.train.storage.folder import MODEL, RunFolder
from pellucid.train.storage.lock import LOCK, locked

HOLD = """
import sys, time
from pathlib import Path
from pellucid.train.storage.lock import locked
with locked(Path(sys.argv[1])):
    {then}
    print("held", flush=True)
    time.sleep(20)
"""
FORK = """import os
    here, there = os.pipe()
    os.fork() or (os.write(there, b"1"), time.sleep(20), os._exit(0))
    os.read(here, 1)
"""


def holder(folder: Path, then: str = "pass") -> subprocess.Popen[str]:
    """A process that holds the folder's lock."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD.format(then=then), str(folder)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None and process.stdout.readline() == "held\n"
    return process


def small(out: Path, **more: Any) -> None:
    x = np.arange(40, dtype=np.float32).reshape(20, 2)
    pel.fit(nn.Sequential(nn.Linear(1)), (x, x[:, 0]), epochs=1, out=out, progress=False, **more)


@pytest.mark.parametrize("more", [{}, {"resume": True}, {"force": True}])
def test_a_folder_in_use_is_refused_with_its_process(tmp_path: Path, more: dict[str, bool]) -> None:
    with holder(tmp_path) as process:
        try:
            with pytest.raises(RunFolderError, match=f"process {process.pid}:"):
                small(tmp_path, **more)
            assert [file.name for file in tmp_path.iterdir()] == [LOCK]
        finally:
            process.kill()
    small(tmp_path, **more)
    files = sorted(file.name for file in tmp_path.iterdir())
    assert files == ["history.jsonl", MODEL, "records.jsonl"]


def test_threads_of_one_process_exclude_each_other(tmp_path: Path) -> None:
    with locked(tmp_path):
        with pytest.raises(RunFolderError, match=f"process {os.getpid()}:"), locked(tmp_path):
            pass
        # The attempt let go of nothing.
        with pytest.raises(RunFolderError), locked(tmp_path):
            pass
    with locked(tmp_path):
        pass
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_forked_child_neither_holds_nor_frees(tmp_path: Path) -> None:
    """Its parent is killed while the child sleeps; then a child leaves the block of its parent."""
    with holder(tmp_path, FORK) as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
        with locked(tmp_path):
            pass
    with locked(tmp_path):
        child = os.fork()
        if not child:
            try:
                with pytest.raises(RunFolderError), locked(tmp_path):
                    pass
                raise SystemExit
            except SystemExit:
                os._exit(0)
            finally:
                os._exit(1)
        assert os.waitpid(child, 0)[1] == 0
        with pytest.raises(RunFolderError), locked(tmp_path):
            pass


def test_of_many_that_begin_together_one_trains(tmp_path: Path) -> None:
    out = tmp_path / "run"
    text = """
import sys, time
from pathlib import Path
from pellucid.errors import RunFolderError
from pellucid.train.storage.folder import RunFolder
print("ready", flush=True)
sys.stdin.readline()
try:
    with RunFolder.open(Path(sys.argv[1])) as folder:
        time.sleep(1)
        folder.network(0).write_bytes(b"")
        print("trained")
except RunFolderError as error:
    print(error)
"""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", text, str(out)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(6)
    ]
    for process in processes:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    said = [process.communicate()[0] for process in processes]
    assert sorted(line == "trained\n" for line in said) == [False] * 5 + [True], said


def test_a_foreign_folder_gets_no_lock(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(RunFolderError, match="exists already"), RunFolder.open(tmp_path):
        pass
    assert [file.name for file in tmp_path.iterdir()] == ["mine.txt"]


def test_what_a_process_left_that_was_killed_as_it_began_is_a_new_folder(tmp_path: Path) -> None:
    (tmp_path / LOCK).write_text("1 elsewhere")
    with RunFolder.open(tmp_path) as folder:
        assert not folder.is_begun


class TestWithoutLocks:
    """On a file system that has none: it is said, and a living process of this machine is heeded."""

    @pytest.fixture(autouse=True)
    def none(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(handle: int) -> None:
            raise OSError(errno.ENOLCK, "No locks available")

        monkeypatch.setattr(lock, "_lock", refuse)

    def test_it_is_said(self, tmp_path: Path) -> None:
        with pytest.warns(PellucidWarning, match="no locks"):
            small(tmp_path)
        assert (tmp_path / MODEL).exists()

    def test_a_living_process_is_heeded(self, tmp_path: Path) -> None:
        with holder(tmp_path) as process:
            try:
                with pytest.raises(RunFolderError, match=str(process.pid)), locked(tmp_path):
                    pass
            finally:
                process.kill()
        with pytest.warns(PellucidWarning), locked(tmp_path):
            pass


def test_a_folder_that_was_deleted_and_taken_by_another_keeps_its_lock(tmp_path: Path) -> None:
    path = tmp_path / "run"
    path.mkdir()
    with locked(path):
        (path / LOCK).unlink()
        (path / LOCK).write_text("1 other\n", encoding="utf-8")
    assert (path / LOCK).read_text(encoding="utf-8") == "1 other\n"
