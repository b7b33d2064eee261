"""Options that do not fit the file are noted; a column that is left out cannot be the target."""

from pathlib import Path

import pytest

import pellucid as pel
from pellucid.data import ReadOptions
from pellucid.errors import DataError

ROWS = "\n".join(f"{n}.{n % 7}5,{n * 3}.5,{'ab'[n % 2]}" for n in range(40))


@pytest.fixture
def points(tmp_path: Path) -> Path:
    path = tmp_path / "points.csv"
    path.write_text(f"a,b,c\n{ROWS}\n")
    return path


def test_a_decimal_mark_that_no_number_has_is_noted(points: Path) -> None:
    table = pel.data.read_table(points, ReadOptions(decimal=","))
    texts = [note.text for note in table.notes]
    assert texts == [
        f"'{name}' was read as texts: as numbers it has the decimal mark '.', but --decimal says ','."
        for name in "ab"
    ]


def test_the_right_decimal_mark_is_not_noted(points: Path) -> None:
    assert pel.data.read_table(points, ReadOptions(decimal=".")).notes == ()


def test_a_separator_that_divides_no_line_is_noted(points: Path) -> None:
    table = pel.data.read_table(points, ReadOptions(separator=";"))
    assert len(table.columns) == 1
    assert "';' divides no line of" in table.notes[0].text
    assert "',' would make 3" in table.notes[0].text


def test_a_file_of_one_column_needs_no_separator(tmp_path: Path) -> None:
    path = tmp_path / "one.csv"
    path.write_text("a\n" + "\n".join(map(str, range(20))) + "\n")
    assert pel.data.read_table(path, ReadOptions(separator=";")).notes == ()


def test_a_column_that_is_left_out_cannot_be_the_target(points: Path) -> None:
    with pytest.raises(DataError, match=r"The column 'c' of .* is left out"):
        pel.fit_table(points, "c", kinds={"c": "drop"}, epochs=1, progress=False)


def test_a_closing_balance_is_no_row_of_data(tmp_path: Path) -> None:
    path = tmp_path / "bank.csv"
    rows = [f"2024-01-{day:02d},Shop {day % 3},{day}.25,{day * 4}.50" for day in range(1, 29)]
    path.write_text("\n".join(["date,shop,amount,balance", *rows, ",,Closing balance,112.50"]))
    table = pel.data.read_table(path)
    assert table.rows == 28
    assert table.notes[0].text.startswith("Line 30 of ")
    assert "is a total of the rows above ('Closing balance')" in table.notes[0].text
