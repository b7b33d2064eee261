"""Scores, notes and columns of predictions of a model of a table, in Python and in its file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_absolute_error, r2_score

import pellucid as pel
from pellucid.data import Note
from pellucid.errors import DataError, ModelFileError
from pellucid.graph import Array
from pellucid.train.storage import container
from pellucid.train.tables import TableRun

DICE = np.random.default_rng(0)
ROWS = 120


def frame() -> dict[str, Any]:
    """Numbers, categories, a key with leading zeros and two targets."""
    x, z = DICE.normal(size=(2, ROWS))
    colour = DICE.choice(["red", "green"], ROWS)
    return {
        "key": [f"{place:05d}" for place in range(ROWS)],
        "count": np.arange(ROWS) * 3 + 1,
        "x": x,
        "z": np.where(DICE.random(ROWS) < 0.1, np.nan, z),
        "colour": colour,
        "size": 3 * x + (colour == "red") + DICE.normal(size=ROWS) / 5 + 40,
        "kind": np.where(x + 0.3 * z > 0, "big", "small"),
    }


FRAME = frame()


def fitted(target: str, **more: Any) -> TableRun:
    """A short run that leaves out the other target."""
    settings = {"epochs": 8, "learning_rate": 0.01, "progress": False, **more}
    drop = ["kind"] if target == "size" else ["size"]
    return pel.fit_table(FRAME, target, drop=drop, **settings)


@pytest.fixture(scope="module")
def sizes() -> TableRun:
    return fitted("size")


@pytest.fixture(scope="module")
def kinds() -> TableRun:
    return fitted("kind")


def test_the_baselines_are_measured_on_the_held_out_rows(sizes: TableRun) -> None:
    y = np.asarray(FRAME["size"])
    scores = {score.name: score for score in sizes.scores.metrics}
    assert sizes.scores.values == sizes.metrics and sizes.scores.rows == ROWS
    constant = {name: score.baselines["constant"].value for name, score in scores.items()}
    assert constant["rmse"] == pytest.approx(y.std(), rel=1e-4)
    assert constant["mae"] == pytest.approx(mean_absolute_error(y, [np.median(y)] * ROWS), rel=1e-4)
    linear = scores["r2"].baselines["linear"].value
    assert linear is not None and 0.95 < linear < 1


def test_the_linear_baseline_has_the_folds_of_the_networks(sizes: TableRun) -> None:
    """Cross-validated by hand, with scikit-learn, on the features of each network."""
    from pellucid.data import choose_target, read_table, split
    from pellucid.data.target import learn_target

    table = read_table(FRAME).drop(["kind"])
    column = table.column("size")
    task = choose_target(table, "size").task
    parts = split(ROWS, [0.2] * 5, 0, values=learn_target(column, task).encode(column))
    y, predicted = np.asarray(FRAME["size"]), np.empty(ROWS)
    for held, member in zip(parts, sizes.model.members, strict=True):
        preparation = member.preparation
        assert preparation is not None
        features = preparation.features(table).astype(np.float64)
        kept = np.setdiff1d(np.arange(ROWS), held)
        scale = y[kept].std()
        ridge = Ridge(1.0).fit(features[kept], y[kept] / scale)
        predicted[held] = ridge.predict(features[held]) * scale
    linear = sizes.scores.metrics[2].baselines["linear"].value
    assert linear == pytest.approx(r2_score(y, predicted), abs=1e-4)


def test_classes_have_a_table_and_a_matrix(kinds: TableRun) -> None:
    table = kinds.scores.classes
    assert table is not None and [each["label"] for each in table["classes"]] == ["big", "small"]
    matrix = np.array(table["confusion"])
    assert matrix.sum() == ROWS and np.trace(matrix) / ROWS == pytest.approx(
        kinds.metrics["accuracy"]
    )


@pytest.mark.parametrize("target", ["size", "kind"])
def test_they_are_in_the_file_and_come_back(
    sizes: TableRun, kinds: TableRun, target: str, tmp_path: Path
) -> None:
    run = sizes if target == "size" else kinds
    run.model.save(tmp_path / "m.safetensors")
    again = pel.Model.load(tmp_path / "m.safetensors")
    assert again.details["scores"] == json.loads(json.dumps(run.scores.to_json()))
    assert again.details["notes"] == [note.text for note in run.notes]
    one, other = (model.scores(FRAME) for model in (run.model, again))
    assert one == other and one.values == again.evaluate(FRAME)
    again.save(tmp_path / "again.safetensors")
    contents = [(tmp_path / f"{n}.safetensors").read_bytes() for n in ("m", "again")]
    assert contents[0] == contents[1]


@pytest.mark.parametrize(
    "damage",
    [
        lambda arrays, details: arrays.pop("reference/rows"),
        lambda arrays, details: arrays.update({"reference/linear/0": np.zeros((1, 2), np.float32)}),
        lambda arrays, details: arrays["reference/linear/1"].fill(np.nan),
        lambda arrays, details: arrays.update({"reference/more": np.zeros(2, np.float32)}),
        lambda arrays, details: details.pop("reference"),
        lambda arrays, details: details["reference"].update(constant=[1.0]),
        lambda arrays, details: details["reference"]["rows"].update(key=-1),
        lambda arrays, details: details.update(reference=7),
    ],
)
def test_damaged_baselines_are_refused(kinds: TableRun, damage: Any, tmp_path: Path) -> None:
    arrays = {name: array.copy() for name, array in kinds.model.arrays().items()}
    details = json.loads(json.dumps(kinds.model.to_json()))
    damage(arrays, details)
    container.write(tmp_path / "m.safetensors", arrays, details, "model")
    with pytest.raises(ModelFileError):
        pel.Model.load(tmp_path / "m.safetensors")


def test_rows_that_were_trained_on_are_noted(kinds: TableRun) -> None:
    def notes(table: Any) -> list[str]:
        found: list[Note] = []
        kinds.model.scores(table, found)
        return [note.text for note in found if "trained on" in note.text]

    assert notes(FRAME)[0].startswith("All 120 rows were trained on")
    shifted = {**FRAME, "x": np.asarray(FRAME["x"]) + 0.001}
    assert notes(shifted) == []
    half = np.where(np.arange(ROWS) < 30, FRAME["x"], shifted["x"])
    assert notes({**FRAME, "x": half})[0].startswith("30 of the 120 rows were trained on")


def test_a_leak_is_noted_first() -> None:
    leak = np.where(np.asarray(FRAME["kind"]) == "big", 1.0, 7.0)
    run = pel.fit_table(
        {**FRAME, "fee": leak}, "kind", drop=["size"], epochs=2, networks=2, progress=False
    )
    assert run.notes[0].column == "fee" and "may be a leak" in run.notes[0].text
    assert "--drop fee" in run.model.details["notes"][0]


# -- predictions with columns that are kept --------------------------------------------------------


def columns(run: TableRun, *keep: str) -> dict[str, Array]:
    return run.model.predict_table(FRAME, keep)


def test_kept_columns_come_first_as_they_are(kinds: TableRun) -> None:
    table = columns(kinds, "key", "count", "z", "kind")
    assert list(table) == ["key", "count", "z", "kind (actual)", "kind", "kind=big", "kind=small"]
    assert table["key"].tolist() == FRAME["key"]
    assert table["count"].tolist() == FRAME["count"].tolist()
    np.testing.assert_array_equal(table["z"], FRAME["z"])
    assert table["kind (actual)"].tolist() == FRAME["kind"].tolist()
    np.testing.assert_array_equal(table["kind"], kinds.model.predict(FRAME))
    chances = kinds.model.predict_proba(FRAME)
    np.testing.assert_array_equal(table["kind=small"], chances[:, 1])


def test_frames_take_them(sizes: TableRun) -> None:
    table = columns(sizes, "key")
    assert pd.DataFrame(table).shape == pl.DataFrame(table).shape == (ROWS, 2)


def test_what_cannot_be_kept_is_an_error(kinds: TableRun) -> None:
    with pytest.raises(DataError, match="did you mean 'key'"):
        columns(kinds, "kye")
    with pytest.raises(DataError, match="rename"):
        kinds.model.predict_table({**FRAME, "kind=big": np.arange(ROWS)}, ["kind=big"])
    large = np.arange(ROWS) + 2**60
    with pytest.raises(DataError, match="9,007,199,254,740,992"):
        kinds.model.predict_table({**FRAME, "count": large}, ["count"])
    with pytest.raises(TypeError, match=r"keep=\['key'\]"):
        kinds.model.predict_table(FRAME, "key")
