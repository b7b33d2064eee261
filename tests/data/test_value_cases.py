"""Small files with the values that they must become: `cases/dates` and `cases/numbers`.

`NAME.csv` is a file; `NAME.json` has the options to read it with, the kind and the values of each
column, and words that its notes must hold.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pellucid.data import ReadOptions, Table, read_table
from pellucid.data.column import BooleanColumn, DateColumn, NumberColumn, TextColumn

CASES = Path(__file__).parent / "cases"
FILES = sorted(path for folder in ("dates", "numbers") for path in (CASES / folder).glob("*.json"))


def content(table: Table, name: str) -> list[Any]:
    """The values of a column as the cases hold them."""
    column = table.column(name)
    match column:
        case NumberColumn():
            values: list[Any] = column.values.tolist()
        case TextColumn():
            values = [None if code < 0 else column.levels[code] for code in column.codes]
        case BooleanColumn():
            values = [bool(state) for state in column.states]
        case DateColumn():
            values = [str(np.datetime64(int(second), "s")) for second in column.seconds]
    gone = column.missing()
    return [None if missing else value for value, missing in zip(values, gone, strict=True)]


def same(got: list[Any], wanted: list[Any]) -> bool:
    """Equal values; numbers up to rounding in their last places."""
    return len(got) == len(wanted) and all(
        one == two
        or (isinstance(one, float) and two is not None and np.isclose(one, two, rtol=1e-12, atol=0))
        for one, two in zip(got, wanted, strict=True)
    )


@pytest.mark.parametrize("case", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_values(case: Path) -> None:
    wanted = json.loads(case.read_text(encoding="utf-8"))
    options = wanted["options"]
    if "missing" in options:
        options["missing"] = tuple(options["missing"])
    path = case.with_suffix(".csv")
    table = read_table(path, ReadOptions(**options))
    for name, column in wanted["columns"].items():
        assert same(content(table, name), column["values"]), (name, content(table, name))
        kinds = {"number": NumberColumn, "date": DateColumn, "category": TextColumn}
        assert isinstance(table.column(name), kinds[column["kind"]])
    notes = " ".join(note.text for note in table.notes)
    assert [words for words in wanted["notes"] if words not in notes] == []
    again = read_table(path, form=table.form)
    for name in wanted["columns"]:
        assert same(content(again, name), content(table, name))
