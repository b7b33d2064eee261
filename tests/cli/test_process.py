"""The command as a process of its own: interrupts, kills, terminals."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.kill import attempt, command
from pellucid.train.folder import MODEL, RunFolder
from tests.cli.command import PENGUINS, pellucid


def fit(folder: Path, *more: str) -> list[str]:
    return [*command(PENGUINS, "species", folder)[:-1], *more]


def until_training(process: subprocess.Popen[str]) -> None:
    """Read the progress until the first network trains."""
    assert process.stderr is not None
    while "epoch" not in process.stderr.readline():
        assert process.poll() is None


def test_ctrl_c_leaves_a_model_that_predicts(tmp_path: Path) -> None:
    run = tmp_path / "run"
    process = subprocess.Popen(fit(run, "--epochs", "100000"), stderr=subprocess.PIPE, text=True)
    until_training(process)
    process.send_signal(signal.SIGINT)
    began = time.monotonic()
    _, error = process.communicate(timeout=60)
    assert process.returncode == 0 and "Traceback" not in error
    assert "interrupted" in error
    # Within 0.2 s the step in progress is given up; the rest is evaluating and writing.
    assert time.monotonic() - began < 20
    assert RunFolder(run).is_finished
    assert pellucid("evaluate", run, PENGUINS).code == 0


def test_a_killed_run_resumes_to_the_same_file(tmp_path: Path) -> None:
    import random

    began = time.monotonic()
    subprocess.run(command(PENGUINS, "species", tmp_path / "whole"), check=True)
    seconds = time.monotonic() - began
    whole = (tmp_path / "whole" / MODEL).read_bytes()
    for seed in range(2):
        dice = random.Random(seed)
        found = attempt(PENGUINS, "species", whole, seconds, dice, tmp_path / "run")
        assert found.same and not found.damaged, found


def test_a_terminal_gets_a_live_line(tmp_path: Path) -> None:
    mine, theirs = pty.openpty()
    process = subprocess.Popen(
        fit(tmp_path / "run", "--epochs", "3"),
        stdout=subprocess.DEVNULL,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100"},
    )
    os.close(theirs)
    shown = b""
    while True:
        try:
            part = os.read(mine, 65536)
        except OSError:
            break
        shown += part
        if not part:
            break
    os.close(mine)
    assert process.wait(60) == 0
    text = shown.decode()
    assert "network 5/5" in text and "stopped at epoch 3" in text and "\x1b[" in text


def test_the_package_runs_as_a_module() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pellucid", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("pellucid ")
