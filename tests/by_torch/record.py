"""The files of recorded values: one for each folder of tests, compressed safetensors."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import numpy as safetensors

from pellucid.graph import Array
from tests.by_torch.value import Value

FOLDER = Path(__file__).parent / "values"
FORMAT = 1


@dataclass(frozen=True)
class Call:
    """What one call gave: the fingerprint of its inputs, and the values."""

    inputs: tuple[float, ...]
    values: tuple[Value, ...]


Record = dict[str, list[Call]]
"""For the name of each test the calls that it makes, in order."""


def place(test: str, folder: Path = FOLDER) -> Path:
    """The file that holds a test's values: that of the folder below `tests` that the test is in."""
    parts = test.partition("::")[0].split("/")
    return folder / f"{parts[1] if len(parts) > 2 else 'tests'}.safetensors.gz"


def load(path: Path) -> Record:
    """The record in a file; an empty one if there is no file."""
    if not path.exists():
        return {}
    content = gzip.decompress(path.read_bytes())
    arrays = safetensors.load(content)
    length = int.from_bytes(content[:8], "little")
    about = json.loads(json.loads(content[8 : 8 + length])["__metadata__"]["record"])
    if about["format"] != FORMAT:
        raise ValueError(f"{path.name} has the format of another recorder: run `make record`")
    return {
        test: [
            Call(tuple(call["inputs"]), tuple(_value(said, arrays) for said in call["values"]))
            for call in calls
        ]
        for test, calls in about["tests"].items()
    }


def save(path: Path, record: Record, versions: dict[str, str]) -> None:
    """Write a record and the versions of what made it; the same bytes for the same record.

    An empty record has no file.
    """
    if not record:
        path.unlink(missing_ok=True)
        return
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
