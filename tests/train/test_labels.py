"""Targets of every kind: labels come back as they came in, and rows without one are left out."""

from __future__ import annotations

import datetime
import warnings
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import pellucid as pel
from pellucid import nn, optim
from pellucid.errors import DataError, ModelFileError, PellucidWarning
from pellucid.train.inputs import arrays
from pellucid.train.inputs.labels import classes_of, codes_of, label_array, packed
from pellucid.train.storage.folder import MODEL

DICE = np.random.default_rng(2)
X = DICE.normal(size=(60, 2)).astype(np.float32)
X[:, 0] += np.where(np.arange(60) % 2, 4.0, -4.0)
ODD = np.arange(60) % 2
SETTINGS: dict[str, Any] = {
    "epochs": 12,
    "patience": 0,
    "progress": False,
    "optimizer": optim.Adam(0.1),
}


def fitted(y: Any, outputs: int = 2, **settings: Any) -> pel.Run:
    return pel.fit(nn.Linear(outputs), (X, y), **{**SETTINGS, **settings})


def pair(first: Any, second: Any, dtype: Any = None) -> Any:
    """Labels of the two heaps in X, as a list or an array."""
    labels = [second if odd else first for odd in ODD]
    if dtype is None:
        return labels
    out = np.empty(60, dtype)
    out[:] = labels
    return out


HUGE = 2**53
KINDS = [
    (pair(HUGE, HUGE + 1, np.int64), np.int64),
    (pair(-(2**63), 2**63 - 1, np.int64), np.int64),
    (pair(2**63, 2**63 + 1, np.uint64), np.uint64),
    (pair(HUGE, HUGE + 1), np.int64),
    (pair(2**64 - 2, 2**64 - 1), np.uint64),
    (pair(-1, 2**63), object),
    (pair(10**40, -(10**30)), object),
    (pair(2**70, 2**70 + 1), object),
    (pair(3, 200, np.uint8), np.uint8),
    (pair(-3, 3, np.int8), np.int8),
    (pair(False, True, np.bool_), np.bool_),
    (pair(False, True), np.bool_),
    (pair("a", "né", "<U4"), "<U4"),
    (pair("a", "b", object), object),
    (pair(b"a", b"b", "S1"), "S1"),
    (pair(7, 9, object), object),
    (pair(1, "1"), object),
    (pair(True, 1), object),
    (pair(True, "True", object), object),
    ([*pair(None, "None")[1:], "x"], "<U4"),
]


@pytest.mark.parametrize(("y", "dtype"), KINDS)
@pytest.mark.parametrize("validation", [0.2, None])
def test_labels_come_back_as_they_came_in(
    y: Any, dtype: Any, validation: Any, tmp_path: Path
) -> None:
    missing = [label is None for label in y]
    x = X if not any(missing) else np.concatenate([X[1:], X[:1]])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore" if any(missing) else "error")
        run = pel.fit(nn.Linear(2), (x, y), validation, out=tmp_path / "run", **SETTINGS)
    model = pel.Model.load(tmp_path / "run" / MODEL)
    known = [at for at, gone in enumerate(missing) if not gone]
    truth = [y[at] for at in known]
    for each in (run.model, model):
        found = each.predict(x)[known]
        assert found.dtype == np.dtype(dtype)
        right = [
            type(a) is type(b) and a == b
            for a, b in zip(found.tolist(), _plain(truth), strict=True)
        ]
        assert np.mean(right) > 0.95
        assert each.evaluate(x[known], truth if isinstance(y, list) else y)["accuracy"] == np.mean(
            right
        )


def _plain(labels: Any) -> list[Any]:
    return [label.item() if isinstance(label, np.generic) else label for label in labels]


@pytest.mark.parametrize("loss", [nn.CrossEntropy(), nn.Focal()])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_floats_are_labels_to_a_loss_of_classes(loss: nn.Loss, dtype: Any) -> None:
    y = np.where(ODD, 0.1, 0.25).astype(dtype)
    run = fitted(y, loss=loss, validation=(X, np.where(ODD, 0.1, 0.25)))
    found = run.model.predict(X)
    assert found.dtype == dtype and (found == y).mean() > 0.95
    assert run.model.evaluate(X, np.where(ODD, 0.1, 0.25))["accuracy"] == (found == y).mean()


