"""Numbers far from all others are noted; skewed and heavy-tailed columns are not."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pellucid as pel
from pellucid.data.column import NumberColumn
from pellucid.data.extremes import MOST_NOTES, extreme_note, extreme_notes, extremes

RANDOM = np.random.default_rng(0)
NORMAL = RANDOM.normal(20, 5, 300)


def _with(values: object, *more: float) -> np.ndarray:
    return np.array([*np.asarray(values, float), *more])


@pytest.mark.parametrize(
    ("values", "far", "rows"),
    [
        (_with(NORMAL, -9999, -9999), (-9999.0,), (2,)),
        (_with(NORMAL, NORMAL.sum()), (NORMAL.sum(),), (1,)),
        (_with(NORMAL, 9999, -9999), (-9999.0, 9999.0), (1, 1)),
        (_with(np.tile([1, 2, 3, 4, 5], 20), *[99] * 15), (99.0,), (15,)),
        (_with(NORMAL, 1000000, 1000000, np.nan), (1000000.0,), (2,)),
        (_with(np.repeat(np.arange(10.0), 20), 1358), (1358.0,), (1,)),
    ],
)
def test_a_number_far_from_the_others_is_named(
    values: np.ndarray, far: tuple[float, ...], rows: tuple[int, ...]
) -> None:
    result = extremes(values)
    assert result is not None
    assert (result.values, result.rows) == (far, rows)
    others = values[~np.isin(values, far) & ~np.isnan(values)]
    assert (result.low, result.high) == (others.min(), others.max())


@pytest.mark.parametrize(
    "values",
    [
        NORMAL,
        RANDOM.exponential(1.0, 5000),
        RANDOM.lognormal(0, 1, 5000),
        RANDOM.poisson(0.3, 2000).astype(float),
        np.tile([0.0, 1.0], 50),
        _with(np.zeros(500), *RANDOM.exponential(1.0, 50)),
        _with([1, 2, 3], 9999, 9999),
        np.full(30, np.nan),
        np.arange(90.0, 105.0),
    ],
)
def test_ordinary_columns_have_none(values: np.ndarray) -> None:
    assert extremes(values) is None


def test_a_repeated_number_may_stand_for_missing_values_and_a_single_one_is_a_mistake() -> None:
    repeated = extreme_note(NumberColumn("power", _with(NORMAL, -9999, -9999)))
    single = extreme_note(NumberColumn("power", _with(NORMAL, 12345.5)))
    assert repeated is not None
    assert single is not None
    assert "-9999 in 2 rows, first in row 301" in repeated.text
    assert "--missing=-9999" in repeated.text
    assert "12345.5 in row 301" in single.text
    assert "--missing" not in single.text


def test_many_columns_share_a_note() -> None:
    columns = [NumberColumn(f"x{n}", _with(NORMAL, 1e6)) for n in range(MOST_NOTES + 2)]
    notes = extreme_notes(columns)
    assert len(notes) == MOST_NOTES + 1
    assert "2 more columns hold" in notes[-1].text
    assert "'x5', 'x6'" in notes[-1].text


def test_fit_notes_extreme_targets_and_columns() -> None:
    x = RANDOM.normal(size=60)
    table = {"x": _with(x, 500.0), "y": _with(2 * x, -9999.0)}
    run = pel.fit_table(table, "y", networks=1, epochs=1, progress=False)
    texts = [note.text for note in run.notes]
    assert texts[0].startswith("'y' holds -9999 in row 61")
    assert any(text.startswith("'x' holds 500 in row 61") for text in texts)


@pytest.mark.parametrize("source", ["csv", "frame"])
def test_a_word_for_missing_values_is_a_number_however_it_is_written(
    source: str, tmp_path: Path
) -> None:
    values = [1.5, -9999.0, 2.5, *np.linspace(0, 3, 20)]
    table: Any = {"x": values}
    if source == "csv":
        table = tmp_path / "x.csv"
        table.write_text("x\n" + "\n".join(f"{value:.2f}" for value in values) + "\n")
    read = pel.data.read_table(table, pel.data.ReadOptions(missing=("-9999",)))
    assert np.isnan(read.column("x").values[1])  # type: ignore[union-attr]
    assert int(read.column("x").missing().sum()) == 1
    later = pel.data.read_table({"x": [-9999.0, 4.0]}, form=read.form)
    assert later.column("x").missing().tolist() == [True, False]
    again = pel.data.read_table(pel.data.read_table({"x": [-9999.0, 4.0]}), form=read.form)
    assert again.column("x").missing().tolist() == [True, False]
