"""What is to be predicted."""

from typing import Any

import numpy as np
import pytest

from pellucid.data import Task, choose_target, infer_task, read_table
from pellucid.data.target import ClassTarget
from pellucid.data.task import class_codes, class_labels
from pellucid.errors import DataError
from tests.data.tables import bikes, cancer, islp, penguins, titanic, wine


def task_of(values: list[Any], choice: str | None = None) -> str:
    table = read_table({"y": np.array(values, object)})
    task = infer_task(table.column("y"), choice)
    assert task.reason
    return task.kind


@pytest.mark.parametrize(
    ("values", "choice", "kind"),
    [
        (["a", "b"], None, "binary"),
        (["a", "b", "c", "c"], None, "multiclass"),
        ([True, False, None], None, "binary"),
        ([0, 1, 1], None, "binary"),
        ([2, 4, None], None, "binary"),
        ([1, 2, 3] * 5, None, "multiclass"),
        ([1, 2, 3], None, "regression"),
        (list(range(11)) * 10, None, "regression"),
        ([0.5, 1.5] * 10, None, "regression"),
        ([0.5, 1.5] * 10, "classification", "binary"),
        ([1, 2, 3] * 5, "regression", "regression"),
        (list(range(50)), "classification", "multiclass"),
    ],
)
def test_inferred_and_chosen(values: list[Any], choice: str | None, kind: str) -> None:
    assert task_of(values, choice) == kind


def test_real_targets() -> None:
    wanted = [
        (penguins(), "species", "multiclass"),
        (cancer(), "target", "binary"),
        (wine(), "target", "multiclass"),
        (bikes(), "bikers", "regression"),
    ]
    for frame, name, kind in wanted:
        assert choose_target(read_table(frame), name).task.kind == kind


@pytest.mark.tables
def test_targets_of_large_tables() -> None:
    wanted = [
        (islp("Default"), "default", "binary"),
        (islp("OJ"), "Purchase", "binary"),
        (islp("Bikeshare"), "bikers", "regression"),
        (islp("Wage"), "wage", "regression"),
        (titanic(), "survived", "binary"),
    ]
    for frame, name, kind in wanted:
        assert choose_target(read_table(frame), name).task.kind == kind


@pytest.mark.parametrize(
    ("values", "choice", "expected"),
    [
        ([None, None], None, "Every value of the target 'y' is missing"),
        ([3, 3, None], None, "the same value, 3, in every row"),
        (["x", "x"], None, "the same value, 'x', in every row"),
        (["a", "b", "c"], None, "a different text in every row"),
        (["a", "b", "b"], "regression", "holds no numbers"),
        ([np.datetime64("2024-01-01"), np.datetime64("2024-01-02")], None, "holds dates"),
    ],
)
def test_targets_that_cannot_be_learned(
    values: list[Any], choice: str | None, expected: str
) -> None:
    with pytest.raises(DataError, match=expected):
        task_of(values, choice)


def test_an_unknown_target_suggests_the_nearest() -> None:
    with pytest.raises(DataError, match=r"no column 'specie' .*did you mean 'species'"):
        choose_target(read_table(penguins()), "specie")


def test_an_unknown_task_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="'regression' or 'classification', not 'ranking'"):
        task_of([1, 2], "ranking")


def test_rows_without_a_target_are_left_out_and_counted() -> None:
    choice = choose_target(read_table({"y": ["a", None, "b", "a", None, "b"]}), "y")
    assert choice.rows.tolist() == [0, 2, 3, 5]
    assert [note.count for note in choice.notes] == [2]
    assert choice.notes[0].text == "2 rows without a value of 'y' were left out."


def test_classes_with_one_row_are_noted() -> None:
    choice = choose_target(read_table({"y": ["a", "a", "b", "c", "c"]}), "y")
    (note,) = choice.notes
    assert note.count == 1
    assert "'b'" in note.text


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ([3, 1, 3], (1, 3)),
        ([0.5, 2.0, 0.5], (0.5, 2.0)),
        ([True, False, None], (False, True)),
        (["b", "a", "b"], ("a", "b")),
    ],
)
def test_labels_keep_their_type(values: list[Any], labels: tuple[Any, ...]) -> None:
    column = read_table({"y": np.array(values, object)}).column("y")
    distinct = class_labels(column)
    assert distinct == labels
    assert [type(label) for label in distinct] == [type(label) for label in labels]
    codes = class_codes(column, distinct)
    assert [None if code < 0 else distinct[code] for code in codes] == values


def test_of_classes_with_equal_counts_the_last_have_a_response() -> None:
    """However the processor's fastest sort orders equals."""
    names = tuple(f"class {index:02}" for index in range(40))
    target = ClassTarget("y", Task("multiclass", "a test"), names, (7, 3) * 20)
    responses = target.response(np.arange(40))
    assert responses.argmax(axis=0).tolist() == list(range(38, 18, -2))