def test_labels_are_compared_exactly_between_types() -> None:
    """As NumPy compares int64 with uint64, in float64, 2⁵³ and 2⁵³ + 1 are one."""
    y = pair(HUGE, HUGE + 1, np.int64)
    run = fitted(y, validation=(X, y.astype(np.uint64)))
    assert run.best.validation_metric == (run.model.predict(X) == y).mean() > 0.95
    with pytest.raises(DataError, match=r"validation\[1\] holds the class 9007199254740994, which"):
        fitted(y, validation=(X, np.full(60, HUGE + 2, np.uint64)))
    classes = classes_of(np.array([2, "b", True, 1.5, False, "a"], object))
    assert classes == (False, True, 1.5, 2, "a", "b")
    codes = codes_of(np.array([True, "b"], object), classes, "y")
    np.testing.assert_array_equal(codes, [1, 5])
    np.testing.assert_array_equal(codes_of(np.array([0, 1]), (False, True), "y"), [0, 1])


def test_an_array_holds_labels_exactly_or_is_one_of_objects() -> None:
    assert packed([1, 2.5]).dtype == np.float64
    assert packed([2**53 + 1, 0.5]).dtype == object
    assert packed([10**400, 0.5]).dtype == object
    assert packed([-1, 2**63]).tolist() == [-1, 2**63]
    assert label_array(["é"], "S2").tolist() == ["é".encode()]


# -- rows without a target ---------------------------------------------------------------------------

MISSING = [None, float("nan"), np.float64("nan"), np.datetime64("NaT"), pd.NaT, pd.NA]


@pytest.mark.parametrize("gone", MISSING, ids=[repr(each) for each in MISSING])
@pytest.mark.parametrize("labels", [(0, 1), (False, True), ("a", "b"), (2**60, 2**60 + 1)])
@pytest.mark.parametrize("validation", [0.2, None])
def test_rows_without_a_label_are_left_out(gone: Any, labels: Any, validation: Any) -> None:
    y = pair(labels[0], labels[1], object)
    known = np.ones(60, bool)
    known[[3, 40]] = False
    full = pel.fit(nn.Linear(2), (X[known], y[known]), validation, **SETTINGS)
    y[~known] = gone
    with pytest.warns(PellucidWarning, match="train holds 2 rows without a target: they are left"):
        run = fitted(y, validation=validation)
    assert run.history == full.history
    assert run.model.classes == labels
    with pytest.warns(PellucidWarning, match="y is missing in 2 rows, left out"):
        measured = run.model.evaluate(X, y)
    assert measured == full.model.evaluate(X[known], y[known])


@pytest.mark.parametrize(
    "y",
    [
        pd.Series(pair(1, 2), dtype="Int64").mask(np.arange(60) == 7),
        pd.Series(pair("a", "b"), dtype="string").mask(np.arange(60) == 7),
        pd.Series(pair("a", "b"), dtype="category").mask(np.arange(60) == 7),
        pd.Series(pair(True, False), dtype="boolean").mask(np.arange(60) == 7),
        pl.Series([None, *pair(1, 2)[1:]]),
        pl.Series([None, *pair("a", "b")[1:]]),
        pa.array([None, *pair(2**60, 2**60 + 1)[1:]]),
        np.ma.masked_where(np.arange(60) == 7, pair(1, 2, np.int64)),
    ],
    ids=["Int64", "string", "category", "boolean", "polars", "texts", "arrow", "masked"],
)
def test_missing_labels_of_other_libraries(y: Any) -> None:
    with pytest.warns(PellucidWarning, match="train holds 1 row without a target: it is left out"):
        run = fitted(y)
    assert len(run.model.classes or ()) == 2


def test_rows_without_a_value_are_left_out() -> None:
    y = np.where(np.arange(60) == 9, np.nan, X[:, 0])
    with pytest.warns(PellucidWarning, match="train holds 1 row"):
        run = fitted(y, 1, validation=None)
    plain = pel.fit(nn.Linear(1), (np.delete(X, 9, 0), np.delete(X[:, 0], 9)), None, **SETTINGS)
    assert run.history == plain.history
    with pytest.warns(PellucidWarning, match="1 row"):
        assert run.model.evaluate(X, y) == plain.model.evaluate(
            np.delete(X, 9, 0), np.delete(X[:, 0], 9)
        )
    two = np.stack([y, X[:, 1]], 1)
    with pytest.warns(PellucidWarning, match="train holds 1 row"):
        fitted(two, 2)
    with pytest.warns(PellucidWarning, match="validation holds 1 row"):
        fitted(X[:, 0], 1, validation=(X, y))


