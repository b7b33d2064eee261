"""Whether a process is the command, as which Ctrl-C ends it quietly."""

from __future__ import annotations

import signal
import sys

import pytest

from pellucid import command

PYTHON = "/usr/bin/python3"


@pytest.mark.parametrize(
    ("script", "given", "is_it"),
    [
        ("/usr/bin/pellucid", [PYTHON, "/usr/bin/pellucid"], True),
        ("C:\\pellucid.exe", [PYTHON, "C:\\pellucid.exe"], sys.platform == "win32"),
        ("-m", [PYTHON, "-X", "dev", "-W", "error", "-I", "-m", "pellucid", "fit"], True),
        ("/pkg/pellucid/__main__.py", [PYTHON, "-m", "pellucid"], True),
        ("-m", [PYTHON, "-m", "pytest", "-m", "pellucid"], False),
        ("mine.py", [PYTHON, "mine.py", "-m", "pellucid"], False),
        ("-c", [PYTHON, "-c", "pass", "-m", "pellucid"], False),
        ("", [PYTHON], False),
    ],
)
def test_the_command_is_told_from_others(
    monkeypatch: pytest.MonkeyPatch, script: str, given: list[str], is_it: bool
) -> None:
    monkeypatch.setattr(sys, "argv", [script])
    monkeypatch.setattr(sys, "orig_argv", given)
    assert command.is_command() == is_it


def test_another_process_keeps_its_handler() -> None:
    before = signal.getsignal(signal.SIGINT)
    command.end_quietly()
    with command.Interruptible():
        assert signal.getsignal(signal.SIGINT) is before
    assert signal.getsignal(signal.SIGINT) is before
