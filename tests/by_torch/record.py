"""The files of recorded values: one for each folder of tests, compressed safetensors."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import numpy as safetensors

from pellucid.graph import Array
from tests.by_torch.value import ELSEWHERE, HERE, Value, alike

FOLDER = Path(__file__).parent / "values"
FORMAT = 1


@dataclass(frozen=True)
class Call:
    """What one call gave: the fingerprint of its inputs, and the values."""

    inputs: tuple[float, ...]
    values: tuple[Value, ...]

    def same(self, other: Call, drift: Mapping[str, float] = ELSEWHERE) -> bool:
        """Whether both gave the same values but for rounding."""
        pairs = zip(self.values, other.values, strict=False)
        return len(self.values) == len(other.values) and all(a.same(b, drift) for a, b in pairs)


Record = dict[str, list[Call]]
"""For the name of each test the calls that it makes, in order."""


def place(test: str, folder: Path = FOLDER) -> Path:
    """The file that holds a test's values: that of the folder below `tests` that the test is in."""
    parts = test.partition("::")[0].split("/")
    return folder / f"{parts[1] if len(parts) > 2 else 'tests'}.safetensors.gz"


def load(path: Path) -> Record:
    """The record in a file; an empty one if there is no file, or one of another format."""
    if not path.exists() or (about := _about(path))["format"] != FORMAT:
        return {}
    arrays = safetensors.load(gzip.decompress(path.read_bytes()))
    return {
        test: [
            Call(tuple(call["inputs"]), tuple(_value(said, arrays) for said in call["values"]))
            for call in calls
        ]
        for test, calls in about["tests"].items()
    }


def save(path: Path, record: Record, versions: dict[str, str]) -> None:
    """Write a record and the versions of what made it; the same bytes for the same record.

    What the same versions wrote before, and differs by rounding only, stays as it is. An empty
    record has no file.
    """
    if not record:
        path.unlink(missing_ok=True)
        return
    if path.exists() and _about(path)["versions"] == versions:
        before = load(path)
        record = {test: _kept(before.get(test, []), calls) for test, calls in record.items()}
    arrays: dict[str, Array] = {}
    tests = {
        test: [
            {"inputs": call.inputs, "values": [_said(value, arrays) for value in call.values]}
            for call in record[test]
        ]
        for test in sorted(record)
    }
    about = {"format": FORMAT, "versions": versions, "tests": tests}
    content = safetensors.save(arrays, {"record": json.dumps(about)})
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(gzip.compress(content, 9, mtime=0))


def _kept(before: list[Call], now: list[Call]) -> list[Call]:
    same = len(before) == len(now) and all(
        alike(old.inputs, new.inputs) and old.same(new, HERE)
        for old, new in zip(before, now, strict=False)
    )
    return before if same else now


def _about(path: Path) -> dict[str, Any]:
    """What stands in a file beside the numbers: format, versions, tests."""
    content = gzip.decompress(path.read_bytes())
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])["__metadata__"]
    about: dict[str, Any] = json.loads(header["record"])
    return about


def _said(value: Value, arrays: dict[str, Array]) -> dict[str, Any]:
    name = f"{len(arrays):05}"
    arrays[name] = value.numbers
    whole: dict[str, Any] = {"name": name}
    if not value.is_sketch:
        return whole
    return whole | {"shape": value.shape, "dtype": value.dtype, "largest": value.largest}


def _value(said: dict[str, Any], arrays: dict[str, Array]) -> Value:
    numbers = arrays[said["name"]]
    if "shape" not in said:
        return Value.of(numbers, whole=True)
    return Value(tuple(said["shape"]), said["dtype"], np.asarray(numbers), said["largest"])
