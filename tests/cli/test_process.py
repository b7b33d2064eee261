"""The command as a process of its own: interrupts, kills, terminals."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks.kill import attempt, command
from pellucid.train.storage.folder import MODEL, RunFolder
from tests.cli.command import PENGUINS, pellucid, small


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
    assert RunFolder(run).state == "interrupted"
    assert pellucid("evaluate", run, PENGUINS).code == 0
    assert "interrupted after" in pellucid("inspect", run).out
    assert "again with --resume to complete it" in pellucid("inspect", run).out.replace("\n", " ")


def test_a_killed_run_resumes_to_the_same_file(tmp_path: Path) -> None:
    import random

    began = time.monotonic()
    subprocess.run(command(PENGUINS, "species", tmp_path / "whole"), check=True)
    seconds = time.monotonic() - began
    whole = (tmp_path / "whole" / MODEL).read_bytes()
    for seed in range(2):
        dice = random.Random(seed)
        tried = attempt(PENGUINS, "species", whole, seconds, dice, tmp_path / "run")
        assert tried.same and not tried.damaged, tried


def test_a_run_that_goes_on_elsewhere_is_left_alone(tmp_path: Path) -> None:
    run = tmp_path / "run"
    with subprocess.Popen(
        fit(run, "--epochs", "100000"), stderr=subprocess.PIPE, text=True
    ) as process:
        until_training(process)
        try:
            for more in ("--resume", "--force"):
                said = pellucid("fit", PENGUINS, "--target", "species", "--out", run, more, "-q")
                assert said.code == 1 and f"process {process.pid}:" in said.err
        finally:
            process.kill()
        assert process.stderr is not None
        process.stderr.read()


# -- interrupts at any moment ----------------------------------------------------------------------

COMMAND = """
import builtins, os, signal, sys
real, pressed = builtins.__import__, []
def hooked(name, *rest, **more):
    module = real(name, *rest, **more) if {late} else None
    if name == "{name}" and not pressed:
        pressed.append(name)
        os.kill(os.getpid(), signal.SIGINT)
    return module or real(name, *rest, **more)
builtins.__import__ = hooked
from pellucid.cli import main
sys.exit(main())
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with t.csv and the run on it."""
    folder = tmp_path_factory.mktemp("process")
    data = small(folder / "t.csv")
    arguments = ("fit", data, "--target", "y", "--out", folder / "run", "--epochs", 1, "-q")
    assert pellucid(*arguments).code == 0
    return folder


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("inspect", "numpy"),
        ("inspect", "typer"),
        ("inspect", "safetensors.numpy"),
        ("predict", "duckdb"),
        ("evaluate", "pellucid.data.files"),
        ("fit", "llvmlite.binding"),
        ("fit", "pellucid.cli.fit"),
    ],
)
def test_an_interrupt_while_importing_ends_with_one_line(
    folder: Path, tmp_path: Path, command: str, name: str, late: bool
) -> None:
    script = tmp_path / "pellucid"
    script.write_text(COMMAND.format(name=name, late=late))
    run = [str(folder / "run")] if command != "fit" else []
    data = [str(folder / "t.csv")] if command != "inspect" else []
    more = ["--target", "y", "--out", str(tmp_path / "run"), "-q"] if command == "fit" else []
    done = subprocess.run(
        [sys.executable, script, command, *run, *data, *more],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "pellucid: interrupted.\n")


@pytest.mark.parametrize("moment", [0.3, 0.5, 0.7, 0.9])
def test_an_interrupt_at_any_moment(folder: Path, moment: float) -> None:
    arguments = [sys.executable, "-m", "pellucid", "predict", str(folder / "run")]
    arguments.append(str(folder / "t.csv"))
    with subprocess.Popen(
        arguments, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        time.sleep(moment)
        process.send_signal(signal.SIGINT)
        _, error = process.communicate()
    assert (process.returncode, error) in {(130, "pellucid: interrupted.\n"), (0, "")}


def test_an_interrupt_that_shells_have_ignored_stays_ignored(folder: Path) -> None:
    text = "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
    text += "os.execv(sys.executable, [sys.executable, '-m', 'pellucid', 'inspect', sys.argv[1]])"
    with subprocess.Popen(
        [sys.executable, "-c", text, folder / "run"], stdout=subprocess.PIPE
    ) as process:
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate()
    assert process.returncode == 0 and b"NETWORK" in out


# -- closed pipes ----------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["inspect", "predict", "--help"])
def test_a_reader_that_is_gone(folder: Path, command: str) -> None:
    data = [str(folder / "t.csv")] if command == "predict" else []
    run = [] if command == "--help" else [str(folder / "run")]
    with subprocess.Popen(
        [sys.executable, "-m", "pellucid", command, *run, *data],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        error = process.stderr.read()
    assert (process.returncode, error) == (0, b"")


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_streams_that_are_closed(folder: Path, closed: str) -> None:
    inner = f"{sys.executable} -m pellucid inspect '{folder / 'run'}' {closed}"
    done = subprocess.run(["sh", "-c", inner], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and done.stderr == ""


def test_nobody_reads_the_progress_of_a_run(folder: Path, tmp_path: Path) -> None:
    arguments = ["fit", str(folder / "t.csv"), "--target", "y", "--out", str(tmp_path / "run")]
    with subprocess.Popen(
        [sys.executable, "-m", "pellucid", *arguments], stderr=subprocess.PIPE
    ) as process:
        assert process.stderr is not None
        process.stderr.close()
    assert process.returncode == 1
    assert pellucid(*arguments, "--resume", "-q").code == 0


def test_a_terminal_gets_a_live_line(tmp_path: Path) -> None:
    mine, theirs = pty.openpty()
    process = subprocess.Popen(
        fit(tmp_path / "run", "--epochs", "3"),
        stdout=subprocess.DEVNULL,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100"},
    )
    os.close(theirs)
    output = b""
    while True:
        try:
            part = os.read(mine, 65536)
        except OSError:
            break
        output += part
        if not part:
            break
    os.close(mine)
    assert process.wait(60) == 0
    text = output.decode()
    assert "network 5/5" in text and "stopped at epoch 3" in text and "\x1b[" in text


def test_the_package_runs_as_a_module() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pellucid", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("pellucid ")
