"""The examples run, and learn what they are to learn."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from examples import denoising, distillation, gan, regression, siamese
from tests.pages import ROOT


def numbers(module: object, capsys: pytest.CaptureFixture[str]) -> list[float]:
    """The numbers that an example prints."""
    module.main()  # type: ignore[attr-defined]
    return [float(n) for n in re.findall(r"-?\d+(?:\.\d+)?", capsys.readouterr().out)]


def test_the_gan_makes_points_of_the_ring(capsys: pytest.CaptureFixture[str]) -> None:
    wanted, mean, deviation = numbers(gan, capsys)
    assert abs(mean - wanted) < 0.3
    assert deviation < 0.5


def test_the_autoencoder_takes_noise_away(capsys: pytest.CaptureFixture[str]) -> None:
    before, after = numbers(denoising, capsys)
    assert after < before / 2


def test_the_embedding_brings_classes_together(capsys: pytest.CaptureFixture[str]) -> None:
    before, after = numbers(siamese, capsys)
    assert after > before
    assert after >= 95


def test_the_student_learns_from_its_teacher(capsys: pytest.CaptureFixture[str]) -> None:
    teacher, taught, alone = numbers(distillation, capsys)
    assert teacher >= taught > alone + 1


def test_the_regression_is_that_of_least_squares(capsys: pytest.CaptureFixture[str]) -> None:
    found = numbers(regression, capsys)
    assert found[:4] == pytest.approx(found[4:], abs=0.03)


def test_parts_of_ones_own_are_killed_resumed_loaded_and_pickled(tmp_path: Path) -> None:
    def run(*arguments: str) -> tuple[int, str]:
        command = [sys.executable, "-m", "examples.own_parts", *arguments]
        plain = {**os.environ, "PELLUCID_VERIFY": "0"}
        done = subprocess.run(command, cwd=ROOT, env=plain, capture_output=True, text=True)
        return done.returncode, done.stdout

    whole, killed = str(tmp_path / "whole"), str(tmp_path / "killed")
    code, shown = run("fit", whole)
    assert code == 0 and shown
    assert run("fit", killed, "--kill", "30")[0] == -signal.SIGKILL
    assert run("resume", killed) == (0, shown)
    assert run("load", killed) == (0, shown)
    for name in ("model.safetensors", "records.jsonl"):
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "killed" / name).read_bytes()
