"""What is to be predicted: a number, one of two classes, or one of many."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pellucid.data.column import BooleanColumn, Column, DateColumn, NumberColumn, TextColumn
from pellucid.data.note import Note, counted, quoted
from pellucid.data.table import Table
from pellucid.errors import DataError

TaskKind = Literal["regression", "two classes", "many classes"]
Label = str | int | float | bool

CLASS_NUMBERS = 10
"""Different whole numbers up to which a target is read as classes."""

CLASS_ROWS = 5
"""Rows that each of those numbers must have on average."""

EXACT = 2**53
EXACT_SINGLE = 2**24
"""Whole numbers from which float64, or float32, does not tell all of them apart."""


@dataclass(frozen=True)
class Task:
    """What is to be predicted, with the reason in plain words."""

    kind: TaskKind
    reason: str

    @property
    def is_classification(self) -> bool:
        """Whether classes are predicted."""
        return self.kind != "regression"


@dataclass(frozen=True, eq=False)
class TargetChoice:
    """The task, the rows (int64) whose target is known, and what was noticed about the target."""

    task: Task
    rows: NDArray[np.int64]
    notes: tuple[Note, ...]


def choose_target(table: Table, name: str, choice: str | None = None) -> TargetChoice:
    """The task and the usable rows for predicting the column `name`.

    `choice` is "regression", "classification" or None to infer it. An unknown column, one with no
    values, with a single value, or one that cannot be predicted raises `DataError`.
    """
    column = table.column(name)
    missing = column.missing()
    task = infer_task(column, choice)
    notes = []
    if missing.any():
        count = int(missing.sum())
        text = f"{counted(count, 'row')} without a value of '{name}' {_were(count)} left out."
        notes.append(Note(name, text, count))
    if task.is_classification:
        notes.extend(_single_rows(column))
    return TargetChoice(task, np.flatnonzero(~missing), tuple(notes))


def infer_task(column: Column, choice: str | None = None) -> Task:
    """The task that a target column sets, or the user's choice where it can be honoured.

    Texts and booleans are classes. Numbers are a regression, unless they are whole, at most 10
    different ones, and each has 5 rows or more on average: then they are classes. Two different
    whole numbers are always two classes.
    """
    if choice not in (None, "regression", "classification"):
        raise ValueError(f"the task should be 'regression' or 'classification', not '{choice}'")
    different = _different(column)
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
        return _classes(different, "you asked for classes")
    if isinstance(column, NumberColumn):
        task = _number_task(column, different)
        if task.is_classification:
            _check_exact(column)
        return task
    what = "texts" if isinstance(column, TextColumn) else "true or false"
    return _classes(different, f"the target holds {what}")


def _different(column: Column) -> int:
    """The number of different known values; `DataError` unless there are two, and some repeat."""
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


def _classes(different: int, reason: str) -> Task:
    kind: TaskKind = "two classes" if different == 2 else "many classes"
    return Task(kind, f"{reason}, {different:,} different values")


def _check_exact(column: Column) -> None:
    """Raise DataError for numbers that name classes but are too large to be told apart."""
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


def _number_task(column: NumberColumn, different: int) -> Task:
    values = column.values[~column.missing()]
    whole = bool((values == np.floor(values)).all())
    if whole and different == 2:
        return _classes(2, "the target holds whole numbers")
    if whole and different <= CLASS_NUMBERS and len(values) >= CLASS_ROWS * different:
        return _classes(different, f"the target holds whole numbers, no more than {CLASS_NUMBERS}")
    what = "whole numbers" if whole else "numbers with fractions"
    return Task("regression", f"the target holds {what}, {different:,} different values")


def class_labels(column: Column) -> tuple[Label, ...]:
    """The different values that occur, in ascending order, as the type they have in the data."""
    if isinstance(column, TextColumn):
        counts = column.counts()
        return tuple(
            sorted(level for level, count in zip(column.levels, counts, strict=False) if count)
        )
    if isinstance(column, BooleanColumn):
        return tuple(bool(state) for state in np.unique(column.states[~column.missing()]))
    values = column.values if isinstance(column, NumberColumn) else column.seconds
    different = np.unique(values[~column.missing()])
    whole = isinstance(column, DateColumn) or column.whole
    return tuple(int(value) if whole else float(value) for value in different)


def class_codes(column: Column, labels: tuple[Label, ...]) -> NDArray[np.int32]:
    """For each row the position of its value in `labels`, -1 where missing or not among them."""
    place = {label: code for code, label in enumerate(labels)}
    if isinstance(column, TextColumn):
        table = [place.get(level, -1) for level in column.levels]
        return np.array([*table, -1], np.int32)[column.codes]
    if isinstance(column, BooleanColumn):
        states = np.array([place.get(False, -1), place.get(True, -1), -1], np.int32)
        return states[column.states]
    values = column.values if isinstance(column, NumberColumn) else column.seconds
    different, inverse = np.unique(values, return_inverse=True)
    return np.array([place.get(float(value), -1) for value in different], np.int32)[inverse]


def _single_rows(column: Column) -> list[Note]:
    """A note on the classes that have one row only."""
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