def test_targets_that_weigh_nothing_may_be_missing() -> None:
    y = np.stack([np.where(np.arange(60) == 9, np.nan, X[:, 0]), X[:, 1]], 1)
    weights = np.isfinite(y).astype(float)
    net, other = nn.Linear(2), nn.Linear(2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pel.fit(net, (X, y, weights), None, **SETTINGS)
    pel.fit(other, (X, np.where(weights, y, 5.0), weights), None, **SETTINGS)
    np.testing.assert_array_equal(net.W.numpy(), other.W.numpy())


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([None] * 60, r"Every target of train\[1\] is missing"),
        (np.array(["2020-01-01"] * 60, "M8[D]"), "holds dates or durations, which cannot"),
        (np.ones(60, "m8[s]"), "holds dates or durations"),
        ([datetime.date(2020, 1, 1)] * 60, r"train\[1\] holds a date, datetime.date"),
        (pair({}, {}, object), r"train\[1\] holds a dict"),
        (np.ones(60, complex), "holds complex128: targets are numbers, texts or conditions"),
        (np.where(np.arange(60) == 4, np.inf, X[:, 0]), r"holds the value inf in row 4"),
        (np.where(np.arange(60) == 4, 1e39, ODD), r"the value 1e\+39 in row 4.*3.4e\+38"),
        (pair("a", "b")[:59], r"has shape \(59,\), the inputs have 60 rows"),
        (np.array([["a", "b"]] * 60), r"holds texts of shape \(48, 2\)"),
    ],
)
def test_targets_that_are_none(y: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        fitted(y, 1)


def test_numbers_of_other_types_are_values() -> None:
    y = [Decimal(str(round(float(value), 3))) for value in X[:, 0]]
    one = fitted(y, 1)
    other = fitted(np.array([float(value) for value in y]), 1)
    assert one.model.classes is None and one.history == other.history


def test_a_label_that_is_missing_has_no_code() -> None:
    model = fitted(pair("a", "b")).model
    with pytest.raises(DataError, match="The label of row 1 is missing"):
        model.codes_of(["a", None])
    with pytest.raises(DataError, match="y holds the class 'c', which does not occur"):
        model.codes_of(["a", "c"])
    np.testing.assert_array_equal(model.codes_of(["b", "a"]), [1, 0])


def test_sparse_matrices_are_told_apart() -> None:
    from scipy.sparse import csr_array

    with pytest.raises(DataError, match=r"train\[0\] is a sparse matrix: give train\[0\].toarray"):
        pel.fit(nn.Linear(1), (csr_array(X), X[:, 0]), **SETTINGS)
    with pytest.raises(DataError, match="sparse"):
        arrays.as_array(csr_array(X), "y")


# -- tables ------------------------------------------------------------------------------------------


def test_a_table_does_not_merge_large_classes() -> None:
    table = {"x": X[:, 0], "y": pair(HUGE, HUGE + 1, np.int64)}
    model = pel.fit_table(table, "y", epochs=1, progress=False).model
    assert model.classes == (str(HUGE), str(HUGE + 1))
    assert model.evaluate(table)["accuracy"] == np.mean(
        model.predict(table) == np.array(table["y"]).astype(str)
    )
    table["y"] = pair(HUGE, HUGE + 2, np.int64)
    with pytest.raises(
        DataError, match=r"whole numbers of 9,007,199,254,740,992 and more.*as texts"
    ):
        pel.fit_table(table, "y", progress=False)


def test_a_table_is_evaluated_on_the_rows_that_have_a_target() -> None:
    table = {"x": X[:, 0].tolist(), "y": pair("a", "b")}
    run = pel.fit_table(table, "y", epochs=3, progress=False).run
    gaps = {**table, "y": ["", *table["y"][1:]]}
    notes: list[Any] = []
    found = run.model.evaluate(gaps, notes=notes)
    rest = {name: values[1:] for name, values in table.items()}
    assert found == run.model.evaluate(rest)
    assert "1 row without a value of 'y' left out." in [note.text for note in notes]


@pytest.mark.parametrize(
    "wrong", ["u1", "|S1", "<f2", "M8[D]", "V3", "<U9999999", 3, [], "O8O", "q"]
)
def test_a_file_whose_labels_are_not_of_their_type_is_refused(wrong: Any) -> None:
    model = fitted(pair(-1, 300, np.int16)).model
    content = {**model.to_json(), "labels": wrong}
    assert model.to_json()["labels"] == "<i2"
    with pytest.raises(ModelFileError, match=r"labels(: expected|\ are not of the type)"):
        pel.Model.from_parts(model.arrays(), content, "it")


def test_targets_of_another_shape_are_not_compared() -> None:
    model = fitted(X, 2).model
    with pytest.raises(DataError, match=r"y has shape \(60,\), but the model predicts \(60, 2\)"):
        model.evaluate(X, X[:, 0])
    with pytest.raises(DataError, match="y holds texts, but the model predicts numbers"):
        model.evaluate(X, pair("a", "b"))
    assert model.evaluate(X, X.astype(object)) == model.evaluate(X, X)
