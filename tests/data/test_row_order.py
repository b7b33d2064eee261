"""Rows keep their order in files that DuckDB reads by several threads."""

from pathlib import Path

import numpy as np
import pytest

from pellucid.data import read_table
from pellucid.data.column import DateColumn, NumberColumn, TextColumn

ROWS = 300_000


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file in which every column tells the number of its row."""
    path = tmp_path_factory.mktemp("order") / "t.csv"
    days = np.datetime64("2000-01-01") + np.arange(ROWS) % 9000
    with path.open("w") as file:
        file.write("whole,half,day,text,grouped\n")
        file.writelines(
            f'{row},{row / 2},{days[row]},t{row % 5000},"{row:,}"\n' for row in range(ROWS)
        )
    return path


@pytest.mark.parametrize("known", [False, True])
def test_every_column_keeps_the_order(path: Path, known: bool) -> None:
    table = read_table(path)
    if known:
        table = read_table(path, form=table.form)
    rows = np.arange(ROWS)
    for name, wanted in (("whole", rows), ("half", rows / 2), ("grouped", rows)):
        column = table.column(name)
        assert isinstance(column, NumberColumn)
        assert np.array_equal(column.values, wanted), name
    day, text = table.column("day"), table.column("text")
    assert isinstance(day, DateColumn) and isinstance(text, TextColumn)
    first = np.datetime64("2000-01-01", "s").astype(np.int64)
    assert np.array_equal(day.seconds, first + 86_400 * (rows % 9000))
    assert np.array_equal(text.codes, rows % 5000)
