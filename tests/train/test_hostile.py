"""Hostile and damaged files are refused with one sentence, at once, and within their own size."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from benchmarks.file_samples import Sample, use_arrays
from benchmarks.files import cases, judge
from pellucid.errors import ModelFileError
from pellucid.train.storage import container
from tests.train.hostile import HOSTILE

HARMLESS = {
    "AdaptiveAveragePool2d of 1000",
    *("Conv2d stride", "Conv2d less stride", "Conv2d dilation", "Conv2d less dilation"),
    *("ConvTranspose2d dilation", "ConvTranspose2d less dilation"),
    *("MaxPool2d stride", "AveragePool2d stride"),
}
"""Those that are networks after all: of a single window, or of a million numbers."""


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused(name: str) -> None:
    read = False

    def use(content: bytes) -> None:
        nonlocal read
        use_arrays(content)
        read = True

    assert judge(Sample(name, b"", use), HOSTILE[name]) is None
    assert read == (name in HARMLESS)


def test_mutated_files_are_refused_or_predict() -> None:
    found = [(n, sample.name, judge(sample, content)) for n, sample, content in cases(400, 1)]
    assert [case for case in found if case[2] is not None] == []


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe", Path("/dev/zero"), tmp_path / "none", Path("a\0b")):
        with pytest.raises(ModelFileError):
            container.read(path, "model")
