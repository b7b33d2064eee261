"""A model of a table reads other tables as its own was written."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import pellucid as pel
from pellucid.data import Note
from pellucid.errors import DataError
from pellucid.train.model import Model

ROWS = 80


def columns() -> dict[str, list[str]]:
    dice = np.random.default_rng(0)
    grades = ["1.0", "2.0", "3+"] * 25 + ["4-"] * 5
    names = [f"town {row % 40}" for row in range(ROWS)]
    return {
        "when": [f"{1 + row % 28:02}/11/2023" for row in range(ROWS)],
        "price": [f"{1000 + 7 * row:,}".replace(",", ".") + ",5 €" for row in range(ROWS)],
        "grade": list(dice.permutation(grades)),
        "flag": [["True", "False", "Unknown"][row % 3] for row in range(ROWS)],
        "town": list(dice.permutation(names)),
        "y": [["no", "yes"][row % 2] for row in range(ROWS)],
    }


def written(path: Path, rows: Any) -> Path:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";", lineterminator="\n")
    table = columns()
    writer.writerow(table)
    writer.writerows([values[row] for values in table.values()] for row in rows)
    path.write_text(text.getvalue(), encoding="cp1252")
    return path


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    folder = tmp_path_factory.mktemp("forms")
    path = written(folder / "t.csv", range(ROWS))
    trained = pel.fit_table(path, "y", epochs=2, progress=False).model
    trained.save(folder / "model")
    return Model.load(folder / "model")


def test_no_level_of_the_training_file_is_new(model: Model, tmp_path: Path) -> None:
    """Each of the five networks learns from other rows, and a level may be in one row only."""
    notes: list[Note] = []
    model.predict(written(tmp_path / "t.csv", range(ROWS)), notes)
    assert [note.text for note in notes if "never seen" in note.text] == []
    assert len({str(m.preparation.form) for m in model.members if m.preparation}) == 1
    kinds = {
        tuple(report.kind for report in member.preparation.describe())
        for member in model.members
        if member.preparation
    }
    assert kinds == {("date", "number", "category", "category", "category")}


def test_predictions_of_rows_alone_and_in_any_order(model: Model, tmp_path: Path) -> None:
    whole = model.predict_proba(written(tmp_path / "t.csv", range(ROWS)))
    for row in range(0, ROWS, 9):
        alone = model.predict_proba(written(tmp_path / "t.csv", [row]))
        assert alone.tobytes() == whole[[row]].tobytes()
    order = np.random.default_rng(1).permutation(ROWS)
    shuffled = model.predict_proba(written(tmp_path / "t.csv", order))
    assert shuffled.tobytes() == whole[order].tobytes()


def test_typed_rows_are_read_as_the_written_ones(model: Model, tmp_path: Path) -> None:
    rows = [row for row in range(ROWS) if columns()["grade"][row] in ("1.0", "2.0")]
    rows = [row for row in rows if columns()["flag"][row] != "Unknown"][:6]
    table = {name: [values[row] for row in rows] for name, values in columns().items()}
    typed = pd.DataFrame(
        {
            "when": pd.to_datetime(table["when"], format="%d/%m/%Y"),
            "price": [1000 + 7 * row + 0.5 for row in rows],
            "grade": [float(grade) for grade in table["grade"]],
            "flag": [flag == "True" for flag in table["flag"]],
            "town": table["town"],
        }
    )
    wanted = model.predict_proba(written(tmp_path / "t.csv", rows))
    notes: list[Note] = []
    assert model.predict_proba(typed, notes).tobytes() == wanted.tobytes()
    assert notes == []


def test_the_options_of_a_table(tmp_path: Path) -> None:
    rows = "".join(f"{row % 9},0{row % 3},{row % 7}\n" for row in range(60))
    path = tmp_path / "t.csv"
    path.write_text(f"a,b,y\n{rows}")
    kinds = {"a": "category", "b": "number"}
    model = pel.fit_table(path, "y", epochs=1, progress=False, kinds=kinds).model
    assert model.preparation is not None
    reports = {report.column: report for report in model.preparation.describe()}
    assert (reports["a"].kind, reports["b"].kind) == ("category", "number")
    assert reports["a"].form == "texts"
    assert reports["b"].form == "whole numbers"
    table = pel.data.read_table(path)
    with pytest.raises(DataError, match="is read already"):
        pel.fit_table(table, "y", epochs=1, progress=False, kinds=kinds)
