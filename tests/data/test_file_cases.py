"""Small files as people and programs write them, each with the cells that it holds.

`cases/files/NAME.EXT` is a file; `NAME.expected.json` has the options to read it with, the names and raw
cells that it must give ("" is missing), and parts of the notes. No "notes" means that there are none.
`"error"` is a part of the message where a file must be refused.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from pellucid.data.options import ReadOptions
from pellucid.errors import DataError
from tests.data.raw_texts import raw_texts

CASES = Path(__file__).parent / "cases" / "files"
EXPECTED = sorted(CASES.glob("*.expected.json"))


def table_of(expected: Path) -> Path:
    name = expected.name.removesuffix(".expected.json")
    (table,) = (path for path in CASES.glob(f"{name}.*") if path != expected)
    return table


def options_of(case: dict[str, Any]) -> ReadOptions:
    options = dict(case.get("options", {}))
    if "missing" in options:
        options["missing"] = tuple(options["missing"])
    return ReadOptions(**options)


@pytest.mark.parametrize("expected", EXPECTED, ids=lambda path: path.name.split(".")[0])
def test_a_file_gives_its_cells(expected: Path) -> None:
    case = json.loads(expected.read_text(encoding="utf-8"))
    table = table_of(expected)
    if "error" in case:
        with pytest.raises(DataError) as caught:
            raw_texts(table, options_of(case))
        assert case["error"] in str(caught.value)
        assert "\n" not in str(caught.value)
        return
    read = raw_texts(table, options_of(case))
    assert read.names == case["names"]
    assert read.cells == case["cells"]
    for part in case.get("notes", []):
        assert any(part in note for note in read.notes), (part, read.notes)
    assert len(read.notes) == len(case.get("notes", [])), read.notes
    if "decimal" in case:
        assert read.dialect.decimal == case["decimal"]


def test_every_file_has_its_expectation() -> None:
    names = {path.name.split(".")[0] for path in CASES.iterdir()}
    assert names == {path.name.split(".")[0] for path in EXPECTED}
    assert len(EXPECTED) >= 60
