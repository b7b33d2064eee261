"""Conversion of a column to the type that it had in training."""

import numpy as np

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
from pellucid.data.date_text import FORMATS, parse_date
from pellucid.data.note import Note, counted, shortened
from pellucid.data.number_text import parse_number
from pellucid.data.texts import as_boolean_states, parse_levels, stray_note
from pellucid.errors import DataError

TRUE_WORDS = frozenset(["true", "yes", "t", "y", "1"])
FALSE_WORDS = frozenset(["false", "no", "f", "n", "0"])


def as_number(column: Column, notes: list[Note]) -> NumberColumn:
    """The column as numbers: true is 1, and texts are parsed.

    A text that is not a number becomes missing, with a note. A column of dates, or of texts without
    a number, raises `DataError`.
    """
    match column:
        case NumberColumn():
            return column
        case BooleanColumn():
            return NumberColumn(column.name, np.array([0.0, 1.0, np.nan])[column.states], True)
        case TextColumn():
            values, stray = parse_levels(column, parse_number, np.nan, np.float64)
            _note_stray(column, stray, "a number", notes)
            return NumberColumn(column.name, np.where(np.isinf(values), np.nan, values))
        case DateColumn():
            _refuse_unless_missing(column, "numbers")
            return NumberColumn(column.name, np.full(len(column), np.nan))


def as_date(column: Column, notes: list[Note]) -> DateColumn:
    """The column as dates; texts are parsed.

    A text that is not a date becomes missing, with a note. A column of numbers or booleans, or of
    texts without a date, raises `DataError`.
    """
    if isinstance(column, DateColumn):
        return column
    if isinstance(column, TextColumn):
        seconds, stray = parse_levels(column, _any_date, MISSING_DATE, np.int64)
        _note_stray(column, stray, "a date", notes)
        return DateColumn(column.name, seconds)
    _refuse_unless_missing(column, "dates")
    return DateColumn(column.name, np.full(len(column), MISSING_DATE))


def as_boolean(column: Column, notes: list[Note]) -> BooleanColumn:
    """The column as booleans, from the words in `TRUE_WORDS` and `FALSE_WORDS`.

    Other values become missing, with a note. A column without any of the words raises `DataError`.
    """
    if isinstance(column, BooleanColumn):
        return column
    texts = as_text(column)
    words = TRUE_WORDS | FALSE_WORDS
    counts = zip(texts.levels, texts.counts(), strict=True)
    stray = {level: int(n) for level, n in counts if n and level.lower() not in words}
    _note_stray(texts, stray, "true or false", notes)
    known = as_boolean_states(texts, TRUE_WORDS, FALSE_WORDS)
    return BooleanColumn(column.name, known.states)


def as_text(column: Column) -> TextColumn:
    """The column as texts: 3.0 becomes "3", true "true", and a date year-month-day."""
    match column:
        case TextColumn():
            return column
        case BooleanColumn():
            codes = np.where(column.states == MISSING_BOOLEAN, MISSING_CODE, column.states)
            return TextColumn(column.name, codes.astype(np.int32), ("false", "true"))
        case NumberColumn():
            distinct, codes = np.unique(column.values, return_inverse=True)
            levels = [number_name(float(value)) for value in distinct]
        case DateColumn():
            seconds, codes = np.unique(column.seconds, return_inverse=True)
            levels = [_date_name(date) for date in seconds.astype("datetime64[s]")]
    codes = np.where(column.missing(), MISSING_CODE, codes)
    return TextColumn(column.name, codes.astype(np.int32), tuple(levels))


def number_name(value: float) -> str:
    """The number as text, without a fraction where it is whole: 3, not 3.0."""
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)


def _date_name(date: np.datetime64) -> str:
    return str(date).removesuffix("T00:00:00")


def _any_date(text: str) -> int | None:
    """Seconds of a date in any of `FORMATS`; None where none fits."""
    dates = (parse_date(text, form) for form in FORMATS)
    return next((seconds for seconds in dates if seconds is not None), None)


def _note_stray(column: TextColumn, stray: dict[str, int], wanted: str, notes: list[Note]) -> None:
    """Appends a note on the values of another type; `DataError` if all values are."""
    if not stray:
        return
    total = int((~column.missing()).sum())
    if sum(stray.values()) == total:
        raise DataError(
            f"The column '{column.name}' is of another type than in training: none of its "
            f"{counted(total, 'value')} is {wanted}, the first is '{shortened(next(iter(stray)))}'."
        )
    notes.append(stray_note(column.name, stray, wanted))


def _refuse_unless_missing(column: Column, wanted: str) -> None:
    if not column.missing().all():
        types = {NumberColumn: "numbers", DateColumn: "dates", BooleanColumn: "true or false"}
        raise DataError(
            f"The column '{column.name}' should hold {wanted}, as it did in training, "
            f"but holds {types[type(column)]}."
        )
