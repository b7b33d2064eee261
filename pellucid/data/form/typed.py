"""A column of one type by a form of another, by its distinct values."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.data.column import (
    MISSING_BOOLEAN,
    MISSING_CODE,
    MISSING_DATE,
    BooleanColumn,
    Column,
    DateColumn,
    NumberColumn,
    TextColumn,
)
from pellucid.data.form.boolean import BooleanForm
from pellucid.data.form.column import Form
from pellucid.data.form.convert import Moment, Scalar, converted
from pellucid.data.form.date.form import DateForm
from pellucid.data.form.number.form import NumberForm
from pellucid.data.form.text import TextForm

Stray = Callable[[str, int], None]


def fitted(column: Column, form: Form, stray: Stray) -> Column:
    """The column with the type of the form; `stray` receives each value that does not fit, counted."""
    if is_of(column, form):
        return column
    values, codes = _distinct(column)
    counts = np.bincount(codes[codes >= 0], minlength=len(values))
    read = [converted(value, form) for value in values]
    for value, result, count in zip(values, read, counts.tolist(), strict=True):
        if result is None and count:
            stray(str(value), count)
    name = column.name
    match form:
        case TextForm():
            return _texts(name, [str(text) for text in read], codes, form)
        case NumberForm():
            return NumberColumn(name, _table(read, np.nan, np.float64)[codes])
        case DateForm(kind="duration"):
            return NumberColumn(name, _table(read, np.nan, np.float64)[codes])
        case DateForm():
            return DateColumn(name, _table(read, MISSING_DATE, np.int64)[codes])
        case BooleanForm():
            return BooleanColumn(name, _table(read, MISSING_BOOLEAN, np.int8)[codes])


def is_of(column: Column, form: Form) -> bool:
    """Whether the column has the type of the form already."""
    match form:
        case NumberForm() | DateForm(kind="duration"):
            return isinstance(column, NumberColumn)
        case DateForm(kind="time"):
            return False
        case DateForm():
            return isinstance(column, DateColumn)
        case BooleanForm():
            return isinstance(column, BooleanColumn)
        case TextForm():
            return isinstance(column, TextColumn)


def _distinct(column: Column) -> tuple[list[Scalar], NDArray[np.int64]]:
    """The distinct known values, and the index of each row's value, -1 where missing."""
    missing = column.missing()
    match column:
        case TextColumn():
            return list(column.levels), column.codes.astype(np.int64)
        case BooleanColumn():
            return [False, True], np.where(missing, -1, column.states).astype(np.int64)
        case NumberColumn():
            distinct, codes = np.unique(column.values, return_inverse=True)
            kind = int if column.whole else float
            values: list[Scalar] = [
                kind(value) if np.isfinite(value) else float(value) for value in distinct
            ]
        case DateColumn():
            seconds, codes = np.unique(column.seconds, return_inverse=True)
            values = [Moment(int(value)) for value in seconds]
    return values, np.where(missing, -1, codes).astype(np.int64)


def _texts(name: str, read: list[str], codes: NDArray[np.int64], form: TextForm) -> TextColumn:
    levels = tuple(dict.fromkeys([*(form.levels if form.ordered else ()), *read]))
    index = {level: number for number, level in enumerate(levels)}
    table = np.array([*(index[text] for text in read), MISSING_CODE], np.int32)
    return TextColumn(name, table[codes], levels, form.ordered)


def _table(
    read: list[float | int | str | bool | None], missing: float, dtype: type[np.generic]
) -> NDArray[Any]:
    """The values, and a last one for missing rows, whose index is -1."""
    return np.array([*(missing if value is None else value for value in read), missing], dtype)
