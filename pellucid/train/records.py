"""Records: what probes, evaluations and callbacks measured, step by step."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, overload

import numpy as np

from pellucid.data.frames import frame_of
from pellucid.errors import ModelFileError, RunFolderError
from pellucid.graph import Array
from pellucid.train.plain import from_plain, to_plain
from pellucid.train.storage.files import cause

Value = float | list[float]
_SECONDS = 0.1
"""Between two writes to the file."""
FIELDS = ("step", "epoch", "network", "path", "name", "value")


@dataclass(frozen=True)
class Record:
    """One value that was measured.

    step:    the steps that were made before it was.
    epoch:   the epochs that were complete.
    network: which one of how many the run trains, from 0.
    path:    the layer or parameter that it belongs to, "" for the whole.
    name:    what it is: "validation.loss", "gradient.norm".
    value:   a number, or a list of them (a histogram).
    """

    step: int
    epoch: int
    network: int
    path: str
    name: str
    value: Value


@dataclass(frozen=True)
class ProbeBlock:
    """What probes gave at several steps, as arrays.

    steps: of the probes. keys: path and name of each value, those of numbers first.
    numbers: (steps, keys of numbers). vectors: for each of the other keys (steps, length).
    """

    network: int
    epoch: int
    steps: Sequence[int]
    keys: tuple[tuple[str, str], ...]
    numbers: Array
    vectors: Sequence[Array]

    def __iter__(self) -> Iterator[Record]:
        for step, values in self.rows():
            for (path, name), value in zip(self.keys, values, strict=True):
                yield Record(step, self.epoch, self.network, path, name, value)

    def rows(self) -> Iterator[tuple[int, list[Value]]]:
        """Each step with its values, in the order of the keys."""
        numbers = self.numbers.tolist()
        for index, step in enumerate(self.steps):
            yield step, [*numbers[index], *(vector[index].tolist() for vector in self.vectors)]


class Records(Sequence[Record]):
    """The records of a run, in order; a frame of them is `frame()`."""

    def __init__(self) -> None:
        self._blocks: list[Sequence[Record] | ProbeBlock] = []
        self._rows: list[Record] | None = None

    def add(self, block: Sequence[Record] | ProbeBlock) -> None:
        """Append what was measured at once."""
        self._blocks.append(block)
        self._rows = None

    @property
    def rows(self) -> list[Record]:
        """All as a list."""
        if self._rows is None:
            self._rows = [record for block in self._blocks for record in block]
        return self._rows

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, index: int) -> Record: ...
    @overload
    def __getitem__(self, index: slice) -> list[Record]: ...
    def __getitem__(self, index: int | slice) -> Record | list[Record]:
        return self.rows[index]

    def __iter__(self) -> Iterator[Record]:
        return iter(self.rows)

    def named(self, name: str, path: str | None = None) -> list[Record]:
        """Those of a name, such as "validation.loss", and if it is given of a path."""
        return [r for r in self.rows if r.name == name and path in (None, r.path)]

    def columns(self) -> dict[str, list[Any]]:
        """The fields as columns: step, epoch, network, path, name, value."""
        return {field: [getattr(record, field) for record in self.rows] for field in FIELDS}

    def frame(self) -> Any:
        """A data frame with the fields as columns, of polars, pandas or pyarrow (see `frame_of`).

        `value` holds numbers, NaN where a value is a list; lists are in a column `values`, which is
        there if any value is one. Without any of the libraries it is a dict of columns.
        """
        columns = self.columns()
        values = columns["value"]
        columns["value"] = [v if isinstance(v, float) else math.nan for v in values]
        if any(isinstance(v, list) for v in values):
            columns["values"] = [v if isinstance(v, list) else None for v in values]
        return frame_of(columns)

    def __repr__(self) -> str:
        return f"{len(self.rows):,} records: {', '.join(dict.fromkeys(r.name for r in self.rows))}"


class RecordFile:
    """The file of a run's records: a JSON object a line, appended as they come.

    A process that is killed can leave half a line at the end, which readers leave out. What was
    written after the checkpoint that a run goes on from is cut off.
    """

    def __init__(self, path: Path, keep: int | None = None) -> None:
        """keep: bytes that stay of a file that there is; None: all complete lines."""
        self.path = path
        try:
            self._file = path.open("ab")
            size = complete_bytes(path) if keep is None else keep
            self._file.truncate(min(size, path.stat().st_size))
            self._file.seek(0, 2)
        except OSError as error:
            raise RunFolderError(f"Cannot write {path}: {cause(error)}.") from error
        self.size = self._file.tell()
        self._lines: list[bytes] = []
        self._flushed = 0.0

    def write(self, block: Sequence[Record] | ProbeBlock) -> None:
        """Append records; what is written within a tenth of a second goes to the file together."""
        written = _lines(block) if isinstance(block, ProbeBlock) else map(line_of, block)
        lines = "".join(written).encode("ascii")
        self._lines.append(lines)
        self.size += len(lines)
        if time.monotonic() - self._flushed > _SECONDS:
            self.flush()

    def flush(self) -> None:
        """Have all records in the file."""
        try:
            self._file.write(b"".join(self._lines))
            self._file.flush()
        except OSError as error:
            raise RunFolderError(f"Cannot write {self.path}: {cause(error)}.") from error
        self._lines, self._flushed = [], time.monotonic()

    def close(self) -> None:
        """Nothing more is written."""
        with suppress(RunFolderError, OSError):
            self.flush()
        with suppress(OSError):
            self._file.close()


def line_of(record: Record) -> str:
    """A record as a line of JSON."""
    head = _head(record.step, record.epoch, record.network)
    return head + _key(record.path, record.name) + _value(record.value)


def _lines(block: ProbeBlock) -> Iterator[str]:
    """The lines of a block's records, step by step."""
    count = block.numbers.shape[1]
    # One formatting of all numbers takes half the time of one for each.
    together = count if np.isfinite(block.numbers).all() else 0
    pattern = _pattern(block.keys[:together])
    for step, values in block.rows():
        head = _head(step, block.epoch, block.network)
        yield pattern.replace(_HEAD, head) % tuple(values[:together])
        for (path, name), value in zip(block.keys[together:], values[together:], strict=True):
            yield head + _key(path, name) + _value(value)


