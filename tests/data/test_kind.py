"""Kinds of columns."""

import uuid
from typing import Any

import numpy as np
import pytest

from pellucid.data import infer_kind, read_table
from tests.data.tables import bikes, cancer, islp, penguins, titanic

RANDOM = np.random.default_rng(0)
TEXTS = [f"t{value}" for value in range(40)]


@pytest.mark.parametrize(
    ("name", "values", "kind"),
    [
        ("a", [None] * 5, "constant"),
        ("a", [2.5] * 5, "constant"),
        ("a", ["x"] * 5, "constant"),
        ("a", [True] * 5, "constant"),
        ("a", [np.datetime64("2024-01-01")] * 5, "constant"),
        ("a", [2.5, None] * 5, "number"),
        ("a", ["x", None] * 5, "category"),
        ("a", [True, None] * 5, "boolean"),
        ("a", [0, 1, None] * 5, "boolean"),
        ("a", [1, 2] * 5, "number"),
        ("a", list(range(1, 101)), "identifier"),
        ("a", RANDOM.permutation(100)[:60].tolist(), "identifier"),
        ("a", list(range(1900, 2000)), "number"),
        ("year_id", list(range(1900, 2000)), "identifier"),
        ("a", list(range(10)), "number"),
        ("a", [*range(100), None], "number"),
        ("a", (np.arange(100) / 7).tolist(), "number"),
        ("a", TEXTS, "identifier"),
        ("a", [str(uuid.UUID(int=value)) for value in range(40)], "identifier"),
        ("a", TEXTS[:10], "category"),
        ("a", TEXTS + TEXTS, "category"),
        ("a", ["x", "y"] * 5, "category"),
    ],
)
def test_kinds(name: str, values: list[Any], kind: str) -> None:
    array = np.array(values, object)
    inferred = infer_kind(read_table({name: array}).column(name))
    assert (inferred.column, inferred.kind) == (name, kind)
    assert inferred.reason


def kinds(frame: Any) -> dict[str, str]:
    return {column.name: infer_kind(column).kind for column in read_table(frame).columns}


def test_whole_tables() -> None:
    categories = {"species", "island", "sex"}
    for name, kind in kinds(penguins()).items():
        assert kind == ("category" if name in categories else "number")
    assert set(kinds(cancer().drop(columns="target")).values()) == {"number"}
    check_bikes(kinds(bikes()))


def check_bikes(kinds: dict[str, str]) -> None:
    assert kinds["mnth"] == "category"
    assert kinds["hr"] == "number"
    assert kinds["holiday"] == kinds["workingday"] == "boolean"


@pytest.mark.tables
def test_large_tables() -> None:
    assert kinds(titanic())["age"] == "number"
    check_bikes(kinds(islp("Bikeshare")))
    numbered = islp("Default").reset_index(names="rownames")
    assert kinds(numbered)["rownames"] == "identifier"
