"""Notes on how columns are read; columns that are read alike share one."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

import pellucid as pel

DAYS = [f"{day:02d}/{day % 9 + 1:02d}/2023" for day in range(1, 13)]
OPEN = [f"0{month}/0{day}/2023" for month in range(1, 4) for day in (3, 1, 2, 4)]
SHARES = [f"{n}.5%" for n in range(12)]


def notes_on(path: Path, columns: Mapping[str, Sequence[str]]) -> list[str]:
    rows = zip(*columns.values(), strict=True)
    lines = [",".join(columns), *(",".join(row) for row in rows)]
    path.write_text("\n".join(lines) + "\n")
    return [note.text for note in pel.data.read_table(path).notes]


def test_two_columns_have_a_note_each(tmp_path: Path) -> None:
    notes = notes_on(tmp_path / "t.csv", {"a": SHARES, "b": SHARES})
    assert [note.split(":")[0] for note in notes] == [
        f"'{name}' was read as numbers with a decimal point, in %" for name in "ab"
    ]


def test_columns_read_alike_share_a_note(tmp_path: Path) -> None:
    columns = {f"c{n}": SHARES for n in range(7)}
    notes = notes_on(tmp_path / "t.csv", columns)
    assert notes == [
        "7 columns were read as numbers with a decimal point, in %: 'c0', 'c1', 'c2', 'c3', 'c4' and "
        "2 more."
    ]


def test_what_is_not_certain_has_evidence_and_an_option(tmp_path: Path) -> None:
    (note,) = notes_on(tmp_path / "t.csv", {"a": OPEN, "b": OPEN, "c": OPEN})
    assert note.startswith("3 columns were read as dates written month/day/year: 'a', 'b', 'c'.")
    assert "'a': no text has a day above 12" in note
    assert note.endswith("This is not certain; --date-format COLUMN=… says otherwise.")


@pytest.mark.parametrize(("total", "rows"), [("Total", 12), ("Summer", 13)])
def test_a_total_among_dates_is_no_row_of_data(tmp_path: Path, total: str, rows: int) -> None:
    path = tmp_path / "t.csv"
    days = [f"2023-01-{day:02d}" for day in range(1, 13)]
    lines = [f"{day},{number * 7 % 5}.25,x" for number, day in enumerate(days)]
    path.write_text("\n".join(["day,size,word", *lines, f"{total},1234.5,x"]) + "\n")
    assert pel.data.read_table(path).rows == rows
