"""Preparation as a whole: learned on the training rows, applied to any table."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from pellucid.data import Note, Preparation, Task, choose_target, read_table, split
from pellucid.errors import DataError
from tests.data.tables import bikes, islp, penguins, titanic

FRAME = pd.DataFrame(
    {
        "n": np.arange(60) / 7,
        "c": ["x", "y", "z"] * 20,
        "b": [True, False] * 30,
        "d": pd.date_range("2024-01-01", periods=60, freq="D"),
        "id": np.arange(60),
        "one": 1,
        "y": np.arange(60) / 3 - 5,
    }
)


def prepared(frame: pd.DataFrame = FRAME, rows: Any = None) -> Preparation:
    table = read_table(frame)
    return Preparation.learn(table, "y", choose_target(table, "y").task, rows)


def test_only_names_are_learned_from_other_rows() -> None:
    rows = np.arange(0, 60, 2)
    changed = FRAME.copy()
    changed.loc[1::2, ["n", "y"]] = 1e6
    changed.loc[1::2, "c"] = ["new", "x", "y"] * 10
    task = Task("regression", "a test")
    one, two, all_rows = (
        Preparation.learn(read_table(frame), "y", task, chosen)
        for frame, chosen in ((FRAME, rows), (changed, rows), (changed, None))
    )
    same, other = read_table(FRAME.iloc[rows]), read_table(changed)
    assert np.array_equal(one.features(same), two.features(same))
    assert not np.array_equal(one.features(same), all_rows.features(same))
    notes: list[Note] = []
    two.features(other, notes)
    assert notes == []
    one.features(other, notes)
    assert "never seen in training, such as 'new'" in notes[0].text


def test_the_order_of_rows_does_not_matter() -> None:
    rows = np.random.default_rng(0).permutation(60)[:40]
    mask = np.isin(np.arange(60), rows)
    wanted = prepared(rows=np.sort(rows)).to_json()
    assert prepared(rows=rows).to_json() == wanted == prepared(rows=mask).to_json()


def test_features_are_float32_and_named() -> None:
    preparation = prepared()
    got = preparation.features(read_table(FRAME))
    assert got.dtype == np.float32
    assert got.shape == (60, len(preparation.feature_names))
    assert np.isfinite(got).all()
    kinds = {row.column: row.kind for row in preparation.describe()}
    assert kinds["id"] == "identifier"
    assert kinds["one"] == "constant"
    assert not any(name.startswith(("id", "one")) for name in preparation.feature_names)


def test_regression_targets_go_and_come_back() -> None:
    preparation = prepared()
    encoded = preparation.target(read_table(FRAME))
    assert encoded.dtype == np.float32
    assert abs(encoded.mean()) < 1e-6
    assert abs(encoded.std() - 1) < 1e-6
    for outputs in (encoded, encoded[:, None]):
        assert np.allclose(preparation.decode(outputs), FRAME.y, atol=1e-5)
    with pytest.raises(TypeError, match="no class probabilities"):
        preparation.probabilities(encoded)


@pytest.mark.parametrize(
    "labels", [["a", "b", "c"], [1, 2, 5], [0.5, 1.5, 2.5], [False, True], ["no", "yes"]]
)
def test_classes_go_and_come_back_as_they_were(labels: list[Any]) -> None:
    values = pd.Series(labels * 20)
    table = read_table(pd.DataFrame({"n": np.arange(len(values)) / 7, "y": values}))
    preparation = Preparation.learn(
        table, "y", choose_target(table, "y", "classification").task, None
    )
    codes = preparation.target(table)
    assert codes.dtype == np.int32
    assert preparation.labels == tuple(labels)
    logits = 5.0 * np.eye(len(labels))[codes]
    decoded = preparation.decode(logits).tolist()
    assert decoded == values.tolist()
    assert type(decoded[0]) is type(labels[0])
    probabilities = preparation.probabilities(logits)
    assert np.allclose(probabilities.sum(axis=1), 1)
    assert (probabilities.argmax(axis=1) == codes).all()
    assert np.isfinite(preparation.probabilities(logits * 1e4)).all()


def test_two_classes_from_a_single_logit() -> None:
    table = read_table({"n": np.arange(20) / 7, "y": ["no", "yes"] * 10})
    preparation = Preparation.learn(table, "y", choose_target(table, "y").task)
    for outputs in (np.array([-2.0, 3.0]), np.array([[-2.0], [3.0]])):
        assert preparation.decode(outputs).tolist() == ["no", "yes"]
        wanted = 1 / (1 + np.exp([2.0, -3.0]))
        assert np.allclose(preparation.probabilities(outputs)[:, 1], wanted)
    with pytest.raises(ValueError, match="outputs should have 2 columns"):
        preparation.decode(np.zeros((3, 4)))


def test_targets_that_cannot_be_encoded() -> None:
    table = read_table({"n": np.arange(20) / 7, "y": ["no", "yes"] * 10})
    preparation = Preparation.learn(table, "y", choose_target(table, "y").task)
    with pytest.raises(DataError, match=r"1 row of 'y' .* not in training: 'maybe'"):
        preparation.target(read_table({"y": np.array(["no", "maybe", "yes"])}))
    with pytest.raises(DataError, match="1 row has no usable value of the target 'y'"):
        preparation.target(read_table({"y": np.array(["no", None, "yes"], object)}))
    with pytest.raises(DataError, match="no column 'y'"):
        preparation.target(read_table({"n": [1]}))


def test_missing_columns_are_all_named() -> None:
    preparation = prepared()
    table = read_table(FRAME.rename(columns={"n": "N "})[["N ", "c", "b"]])
    with pytest.raises(DataError) as caught:
        preparation.features(table)
    assert "2 columns that the data frame lacks" in str(caught.value)
    assert "'n'" in str(caught.value)
    assert "'d'" in str(caught.value)
    with pytest.raises(DataError, match="a column that the data frame lacks: 'c'"):
        preparation.features(read_table(FRAME.drop(columns="c")))
    renamed = read_table(penguins().rename(columns={"island": "Island"}))
    learned = Preparation.learn(read_table(penguins()), "species", Task("multiclass", "a test"))
    with pytest.raises(DataError, match=r"'island' \(is it 'Island'\?\)"):
        learned.features(renamed)


def test_left_out_columns_and_the_target_may_be_absent() -> None:
    preparation = prepared()
    wanted = preparation.features(read_table(FRAME))
    got = preparation.features(read_table(FRAME[["d", "b", "c", "n"]]))
    assert np.array_equal(got, wanted)


def test_extra_columns_are_ignored_and_noted() -> None:
    notes: list[Note] = []
    frame = FRAME.assign(extra=1, more="x")
    got = prepared().features(read_table(frame), notes)
    assert np.array_equal(got, prepared().features(read_table(FRAME)))
    assert [note.count for note in notes] == [2]
    assert "'extra', 'more'" in notes[0].text


def test_columns_of_another_type_are_read_where_possible() -> None:
    preparation = prepared()
    wanted = preparation.features(read_table(FRAME))
    texts = FRAME.assign(
        n=FRAME.n.map(repr).where(FRAME.index < 55, "n/k"),
        b=FRAME.b.map({True: "Yes", False: "no"}),
        d=FRAME.d.dt.strftime("%d.%m.%Y"),
    )
    notes: list[Note] = []
    got = preparation.features(read_table({c: texts[c].to_list() for c in texts}), notes)
    assert np.array_equal(got[:55], wanted[:55])


def test_few_texts_among_numbers_are_noted_at_prediction() -> None:
    notes: list[Note] = []
    table = read_table(FRAME.iloc[:3].assign(n=["1.5", "oops", "2.5"]))
    got = prepared().features(table, notes)
    assert np.isfinite(got).all()
    assert [note.count for note in notes] == [1]
    assert "'oops' (1)" in notes[0].text


@pytest.mark.parametrize(
    ("column", "values", "wanted"),
    [
        ("n", ["a", "b", "a"], "a number"),
        ("n", pd.to_datetime(["2024-01-01"] * 3), "a number"),
        ("d", [1.5, 2.5, 3.5], "a date"),
        ("d", ["a", "b", "a"], "a date"),
        ("b", ["a", "b", "a"], "true or false"),
        ("b", [5.0, 6.0, 7.0], "true or false"),
    ],
)
def test_values_of_another_type_are_missing_and_noted(
    column: str, values: Any, wanted: str
) -> None:
    """Whether a row has a prediction must not depend on the rows beside it."""
    notes: list[Note] = []
    blank = FRAME.iloc[:3].assign(**{column: None})
    got = prepared().features(read_table(FRAME.iloc[:3].assign(**{column: values})), notes)
    assert np.array_equal(got, prepared().features(read_table(blank)))
    assert [note.count for note in notes] == [3]
    assert f"None of the 3 values of '{column}' is {wanted}" in notes[0].text


def test_columns_all_missing_at_prediction_are_imputed() -> None:
    blank = FRAME.iloc[:3].assign(n=None, c=None, b=None, d=None)
    assert np.isfinite(prepared().features(read_table(blank))).all()


def test_numbers_where_categories_were() -> None:
    codes = ["1", "2", "12a"] * 20
    preparation = prepared(FRAME.assign(c=codes))
    wanted = preparation.features(read_table(FRAME.assign(c=codes)))[:2]
    got = preparation.features(read_table(FRAME.iloc[:2].assign(c=[1, 2])))
    assert np.array_equal(got, wanted)


def test_the_only_column_is_kept_though_it_numbers_the_rows() -> None:
    table = read_table({"x": np.arange(100), "y": np.arange(100) * 0.5})
    assert Preparation.learn(table, "y", Task("regression", "a test")).feature_names == ("x",)


@pytest.mark.parametrize("columns", [{}, {"one": 1}, {"name": [f"t{i}" for i in range(60)]}])
def test_nothing_to_learn_from(columns: dict[str, Any]) -> None:
    with pytest.raises(DataError, match="no column to predict 'y' from"):
        prepared(FRAME[["y"]].assign(**columns))


def large(load: Callable[[], pd.DataFrame], *settings: object) -> Any:
    """A parameter of tests that read a table of another package."""
    return pytest.param(load, *settings, marks=pytest.mark.tables)


@pytest.mark.parametrize(
    ("load", "name", "least"),
    [(penguins, "species", 0.97), large(lambda: islp("Default"), "default", 0.96)],
)
def test_a_linear_model_learns_from_the_features(
    load: Callable[[], pd.DataFrame], name: str, least: float
) -> None:
    frame = load()
    table = read_table(frame)
    choice = choose_target(table, name)
    labels = np.asarray(frame[name].to_numpy())
    train, test = split(table.rows, (0.8, 0.2), 0, labels=labels)
    preparation = Preparation.learn(table, name, choice.task, train)
    features, codes = preparation.features(table), preparation.target(table)
    model = LogisticRegression(max_iter=1000).fit(features[train], codes[train])
    assert model.score(features[test], codes[test]) >= least


@pytest.mark.parametrize(
    ("load", "name"),
    [
        (lambda: FRAME, "y"),
        (penguins, "species"),
        (bikes, "bikers"),
        large(titanic, "survived"),
        large(lambda: islp("Bikeshare"), "bikers"),
    ],
)
def test_json_gives_the_same_features_and_answers(
    load: Callable[[], pd.DataFrame], name: str
) -> None:
    table = read_table(load())
    preparation = Preparation.learn(table, name, choose_target(table, name).task)
    again = Preparation.from_json(json.loads(json.dumps(preparation.to_json())))
    assert again.to_json() == preparation.to_json()
    assert np.array_equal(again.features(table), preparation.features(table))
    assert np.array_equal(again.target(table), preparation.target(table))
    assert again.describe() == preparation.describe()


def test_a_class_that_no_training_row_has_is_kept() -> None:
    """Its name is known from the other rows, so a file must be able to say that none had it."""
    values = {"x": np.arange(30.0), "y": np.array(["a", "b"] * 14 + ["a", "rare"])}
    table = read_table(values)
    prepared = Preparation.learn(table, "y", Task("multiclass", "a test"), np.arange(28))
    again = Preparation.from_json(json.loads(json.dumps(prepared.to_json())))
    assert again.labels == ("a", "b", "rare") and again.target_encoder == prepared.target_encoder
