"""Encoders of one's own: what they get, what they may give, and how files hold them."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pellucid as pel
from pellucid.data import ColumnEncoder, Preparation, read_table
from pellucid.data.task import Task
from pellucid.errors import DataError, ModelFileError
from pellucid.graph import Array

DATES = np.datetime64("2024-01-01") + np.arange(40)
TABLE: dict[str, Any] = {
    "day": DATES,
    "size": np.where(np.arange(40) % 7 == 0, np.nan, np.arange(40.0) ** 2),
    "code": [None if i % 9 == 0 else f"row {i}" for i in range(40)],
    "y": np.sin(np.arange(40) * 2 * np.pi / 7) + np.arange(40) / 100,
}


@dataclass(frozen=True)
class Weekday(ColumnEncoder):
    """The day of the week on a circle."""

    def names(self) -> tuple[str, ...]:
        return ("sine", "cosine")

    def encode(self, values: Array) -> Array:
        angle = (values.astype("datetime64[D]").astype(np.int64) + 4) % 7 * (2 * np.pi / 7)
        return np.stack([np.sin(angle), np.cos(angle)], axis=1)


@dataclass(frozen=True)
class Ranked(ColumnEncoder):
    """The share of training values below, ½ where missing."""

    values: tuple[float, ...] = ()

    @classmethod
    def learn(cls, values: Array, response: Array) -> Ranked:
        assert len(response) == len(values)
        return cls(tuple(sorted(values[~np.isnan(values)].tolist())))

    def encode(self, values: Array) -> Array:
        share = np.searchsorted(self.values, values) / len(self.values)
        return np.where(np.isnan(values), 0.5, share)


@dataclass(frozen=True)
class Length(ColumnEncoder):
    """The length of a text, 0 where missing: of a column that names rows, and is left out else."""

    def encode(self, values: Array) -> Array:
        return np.array([0 if value is None else len(value) for value in values])


class Wrong(ColumnEncoder):
    def encode(self, values: Array) -> Array:
        return np.zeros((len(values), 2))


class Infinite(ColumnEncoder):
    def encode(self, values: Array) -> Array:
        return 1.0 / np.zeros(len(values))


OWN: dict[str, type[ColumnEncoder]] = {"day": Weekday, "size": Ranked, "code": Length}


def prepared() -> Preparation:
    return Preparation.learn(read_table(TABLE), "y", Task("regression", "numbers"), None, OWN)


def test_features_are_those_of_the_class() -> None:
    table, preparation = read_table(TABLE), prepared()
    names = ("day sine", "day cosine", "size", "code")
    assert preparation.feature_names == names
    features = preparation.features(table)
    weekday = np.array([date.weekday() + 1 for date in DATES.astype(object)]) % 7
    known = TABLE["size"][~np.isnan(TABLE["size"])]
    rank = [0.5 if np.isnan(v) else (known < v).mean() for v in TABLE["size"]]
    expected = np.stack(
        [
            np.sin(weekday * 2 * np.pi / 7),
            np.cos(weekday * 2 * np.pi / 7),
            rank,
            [0 if text is None else len(text) for text in TABLE["code"]],
        ],
        axis=1,
    )
    np.testing.assert_allclose(features, expected, atol=1e-6)
    assert [report.how for report in preparation.describe()][:1] == ["encoded by Weekday"]


def test_json_holds_the_name_and_what_was_learned() -> None:
    preparation = prepared()
    text = json.dumps(preparation.to_json())
    again = Preparation.from_json(json.loads(text))
    assert again.encoders == preparation.encoders
    assert again.own_parts == (Weekday, Ranked, Length)
    with pytest.raises(ModelFileError, match="a class of your own that is not defined here"):
        Preparation.from_json(json.loads(text.replace(":Ranked", ":Gone")))
    with pytest.raises(ModelFileError, match="form"):
        Preparation.from_json(json.loads(text.replace('"form": "date"', '"form": "time"')))


@pytest.mark.parametrize(
    ("encoders", "kind", "message"),
    [
        ({"day": Wrong}, DataError, r"Wrong gives features of shape \(\d+, 2\) for 'day'"),
        ({"size": Infinite}, DataError, "Infinite gives features for 'size' that are not finite"),
        ({"gone": Length}, DataError, "encoders names 'gone', which is no column"),
        ({"y": Length}, DataError, "encoders names 'y', which is no column"),
        ({"day": Weekday()}, TypeError, "encoders has subclasses of data.ColumnEncoder"),
    ],
)
@pytest.mark.filterwarnings("ignore:divide by zero")
def test_what_does_not_fit_is_refused(encoders: Any, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        pel.fit_table(TABLE, "y", encoders=encoders, epochs=1, progress=False)


def described(model: pel.Model) -> str:
    """What a model predicts, to the last bit."""
    return str(np.asarray(model.predict(TABLE)).tobytes().hex())


def test_a_model_is_read_in_a_new_process(tmp_path: Path) -> None:
    run = pel.fit_table(TABLE, "y", encoders=OWN, epochs=2, out=tmp_path / "run", progress=False)
    path = tmp_path / "model.safetensors"
    run.model.save(path)
    code = f"""
import pellucid as pel
from tests.data import test_own_encoder as own
print(own.described(pel.Model.load({str(path)!r})))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == described(run.model), done.stderr
    again = pickle.loads(pickle.dumps(run.model))  # noqa: S301
    assert described(again) == described(run.model)
