"""Deciding the form of a column of any source."""

from dataclasses import replace
from typing import Any

from pellucid.data.column import BooleanColumn, Column, DateColumn, NumberColumn
from pellucid.data.form.boolean import BooleanForm
from pellucid.data.form.column import ColumnForm
from pellucid.data.form.convert import Clock, Duration, Moment, Scalar, name_of, scalar
from pellucid.data.form.date.form import DateForm
from pellucid.data.form.decide import may_be_dates, text_draft
from pellucid.data.form.draft import Draft, no_date
from pellucid.data.form.missing import words_of
from pellucid.data.form.number.form import NumberForm
from pellucid.data.form.text import TextForm
from pellucid.data.options import ReadOptions
from pellucid.data.raw import Levels, ListTexts, Mixed, Raw, Texts, Typed, is_beyond_float
from pellucid.errors import DataError

TIME_OF_DAY = DateForm("%H:%M[:%S]")
DURATION = DateForm("duration days h:m:s")


def draft(raw: Raw, options: ReadOptions, written: bool) -> Draft:
    """The form of the column, from all of its rows and the user's options.

    written: whether the table comes from a text file.
    """
    kind = options.kinds.get(raw.name, "")
    applies = written or options.missing is not None
    missing = words_of(options.missing) if applies else ()
    base = ColumnForm(raw.name, TextForm(), missing, applies, kind=kind)
    match raw.data:
        case Levels() if kind in ("", "category", "text") and raw.name not in options.date_formats:
            return Draft(raw, replace(base, form=TextForm(raw.data.levels, ordered=True)))
        case Levels():
            return text_draft(Raw(raw.name, raw.data.texts), raw.data.texts, base, options)
        case Texts():
            return text_draft(raw, raw.data, base, options)
        case Typed():
            return _typed_draft(raw, raw.data.load(), raw.data, base, options)
        case Mixed():
            return _mixed_draft(raw, raw.data.values, base, options)


def _typed_draft(
    raw: Raw, column: Column, data: Typed, base: ColumnForm, options: ReadOptions
) -> Draft:
    held = Raw(raw.name, Typed(lambda: column, data.exact, data.duration))
    if base.kind in ("category", "text"):
        return Draft(held, base)
    match column:
        case DateColumn() if base.kind == "number":
            raise _no_number(raw.name)
        case BooleanColumn() if base.kind == "date":
            raise no_date(raw.name, None)
        case BooleanColumn() if base.kind == "number":
            return Draft(held, replace(base, form=NumberForm(whole=True)))
        case DateColumn():
            return Draft(held, replace(base, form=DateForm()))
        case BooleanColumn():
            return Draft(held, replace(base, form=BooleanForm()))
        case NumberColumn() if data.duration and base.kind != "number":
            return Draft(held, replace(base, form=DURATION))
        case NumberColumn() if data.exact and is_beyond_float(column.values):
            return _mixed_draft(raw, data.exact(), base, options)
        case NumberColumn():
            return _number_draft(held, column, base, options)
    raise AssertionError("texts have no type")


def _no_number(name: str) -> DataError:
    return DataError(
        f"'{name}' holds dates, which are no numbers: give it another kind than number."
    )


def _number_draft(held: Raw, column: NumberColumn, base: ColumnForm, options: ReadOptions) -> Draft:
    present = column.values[~column.missing()]
    if len(present) and _asks_for_dates(held.name, base, options, *_range(present, column.whole)):
        values = [None if value != value else float(value) for value in column.values.tolist()]
        texts = ListTexts([None if value is None else name_of(value) for value in values])
        decided = text_draft(held, texts, base, options)
        if isinstance(decided.form.form, DateForm):
            return decided
    return Draft(held, replace(base, form=NumberForm(whole=column.whole)))


def _range(values: Any, whole: bool) -> tuple[float, float]:
    return (float(values.min()), float(values.max())) if whole else (0.0, 0.0)


def _asks_for_dates(
    name: str, base: ColumnForm, options: ReadOptions, low: float, high: float
) -> bool:
    if base.kind == "date" or name in options.date_formats:
        return True
    return not base.kind and may_be_dates(low, high)


def _mixed_draft(raw: Raw, objects: list[Any], base: ColumnForm, options: ReadOptions) -> Draft:
    values = [scalar(value) for value in objects]
    held = Raw(raw.name, Mixed(values))
    known = [value for value in values if value is not None]
    kinds = {type(value) for value in known}
    if base.kind in ("category", "text") and kinds != {str}:
        return Draft(held, base)
    typed = None if base.kind == "date" else _one_type(kinds, known)
    if base.kind == "number" and isinstance(typed, DateForm) and typed.kind == "date":
        raise _no_number(raw.name)
    if base.kind == "number" and isinstance(typed, BooleanForm):
        typed = NumberForm(whole=True)
    if typed is not None and not _may_be_date_numbers(raw.name, known, kinds, base, options):
        return Draft(held, replace(base, form=typed))
    texts = ListTexts([None if value is None else name_of(value) for value in values])
    return replace(text_draft(Raw(raw.name, texts), texts, base, options), raw=held)


def _one_type(kinds: set[type], known: list[Scalar]) -> NumberForm | DateForm | BooleanForm | None:
    """The form of values of one type, or of none; None for texts, mixtures and inexact numbers."""
    if kinds == {bool}:
        return BooleanForm()
    if kinds == {Moment}:
        return DateForm()
    if kinds == {Clock}:
        return TIME_OF_DAY
    if kinds == {Duration}:
        return DURATION
    if not kinds <= {int, float}:
        return None
    whole = kinds == {int}
    inexact = whole and any(is_inexact(value) for value in known if isinstance(value, int))
    return None if inexact else NumberForm(whole=whole)


def _may_be_date_numbers(
    name: str, known: list[Scalar], kinds: set[type], base: ColumnForm, options: ReadOptions
) -> bool:
    numbers = [value for value in known if isinstance(value, int)]
    if kinds != {int} or not numbers:
        return False
    return _asks_for_dates(name, base, options, min(numbers), max(numbers))


def is_inexact(value: int) -> bool:
    """Whether float64 rounds the whole number."""
    try:
        return int(float(value)) != value
    except OverflowError:
        return False
