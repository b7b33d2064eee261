"""Numbers that stand for dates, and durations.

Dates:      seconds, milli-, micro- or nanoseconds since 1970-01-01 (Unix) from 1971 to 5138, and
            days since 1899-12-30 (Excel).
Durations:  1:23:45 (hours, minutes, seconds; hours may exceed 24), 59:12 (minutes and seconds),
            `3 days 04:05:06`, `1h 30m`, and ISO 8601 such as P3DT4H, all read as seconds.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

DAY = 86_400
EARLIEST = 31_536_000
"""The least Unix time that is read, 1971-01-01: smaller numbers, 0 and -1, stand for no date."""

UNIX = {"seconds": 0, "milliseconds": 3, "microseconds": 6, "nanoseconds": 9}
"""The units of Unix time, and the zeros of the number of them in a second."""

_EXCEL_EPOCH = 25_569
_FIRST_EXCEL_DAY, _LAST_EXCEL_DAY = 61, 2_958_466
_SECONDS = r"([0-5]?[0-9](?:[.,][0-9]+)?)"
_CLOCK = rf"([0-9]{{1,7}}):([0-5][0-9])(?::{_SECONDS})?"


@dataclass(frozen=True)
class Special:
    """A way of writing that is no pattern: its regular expression, its reader and its description."""

    expression: re.Pattern[str]
    read: Callable[[tuple[str | None, ...]], float | None]
    words: str
    duration: bool = False


def _value(text: str | None) -> float:
    return float(text.replace(",", ".")) if text else 0.0


def _unix(per_second: int) -> Callable[[tuple[str | None, ...]], int | None]:
    """The reader of Unix time in units of which a second has so many."""

    def read(parts: tuple[str | None, ...]) -> int | None:
        seconds = int(parts[0] or 0) // per_second
        return seconds if seconds >= EARLIEST else None

    return read


def _excel(parts: tuple[str | None, ...]) -> int | None:
    """Days since 1899-12-30, from 1900-03-01 on: Excel counts a 29 February 1900 that never was."""
    days = _value(parts[0])
    if not _FIRST_EXCEL_DAY <= days < _LAST_EXCEL_DAY:
        return None
    return round((days - _EXCEL_EPOCH) * DAY)


def _signed(sign: str | None, seconds: float) -> float:
    return -seconds if sign in ("-", "\u2212") else seconds


def _hours(parts: tuple[str | None, ...]) -> float:
    sign, hours, minutes, seconds = parts
    return _signed(sign, _value(hours) * 3600 + _value(minutes) * 60 + _value(seconds))


def _minutes(parts: tuple[str | None, ...]) -> float:
    sign, hours, part, minutes, seconds = parts
    whole = _value(hours) * 3600 + _value(part) * 60 + _value(minutes) * 60
    return _signed(sign, whole + _value(seconds))


def _days(parts: tuple[str | None, ...]) -> float | None:
    """Days and a time of their own signs: -1 day, 23:59:59 is one second below 0."""
    day_sign, days, sign, hours, minutes, seconds = parts
    if days is None and hours is None:
        return None
    if days is None:
        return _hours((day_sign or sign, hours, minutes, seconds))
    return _signed(day_sign, _value(days) * DAY) + _hours((sign, hours, minutes, seconds))


def _units(parts: tuple[str | None, ...]) -> float | None:
    sign, days, hours, minutes, seconds = parts
    if not any(parts[1:]):
        return None
    return _signed(sign, _value(days) * DAY + _hours(("", hours, minutes, seconds)))


def _iso(parts: tuple[str | None, ...]) -> float | None:
    """Weeks to seconds; None for years and months, unless there are 0, because their lengths differ."""
    sign, years, months, weeks, *rest = parts
    if not any(parts[1:]) or _value(years) or _value(months):
        return None
    seconds = _units(("", *rest)) or 0.0
    return _signed(sign, _value(weeks) * 7 * DAY + seconds)


_NUMBER = r"([0-9]+(?:[.,][0-9]+)?)"
_SIGN = "([+\u2212-])?"

SPECIAL = {
    **{
        f"unix {unit}": Special(
            re.compile(rf"([0-9]{{8,{11 + zeros}}})(?:\.[0-9]+)?"),
            _unix(10**zeros),
            f"dates in {unit} since 1970-01-01",
        )
        for unit, zeros in UNIX.items()
    },
    "excel": Special(
        re.compile(r"([0-9]{1,7}(?:[.,][0-9]+)?)"), _excel, "dates as day numbers of Excel"
    ),
    "duration h:m:s": Special(
        re.compile(_SIGN + _CLOCK), _hours, "durations in hours:minutes:seconds", True
    ),
    "duration m:s": Special(
        re.compile(rf"{_SIGN}(?:([0-9]{{1,7}}):([0-5][0-9])|([0-9]{{1,7}})):{_SECONDS}"),
        _minutes,
        "durations in minutes:seconds",
        True,
    ),
    "duration days h:m:s": Special(
        re.compile(
            rf"{_SIGN}(?:([0-9]{{1,7}})\s*(?:days?|d)(?![^\W\d]),?\s*)?(?:{_SIGN}{_CLOCK})?",
            re.IGNORECASE,
        ),
        _days,
        "durations in days and hours:minutes:seconds",
        True,
    ),
    "duration units": Special(
        re.compile(
            rf"{_SIGN}(?:{_NUMBER}\s*(?:days?|d)(?![^\W\d]),?\s*)?"
            rf"(?:{_NUMBER}\s*(?:hours?|hrs?|h)(?![^\W\d]),?\s*)?"
            rf"(?:{_NUMBER}\s*(?:minutes?|mins?|m)(?![^\W\d]),?\s*)?"
            rf"(?:{_NUMBER}\s*(?:seconds?|secs?|s))?",
            re.IGNORECASE,
        ),
        _units,
        "durations in days, hours, minutes and seconds",
        True,
    ),
    "duration ISO 8601": Special(
        re.compile(
            rf"{_SIGN}P(?:{_NUMBER}Y)?(?:{_NUMBER}M)?(?:{_NUMBER}W)?(?:{_NUMBER}D)?"
            rf"(?:T(?=[0-9])(?:{_NUMBER}H)?(?:{_NUMBER}M)?(?:{_NUMBER}S)?)?"
        ),
        _iso,
        "durations of ISO 8601",
        True,
    ),
}
"""The ways of writing that are no patterns, by the names that stand for them in a form."""
