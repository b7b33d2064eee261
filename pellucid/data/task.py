"""The task of a target column: regression, or classification with two or more classes."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pellucid.data.column import BooleanColumn, Column, DateColumn, NumberColumn, TextColumn
from pellucid.data.note import Note, counted, quoted
from pellucid.data.statistics import LARGEST
from pellucid.data.table import Table
from pellucid.errors import DataError

TaskKind = Literal["regression", "binary", "multiclass"]
Label = str | int | float | bool

CLASS_NUMBERS = 10
"""The most distinct whole numbers with which a target is classes."""

CLASS_ROWS = 5
"""The fewest rows for each of those numbers, on average."""

EXACT = 2**53
"""Below this float64 represents every whole number exactly."""

EXACT_SINGLE = 2**24
"""Below this float32 represents every whole number exactly."""


@dataclass(frozen=True)
class Task:
    """The task, with the reason for it in plain words."""

    kind: TaskKind
    reason: str

    @property
    def is_classification(self) -> bool:
        """Whether classes are predicted."""
        return self.kind != "regression"


@dataclass(frozen=True, eq=False)
class TargetChoice:
    """The task, the numbers (int64) of the rows with a target, and notes on the target."""

    task: Task
    rows: NDArray[np.int64]
    notes: tuple[Note, ...]


def choose_target(table: Table, name: str, choice: str | None = None) -> TargetChoice:
    """The task and the usable rows for predicting the column `name`.

    `choice` is "regression", "classification" or None to infer the task. `DataError` is raised for an
    unknown column, one without two distinct values, and one that cannot be predicted.
    """
    column = table.column(name)
    missing = column.missing()
    task = infer_task(column, choice)
    notes = []
    if missing.any():
        count = int(missing.sum())
        text = f"{counted(count, 'row')} without a value of '{name}' {_were(count)} left out."
        notes.append(Note(name, text, count))
    beyond = is_beyond(column) & (not task.is_classification)
    if beyond.any():
        count = int(beyond.sum())
        text = (
            f"{counted(count, 'row')} with a value of '{name}' beyond {LARGEST:g} {_were(count)} left "
            "out."
        )
        notes.append(Note(name, text, count))
    if task.is_classification:
        notes.extend(_single_rows(column))
    return TargetChoice(task, np.flatnonzero(~(missing | beyond)), tuple(notes))


def is_beyond(column: Column) -> NDArray[np.bool_]:
    """Mask of the numbers that are too large to be predicted, shape (n,)."""
    if not isinstance(column, NumberColumn):
        return np.zeros(len(column), np.bool_)
    return np.asarray(np.abs(column.values) > np.float64(LARGEST))


def infer_task(column: Column, choice: str | None = None) -> Task:
    """The task of a target column: the user's choice, or else inferred from the values.

    Texts and booleans are classes. So are two distinct whole numbers, and up to 10 with 5 rows or
    more each on average. Other numbers are a regression. A column that does not allow the choice
    raises `DataError`.
    """
    if choice not in (None, "regression", "classification"):
        raise ValueError(f"the task should be 'regression' or 'classification', not '{choice}'")
    distinct = _count_distinct(column)
    if isinstance(column, DateColumn):
        raise DataError(
            f"The target '{column.name}' holds dates, which cannot be predicted as they are: "
            "make it a number, such as days from a fixed date."
        )
    if choice == "regression":
        if not isinstance(column, NumberColumn):
            raise DataError(f"The target '{column.name}' holds no numbers, so it has classes only.")
        return Task("regression", "you asked for a regression")
    if choice == "classification":
        _check_exact(column)
        return _classes(distinct, "you asked for classes")
    if isinstance(column, NumberColumn):
        task = _number_task(column, distinct)
        if task.is_classification:
            _check_exact(column)
        return task
    what = "texts" if isinstance(column, TextColumn) else "true or false"
    return _classes(distinct, f"the target holds {what}")


def _count_distinct(column: Column) -> int:
    """The number of distinct known values; `DataError` for fewer than two, or unique texts."""
    present = int((~column.missing()).sum())
    if present == 0:
        raise DataError(f"Every value of the target '{column.name}' is missing.")
    labels = class_labels(column)
    if len(labels) == 1:
        raise DataError(
            f"The target '{column.name}' has the same value, {labels[0]!r}, in every row: "
            "there is nothing to learn."
        )
    if isinstance(column, TextColumn) and len(labels) == present > 2:
        raise DataError(
            f"The target '{column.name}' has a different text in every row, so it has no classes "
            "to learn."
        )
    return len(labels)


def _classes(distinct: int, reason: str) -> Task:
    kind: TaskKind = "binary" if distinct == 2 else "multiclass"
    return Task(kind, reason)


def _check_exact(column: Column) -> None:
    """Raises `DataError` for class labels that are too large for exact floats."""
    if not isinstance(column, NumberColumn):
        return
    values = column.values[~column.missing()]
    most = EXACT if column.values.dtype.itemsize > 4 else EXACT_SINGLE
    large = np.abs(values) >= most
    if column.whole and large.any():
        raise DataError(
            f"The target '{column.name}' holds whole numbers of {most:,} and more, as "
            f"{values[large][0]:,.0f}, which a table does not tell apart: give the classes as texts."
        )


def _number_task(column: NumberColumn, distinct: int) -> Task:
    values = column.values[~column.missing()]
    whole = bool((values == np.floor(values)).all())
    if whole and distinct == 2:
        return _classes(2, "the target holds whole numbers")
    if whole and distinct <= CLASS_NUMBERS and len(values) >= CLASS_ROWS * distinct:
        return _classes(distinct, f"the target holds whole numbers, no more than {CLASS_NUMBERS}")
    what = "whole numbers" if whole else "numbers with fractions"
    return Task("regression", f"the target holds {what}, {distinct:,} different values")


def class_labels(column: Column) -> tuple[Label, ...]:
    """The distinct values of the column, ascending, of the type that they have in the data."""
    if isinstance(column, TextColumn):
        counts = column.counts()
        return tuple(
            sorted(level for level, count in zip(column.levels, counts, strict=False) if count)
        )
    if isinstance(column, BooleanColumn):
        return tuple(bool(state) for state in np.unique(column.states[~column.missing()]))
    values = column.values if isinstance(column, NumberColumn) else column.seconds
    distinct = np.unique(values[~column.missing()])
    whole = isinstance(column, DateColumn) or column.whole
    return tuple(int(value) if whole else float(value) for value in distinct)


def class_codes(column: Column, labels: tuple[Label, ...]) -> NDArray[np.int32]:
    """For each row the index of its value in `labels`, -1 where missing or not among them."""
    code_of = {label: code for code, label in enumerate(labels)}
    if isinstance(column, TextColumn):
        table = [code_of.get(level, -1) for level in column.levels]
        return np.array([*table, -1], np.int32)[column.codes]
    if isinstance(column, BooleanColumn):
        states = np.array([code_of.get(False, -1), code_of.get(True, -1), -1], np.int32)
        return states[column.states]
    values = column.values if isinstance(column, NumberColumn) else column.seconds
    distinct, inverse = np.unique(values, return_inverse=True)
    return np.array([code_of.get(float(value), -1) for value in distinct], np.int32)[inverse]


def _single_rows(column: Column) -> list[Note]:
    """A note on the classes with a single row."""
    labels = class_labels(column)
    counts = np.bincount(class_codes(column, labels) + 1, minlength=len(labels) + 1)[1:]
    single = [str(label) for label, count in zip(labels, counts, strict=True) if count == 1]
    if not single:
        return []
    noun = "class" if len(single) == 1 else "classes"
    verb = "has one row, which is" if len(single) == 1 else "have one row each, which are"
    text = (
        f"The {noun} {quoted(single)} of '{column.name}' {verb} kept for training, "
        "so nothing can be said about how well such rows are predicted."
    )
    return [Note(column.name, text, len(single))]


def _were(count: int) -> str:
    return "was" if count == 1 else "were"
