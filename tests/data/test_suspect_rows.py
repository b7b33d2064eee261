"""Rows that look like no data, judged from a few rows and the sums of columns."""

from collections.abc import Sequence

import pytest

from pellucid.data.suspect_rows import (
    Row,
    as_number,
    number_columns,
    suspects_at_end,
    suspects_at_start,
)

DATA: list[Row] = [(row, [f"k{row}", str(row), f"{row}.5"]) for row in range(1, 9)]


def sums(position: int, ignored: Sequence[int]) -> tuple[float, int]:
    cells = [float(cells[position]) for row, cells in DATA if row not in ignored]
    return sum(cells), len(cells)


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("1,234", (1234.0, 0)),
        ("1.234", (1234.0, 0)),
        ("1.234,50", (1234.5, 2)),
        ("1,234.50", (1234.5, 2)),
        ("€ 12,5", (12.5, 1)),
        ("0,125", (0.125, 3)),
        ("−3", (-3.0, 0)),
        ("x", (None, 0)),
    ],
)
def test_numbers_of_totals(cell: str, value: tuple[float | None, int]) -> None:
    assert as_number(cell) == value


def test_number_columns() -> None:
    assert number_columns(DATA) == [1, 2]
    assert number_columns([]) == []


@pytest.mark.parametrize(
    ("cells", "kind", "certain"),
    [
        (["", "kg", "mm"], "units", True),
        (["", "[kg]", ""], "units", True),
        (["", "c", ""], "units", False),
        (["Key", "The first", "The second"], "labels", True),
        (["x", "unknown", "unknown"], "labels", False),
    ],
)
def test_units_and_labels(cells: list[str], kind: str, certain: bool) -> None:
    (suspect,) = suspects_at_start([(0, cells), *DATA], DATA)
    assert (suspect.row, suspect.kind, suspect.certain) == (0, kind, certain)


@pytest.mark.parametrize(
    "cells", [["x", "NA", "?"], ["x", "", ""], ["x", "1", "kg"], ["x", "-", "-"]]
)
def test_rows_with_missing_values_are_data(cells: list[str]) -> None:
    assert suspects_at_start([(0, cells), *DATA], DATA) == []


@pytest.mark.parametrize(
    ("cells", "kind", "certain"),
    [
        (["Total", "36", "40.0"], "total", True),
        (["Total", "99", "99"], "total", False),
        (["Mean", "4.5", "5.0"], "total", True),
        (["", "36", "40.0"], "total", True),
        (["Source: us", "", ""], "footer", True),
        (["Note", "see", "there"], "footer", True),
        (["x", "see", "there"], "footer", False),
        (["", "36", "41.0"], None, False),
        (["k9", "36", "40.0"], None, False),
    ],
)
def test_totals_and_footers(cells: list[str], kind: str | None, certain: bool) -> None:
    suspects = suspects_at_end([DATA[-1], (9, cells)], DATA[:-1], sums)
    assert [(each.kind, each.certain) for each in suspects] == ([(kind, certain)] if kind else [])


LOGGED: list[Row] = [(row, [f"2023-01-{row:02d}", str(row)]) for row in range(10, 18)]


def test_labels_stand_above_dates_too() -> None:
    (suspect,) = suspects_at_start([(0, ["Start Date", "How happy?"]), *LOGGED], LOGGED)
    assert suspect.certain
    assert suspects_at_start([(0, ["2023-01-09", "unknown"]), *LOGGED], LOGGED) == []


def test_a_line_between_labels_and_data_is_no_data() -> None:
    second = (1, ["", "", "Avg"])
    first = (0, ["Key", "The first", "The second"])
    assert [each.certain for each in suspects_at_start([first, second, *DATA], DATA)] == [
        True,
        True,
    ]
    assert [each.certain for each in suspects_at_start([second, *DATA], DATA)] == [False]
