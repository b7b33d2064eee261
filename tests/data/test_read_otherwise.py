"""Tables that are written otherwise than the training table: a note names the option that helps."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pellucid.data import Note, ReadOptions, Table, read_table

ROWS = 30
DAYS = [date(2023, 1, 1) + timedelta(3 * number) for number in range(ROWS)]
SIZES = [f"{7 * n % 50}.{n % 9 + 1}" for n in range(ROWS)]


def written(path: Path, days: list[str], sizes: list[str], header: bool = True) -> Path:
    lines = [f"{day};{size}" for day, size in zip(days, sizes, strict=True)]
    path.write_text("\n".join([*(["day;size"] if header else []), *lines]) + "\n")
    return path


def days(form: str) -> list[str]:
    return [day.strftime(form) for day in DAYS]


@pytest.fixture
def training(tmp_path: Path) -> Table:
    return read_table(written(tmp_path / "training.csv", days("%d/%m/%Y"), SIZES))


def same(table: Table, training: Table) -> bool:
    pairs: list[tuple[Any, Any]] = list(zip(table.columns, training.columns, strict=True))
    return bool(
        np.array_equal(pairs[0][0].seconds, pairs[0][1].seconds)
        and np.array_equal(pairs[1][0].values, pairs[1][1].values)
    )


def notes(table: Table) -> list[str]:
    return [note.text for note in table.notes if isinstance(note, Note)]


def test_another_decimal_mark_is_missing_and_its_option_reads_it(
    training: Table, tmp_path: Path
) -> None:
    sizes = [size.replace(".", ",") for size in SIZES]
    path = written(tmp_path / "later.csv", days("%d/%m/%Y"), sizes)
    without = read_table(path, form=training.form)
    assert without.column("size").missing().all()
    assert notes(without)[-1].endswith("--decimal , reads them.")
    assert same(read_table(path, ReadOptions(decimal=","), training.form), training)


@pytest.mark.parametrize("form", ["%Y-%m-%d", "%d.%m.%Y", "%d-%b-%Y", "%Y-%m-%d 00:00"])
def test_another_form_of_dates_is_missing_and_its_option_reads_it(
    form: str, training: Table, tmp_path: Path
) -> None:
    path = written(tmp_path / "later.csv", days(form), SIZES)
    without = read_table(path, form=training.form)
    assert without.column("day").missing().all()
    text = notes(without)[-1]
    assert text.endswith("' reads them.")
    option = text.rpartition("'day=")[2].removesuffix("' reads them.")
    assert same(
        read_table(path, ReadOptions(date_formats={"day": option}), training.form), training
    )


@pytest.mark.parametrize("order", ["month first", "Month-First"])
def test_the_order_of_day_and_month_can_be_set_at_prediction(
    order: str, training: Table, tmp_path: Path
) -> None:
    path = written(tmp_path / "later.csv", days("%m/%d/%Y"), SIZES)
    options = ReadOptions(date_formats={"day": order})
    assert same(read_table(path, options, training.form), training)


def test_texts_of_no_form_have_no_option(training: Table, tmp_path: Path) -> None:
    path = written(tmp_path / "later.csv", ["soon"] * ROWS, ["small"] * ROWS)
    assert not any("reads them" in text for text in notes(read_table(path, form=training.form)))


def test_a_table_without_a_header_has_the_columns_of_training(
    training: Table, tmp_path: Path
) -> None:
    path = written(tmp_path / "later.csv", days("%d/%m/%Y"), SIZES, header=False)
    table = read_table(path, ReadOptions(header=False), training.form)
    assert table.names == training.names
    assert same(table, training)
    assert "those of the training table" in notes(table)[-1]


def test_totals_are_left_out_where_rows_need_not_be_kept(tmp_path: Path) -> None:
    path = tmp_path / "sales.csv"
    rows = "".join(f"shop{number},{number}\n" for number in range(1, 31))
    path.write_text(f"shop,sold\n{rows}TOTAL,465\n")
    trained = read_table(path)
    assert trained.rows == 30
    assert read_table(path, form=trained.form).rows == 31
    assert read_table(path, form=trained.form, keep_rows=False).rows == 30
