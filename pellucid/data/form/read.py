"""Columns by their form: no value depends on others, and none is read in another form."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.data.column import (
    MISSING_BOOLEAN,
    MISSING_CODE,
    MISSING_DATE,
    RARE_TEXTS,
    BooleanColumn,
    Column,
    DateColumn,
    NumberColumn,
    TextColumn,
)
from pellucid.data.form.boolean import BooleanForm
from pellucid.data.form.column import ColumnForm, Form
from pellucid.data.form.convert import Scalar, Value, converted, key, scalar
from pellucid.data.form.date.form import DateForm
from pellucid.data.form.number.form import NumberForm
from pellucid.data.form.strays import Strays, stray_notes
from pellucid.data.form.text import TextForm
from pellucid.data.form.typed import fitted
from pellucid.data.note import Note
from pellucid.data.raw import (
    CHUNK_ROWS,
    Levels,
    Mixed,
    Plain,
    Raw,
    Texts,
    Typed,
    is_beyond_float,
)

MOST_LEVELS = 100_000
"""The most distinct texts of a column; further ones share a level, to bound the memory."""

MOST_REMEMBERED = 500_000
"""The most distinct values of which the reading is remembered, to bound the memory."""

_WHOLE = ("0", "7", "-1", "+7", "1234567", "007", "12345678901234567890")
_FRACTIONS = ("1.375", "0.125", "-1234.5", "12345.678", "1e-3", "1.", ".5", "-1.234e5", "+2.50E+3")
_ISO = {
    "2024-02-03": 1706918400,
    "2024-02-03 04:05": 1706933100,
    "2024-02-03T04:05:06": 1706933106,
    "2024-02-03 04:05:06.75": 1706933106,
    "2024-02-03T04:05:06Z": 1706933106,
}


@dataclass(frozen=True)
class Stray:
    """A text that does not fit the form."""

    text: str


UNREAD = Stray("")


def read_column(raw: Raw, form: ColumnForm) -> tuple[Column, list[Note]]:
    """The column by its form, with a note on values that do not fit, which are missing."""
    data = raw.data.texts if isinstance(raw.data, Levels) else raw.data
    form = replace(form, missing=form.words(isinstance(data, Texts) and data.written))
    strays = Strays()
    match data:
        case Typed():
            column = _typed(data, raw.name, form, strays)
        case Mixed():
            column = _by_value(raw.name, _scalars(data.values), form, strays)
        case Texts():
            column = _texts(data, raw.name, form, strays)
    column = without_missing_numbers(column, form)
    return column, stray_notes(column, strays, form.form)


def without_missing_numbers(column: Column, form: ColumnForm) -> Column:
    """The column without the numbers that are words for missing values, however they are written.

    So the word -9999 stands for -9999.00 too, and for numbers of typed sources.
    """
    if not (isinstance(column, NumberColumn) and isinstance(form.form, NumberForm)):
        return column
    read = [form.form.read(word) for word in form.missing]
    numbers = [number for number in read if number is not None and np.isfinite(number)]
    if not numbers:
        return column
    values = np.where(np.isin(column.values, numbers), np.nan, column.values)
    return replace(column, values=values)


def _typed(data: Typed, name: str, form: ColumnForm, strays: Strays) -> Column:
    column = data.load()
    if data.exact and isinstance(column, NumberColumn) and _needs_digits(column, form.form):
        return _by_value(name, _scalars(data.exact()), form, strays)
    return fitted(column, form.form, strays.add)


def _needs_digits(column: NumberColumn, form: Form) -> bool:
    """Whether the form reads all digits of whole numbers, which float64 may not hold."""
    if isinstance(form, TextForm):
        return True
    return isinstance(form, DateForm) and is_beyond_float(column.values)


def _texts(texts: Texts, name: str, form: ColumnForm, strays: Strays) -> Column:
    plain = None
    if isinstance(form.form, NumberForm) and _reads_plain(form.form, _WHOLE):
        fractions = _reads_plain(form.form, _FRACTIONS)
        plain = texts.plain_numbers(form.missing, fractions)
    elif isinstance(form.form, DateForm) and _reads_iso(form.form):
        plain = texts.plain_dates(form.missing)
    if plain is None:
        return _by_value(name, texts.chunks(), form, strays)
    return _patched(plain, name, form, strays)


def _patched(plain: Plain, name: str, form: ColumnForm, strays: Strays) -> Column:
    """The plainly written values, and the others by their form."""
    values = plain.values
    for row, text in plain.others:
        value = _value(text, form)
        if isinstance(value, Stray):
            strays.add(value.text)
        elif value is not None:
            values[row] = value
    if isinstance(form.form, NumberForm):
        return NumberColumn(name, values, form.form.whole)
    return DateColumn(name, values)


def _scalars(values: list[Any]) -> Iterator[list[Scalar]]:
    """Python objects as plain values, "" where missing, a chunk at a time."""
    for start in range(0, len(values), CHUNK_ROWS):
        scalars = map(scalar, values[start : start + CHUNK_ROWS])
        yield ["" if value is None else value for value in scalars]


def _by_value(name: str, chunks: Iterable[list[Any]], form: ColumnForm, strays: Strays) -> Column:
    match form.form:
        case TextForm():
            return _text_column(name, chunks, form, form.form)
        case NumberForm(whole=whole):
            values = _values(chunks, form, np.nan, np.float64, strays)
            return NumberColumn(name, values, whole)
        case DateForm(kind="duration"):
            return NumberColumn(name, _values(chunks, form, np.nan, np.float64, strays))
        case DateForm():
            return DateColumn(name, _values(chunks, form, MISSING_DATE, np.int64, strays))
        case BooleanForm():
            return BooleanColumn(name, _values(chunks, form, MISSING_BOOLEAN, np.int8, strays))


def _values(
    chunks: Iterable[list[Any]],
    form: ColumnForm,
    missing: float,
    dtype: type[np.generic],
    strays: Strays,
) -> NDArray[Any]:
    """Values of all rows; each distinct one is read once."""
    memory: dict[Any, Value | Stray] = {}
    parts: list[NDArray[Any]] = []
    for chunk in chunks:
        part = np.full(len(chunk), missing, dtype)
        for row, raw in enumerate(chunk):
            known = raw if isinstance(raw, str) else key(raw)
            value = memory.get(known, UNREAD)
            if value is UNREAD:
                value = memory[known] = _value(raw, form)
            if isinstance(value, Stray):
                strays.add(value.text)
            elif value is not None:
                part[row] = value
        parts.append(part)
        if len(memory) > MOST_REMEMBERED:
            memory.clear()
    return np.concatenate(parts) if parts else np.empty(0, dtype)


def _value(raw: Scalar, form: ColumnForm) -> Value | Stray:
    """One value by the form; None where it is missing."""
    if isinstance(raw, str):
        raw = raw.strip()
        if not raw or raw in form.missing:
            return None
    value = converted(raw, form.form)
    return Stray(str(raw)) if value is None else value


def _text_column(
    name: str, chunks: Iterable[list[Any]], form: ColumnForm, texts: TextForm
) -> TextColumn:
    """Texts as codes of levels: those of the form, then others in the order of first appearance.

    However many others there are, a level of the form is told apart.
    """
    lookup = {level: code for code, level in enumerate(texts.levels)}
    seen: dict[Any, int] = {"": MISSING_CODE}
    parts: list[NDArray[np.int32]] = []
    for chunk in chunks:
        codes = np.empty(len(chunk), np.int32)
        for row, raw in enumerate(chunk):
            known = raw if isinstance(raw, str) else key(raw)
            code = seen.get(known)
            if code is None:
                code = _level_code(raw, form, texts, lookup)
                if code < MOST_LEVELS:
                    seen[known] = code
            codes[row] = code
        parts.append(codes)
    levels = tuple(lookup)
    if len(levels) >= MOST_LEVELS:
        levels += (RARE_TEXTS,)
    codes = np.concatenate(parts) if parts else np.empty(0, np.int32)
    return TextColumn(name, codes, levels, texts.ordered)


def _level_code(raw: Any, form: ColumnForm, texts: TextForm, lookup: dict[str, int]) -> int:
    if isinstance(raw, str):
        text = raw.strip()
        if not text or text in form.missing:
            return MISSING_CODE
    else:
        text = str(converted(raw, texts))
    code = lookup.get(text)
    if code is None:
        code = min(len(lookup), MOST_LEVELS)
        if code < MOST_LEVELS:
            lookup[text] = code
    return code


@lru_cache(maxsize=64)
def _reads_plain(form: NumberForm, examples: tuple[str, ...]) -> bool:
    """Whether the form reads plain numbers as Python does."""
    return all(form.read(text) == float(text) for text in examples)


@lru_cache(maxsize=64)
def _reads_iso(form: DateForm) -> bool:
    """Whether the form reads ISO dates and times, the seconds cut."""
    return all(form.read(text) == seconds for text, seconds in _ISO.items())