_HEAD = "\0"
"""Where the head of a line goes in a pattern; JSON never holds this character."""


@lru_cache(64)
def _pattern(keys: tuple[tuple[str, str], ...]) -> str:
    """The lines of a step's values, with places for the head and for each value."""
    ends = (_key(path, name).replace("%", "%%") for path, name in keys)
    return "".join(f'{_HEAD}{end}"value": %r}}\n' for end in ends)


def _head(step: int, epoch: int, network: int) -> str:
    return f'{{"step": {step}, "epoch": {epoch}, "network": {network}, '


@lru_cache(4096)
def _key(path: str, name: str) -> str:
    return f'"path": {json.dumps(path)}, "name": {json.dumps(name)}, '


def _value(value: Value) -> str:
    if isinstance(value, float) and value - value == 0.0:  # finite
        return f'"value": {value!r}}}\n'
    return json.dumps(to_plain({"value": value}), allow_nan=False)[1:] + "\n"


def complete_bytes(path: Path) -> int:
    """Up to where a file consists of whole lines."""
    content = path.read_bytes()
    return content.rfind(b"\n") + 1


def read_records(path: Path) -> Records:
    """The records of a file; raises ModelFileError naming the line that is none."""
    records = Records()
    try:
        text = path.read_bytes()[: complete_bytes(path)].decode()
    except FileNotFoundError:
        return records
    except (OSError, ValueError) as error:
        raise ModelFileError(f"Cannot read {path}: {error}.") from error
    rows = [_parsed(path, number, line) for number, line in enumerate(text.split("\n")[:-1], 1)]
    records.add(rows)
    return records


def _parsed(path: Path, number: int, line: str) -> Record:
    try:
        entry = from_plain(json.loads(line))
        value = entry["value"]
        parsed = [float(v) for v in value] if isinstance(value, list) else float(value)
        return Record(
            int(entry["step"]),
            int(entry["epoch"]),
            int(entry["network"]),
            str(entry["path"]),
            str(entry["name"]),
            parsed,
        )
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise ModelFileError(f"{path} is damaged: line {number} is no record.") from error
