"""Typed values by the form of a column, one by one: no value depends on others."""

import math
from collections.abc import Hashable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from numbers import Integral, Real
from typing import Any

import numpy as np

from pellucid.data.form.boolean import BooleanForm
from pellucid.data.form.column import Form
from pellucid.data.form.date.form import DateForm
from pellucid.data.form.number.form import NumberForm
from pellucid.data.form.text import TextForm, number_name


@dataclass(frozen=True)
class Moment:
    """A date and time: seconds since 1970-01-01 in local time."""

    seconds: int

    def __str__(self) -> str:
        return str(np.datetime64(self.seconds, "s")).removesuffix("T00:00:00")


@dataclass(frozen=True)
class Clock:
    """A time of day: seconds since midnight."""

    seconds: int

    def __str__(self) -> str:
        return str(np.datetime64(self.seconds, "s")).partition("T")[2]


@dataclass(frozen=True)
class Duration:
    """A duration in seconds."""

    seconds: float

    def __str__(self) -> str:
        return str(timedelta(seconds=self.seconds))


Scalar = str | bool | int | float | Moment | Clock | Duration
Value = float | int | str | bool | None


def converted(value: Scalar, form: Form) -> Value:
    """The value as the form holds it; None where it does not fit.

    A text is read. True is 1 for numbers, and the level that says so for texts; a number is the level
    of that name or value. A number is true or false if it is 1 or 0, and a date if it is written as
    the form writes dates.
    """
    match form:
        case NumberForm():
            return _as_number(value, form)
        case TextForm():
            return _as_text(value, form)
        case BooleanForm():
            return _as_boolean(value, form)
        case DateForm():
            return _as_date(value, form)


def _as_number(value: Scalar, form: NumberForm) -> float | None:
    if isinstance(value, str):
        return form.read(value)
    if isinstance(value, Duration):
        return value.seconds
    if isinstance(value, Moment | Clock):
        return None
    try:
        return float(value)
    except OverflowError:
        return math.copysign(math.inf, value)


def _as_text(value: Scalar, form: TextForm) -> str | None:
    if isinstance(value, str):
        return form.read(value)
    if isinstance(value, bool):
        return form.read_boolean(value)
    return form.read_number(value) if isinstance(value, int | float) else str(value)


def _as_boolean(value: Scalar, form: BooleanForm) -> bool | None:
    if isinstance(value, str):
        return form.read(value)
    return bool(value) if value in (0, 1) else None


def _as_date(value: Scalar, form: DateForm) -> float | None:
    if isinstance(value, Moment | Clock | Duration):
        kinds = {Moment: "date", Clock: "time", Duration: "duration"}
        return value.seconds if kinds[type(value)] == form.kind else None
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        return form.read(value)
    return float(value) if form.kind == "duration" else form.read(number_name(value))


def scalar(value: Any) -> Scalar | None:
    """A Python object as a plain value; None where it is missing.

    A moment and a time of day keep their local time.
    """
    if isinstance(value, str):
        return value
    if is_missing(value):
        return None
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, np.timedelta64):
        return Duration(float(value / np.timedelta64(1, "s")))
    if isinstance(value, timedelta):
        return Duration(value.total_seconds())
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real) or type(value).__name__ == "Decimal":
        return _number(value)
    if isinstance(value, date | np.datetime64):
        return _moment(value)
    if isinstance(value, time):
        return Clock(3600 * value.hour + 60 * value.minute + value.second)
    if isinstance(value, Moment | Clock | Duration):
        return value
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def name_of(value: Scalar) -> str:
    """The value as a text: 3 for 3.0, True, 2024-01-31, 13:45:00."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return number_name(value)
    return str(value)


def is_missing(value: Any) -> bool:
    """Whether the value is None, NaN, NaT or pandas.NA."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    if isinstance(value, float | np.floating):
        return math.isnan(value)
    if isinstance(value, np.datetime64 | np.timedelta64):
        return bool(np.isnat(value))
    return type(value).__name__ == "Decimal" and bool(value.is_nan())


def key(value: Scalar) -> Hashable:
    """The value with its type: 1, 1.0, True and "1" are different keys."""
    return type(value), value


def _number(value: Any) -> int | float:
    try:
        number = float(value)
    except OverflowError:
        return math.inf
    whole = type(value).__name__ == "Decimal" and value == value.to_integral_value()
    return int(value) if whole and math.isfinite(number) else number


def _moment(value: date | np.datetime64) -> Moment:
    if isinstance(value, datetime):
        value = value.replace(tzinfo=None)
    stamp = np.datetime64(value).astype("datetime64[s]")
    return Moment(int(stamp.astype(np.int64)))
