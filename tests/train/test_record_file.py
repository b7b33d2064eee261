"""Blocks of records in memory, in the file, and in frames of every library."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pellucid.data import frames
from pellucid.errors import ModelFileError, RunFolderError
from pellucid.train import records
from pellucid.train.records import (
    ProbeBlock,
    Record,
    RecordFile,
    Records,
    line_of,
    read_records,
)

BLOCK = ProbeBlock(
    1,
    2,
    [10, 20],
    (("0.W", "gradient.norm"), ("größe", 'a "name"'), ("", "activation.histogram")),
    np.array([[0.1, math.inf], [math.nan, -1e-300]]),
    [np.array([[0.0, 1.0, math.nan], [-math.inf, 3.0, 4.5]])],
)
LINES = [
    '{"step": 10, "epoch": 2, "network": 1, "path": "0.W", "name": "gradient.norm", "value": 0.1}',
    '{"step": 20, "epoch": 2, "network": 1, "path": "0.W", "name": "gradient.norm", "value": null, '
    '"not_finite": {"value": "NaN"}}',
]


def written(path: Path, *blocks: Any, keep: int | None = None) -> None:
    file = RecordFile(path, keep)
    for block in blocks:
        file.write(block)
    file.close()
    assert file.size == path.stat().st_size


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    single = [Record(30, 3, 0, "", "validation.loss", 0.25), Record(30, 3, 0, "a", "b", [1.0])]
    written(path, BLOCK, single)
    lines = path.read_text().splitlines()
    assert lines[0] == LINES[0] and lines[3] == LINES[1]
    assert all(json.loads(line)["step"] in (10, 20, 30) for line in lines)
    assert [*map(line_of, [*BLOCK, *single])] == [f"{line}\n" for line in lines]
    # NaN is not equal to itself, its text is.
    assert list(map(repr, read_records(path))) == list(map(repr, [*BLOCK, *single]))


def test_numbers_that_are_finite_are_written_alike(tmp_path: Path) -> None:
    """Also where a path looks like a format."""
    path = tmp_path / "records.jsonl"
    keys = (("a%r%", "n"), ("b{0}\\", "n"), ("c", "histogram"))
    numbers = np.random.default_rng(0).normal(size=(3, 2)) * 10.0 ** np.arange(-200, 400, 300)
    block = ProbeBlock(0, 1, [5, 10, 15], keys, numbers, [np.ones((3, 2))])
    written(path, block)
    assert path.read_text() == "".join(map(line_of, block))
    assert list(read_records(path)) == list(block)


def test_a_torn_last_line_is_left_out_and_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    written(path, BLOCK)
    whole = path.read_bytes()
    path.write_bytes(whole[:-7])
    assert len(read_records(path)) == 5
    written(path, list(BLOCK)[-1:])
    assert path.read_bytes() == whole
    written(path, keep=len(LINES[0]) + 1)
    assert path.read_text() == f"{LINES[0]}\n"
    assert len(read_records(tmp_path / "none.jsonl")) == 0


@pytest.mark.parametrize(
    "line", ["", "{}", "[1]", LINES[0].replace("0.1", '"x"'), LINES[0][:-1], "\x80"]
)
def test_a_damaged_line_is_named(line: str, tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    path.write_bytes(f"{LINES[0]}\n{line}\n{LINES[0]}\n".encode("latin-1"))
    with pytest.raises(ModelFileError, match=r"line 2 is no record|codec"):
        read_records(path)


def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match="Cannot write"):
        RecordFile(tmp_path / "none" / "records.jsonl")
    file = RecordFile(tmp_path / "records.jsonl")
    file._file.close()
    file._file = (tmp_path / "records.jsonl").open("rb")  # type: ignore[assignment]
    with pytest.raises(RunFolderError, match="Cannot write"):
        file.write(BLOCK)
    file.close()


def test_what_comes_fast_is_written_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr("pellucid.train.records.time.monotonic", lambda: now[0])
    path = tmp_path / "records.jsonl"
    file = RecordFile(path)
    sizes = []
    for later in (0.0, 0.01, 0.01, 0.2, 0.01):
        now[0] += later
        file.write(BLOCK)
        sizes.append(len(read_records(path)))
    file.flush()
    assert sizes == [6, 6, 6, 24, 24] and len(read_records(path)) == 30
    file.close()


def columns() -> tuple[Records, dict[str, list[Any]]]:
    made = Records()
    made.add(BLOCK)
    made.add([Record(30, 3, 0, "", "validation.loss", 0.25)])
    return made, made.columns()


@pytest.mark.parametrize("library", ["polars", "pandas", "pyarrow"])
def test_frames(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip(library)
    monkeypatch.setattr(frames, "_LIBRARIES", (library,))
    made, wanted = columns()
    frame = made.frame()
    assert type(frame).__module__.partition(".")[0] == library
    import narwhals as nw

    found = nw.from_native(frame, eager_only=True)
    assert found.columns == [*records.FIELDS, "values"]
    for name in ("step", "epoch", "network", "path", "name"):
        assert found[name].to_list() == wanted[name]
    numbers = [v if isinstance(v, float) else math.nan for v in wanted["value"]]
    np.testing.assert_equal(np.array(found["value"].to_list(), float), numbers)
    lists = [None if v is None else list(v) for v in found["values"].to_list()]
    assert [v is not None for v in lists] == [isinstance(v, list) for v in wanted["value"]]
    np.testing.assert_equal(lists[2], wanted["value"][2])


def test_a_frame_without_any_library(monkeypatch: pytest.MonkeyPatch) -> None:
    for library in ("polars", "pandas", "pyarrow"):
        monkeypatch.delitem(sys.modules, library, raising=False)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    made = Records()
    made.add([Record(30, 3, 0, "", "validation.loss", 0.25)])
    assert made.frame() == {field: [getattr(made[0], field)] for field in records.FIELDS}


def test_looking_into_records() -> None:
    made, _ = columns()
    assert len(made) == 7 and made[-1].name == "validation.loss" and made[:1] == [next(iter(BLOCK))]
    assert [r.step for r in made.named("gradient.norm")] == [10, 20]
    assert made.named("gradient.norm", "0.W")[0].value == 0.1
    assert not made.named("gradient.norm", "0.b")
    assert repr(made).startswith("7 records: gradient.norm, ")
