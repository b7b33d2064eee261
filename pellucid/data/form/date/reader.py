"""Readers of dates: functions from a text to seconds, by a regular expression and arithmetic."""

import re
import unicodedata
from collections.abc import Callable
from datetime import date, datetime
from functools import lru_cache

from pellucid.data.form.date.names import months_in, weekdays
from pellucid.data.form.date.pattern import expression
from pellucid.data.form.date.special import DAY, SPECIAL, Special

ISO = "%Y-%m-%d[ %H:%M[:%S][%z]]"
"""ISO 8601: year-month-day, with or without a time and a time zone."""

PIVOT = 69
"""The least two-digit year of the 20th century, as in POSIX: 69 is 1969, and 68 is 2068."""

EPOCH = date(1970, 1, 1).toordinal()
"""The number of 1970-01-01 among the days of the calendar."""

END = (date.max.toordinal() - EPOCH + 1) * DAY
"""The end of the year 9999, in seconds since 1970-01-01."""

_PLAIN_ISO = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[ T][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?)?"
)

Read = Callable[[str], float | None]
Parts = tuple[str | None, ...]
Days = Callable[[Parts], int | None]


@lru_cache(maxsize=4096)
def reader(pattern: str, languages: tuple[str, ...], pivot: int) -> Read:
    """The function that reads texts of a pattern, or of a name of `SPECIAL`; see `DateForm.read`."""
    if pattern in SPECIAL:
        read = _special_reader(SPECIAL[pattern])
        return _duration_reader(read) if SPECIAL[pattern].duration else read
    read = _pattern_reader(pattern, languages, pivot)
    return _iso_reader(read) if pattern == ISO else read


def _duration_reader(other: Read) -> Read:
    """The reader of durations: `P0DT4H30M` of ISO 8601, as JSON holds them, and others by `other`."""
    iso = _special_reader(SPECIAL["duration ISO 8601"])

    def read(text: str) -> float | None:
        return iso(text) if text.lstrip("+-\u2212").startswith("P") else other(text)

    return read


def _iso_reader(other: Read) -> Read:
    """The reader of ISO: plain texts by the standard library, which is faster, and others by `other`."""
    plain = _PLAIN_ISO.fullmatch

    def read(text: str) -> float | None:
        if plain(text) is None:
            return other(text)
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            return other(text)
        clock = moment.hour * 3600 + moment.minute * 60 + moment.second
        return (moment.toordinal() - EPOCH) * DAY + clock

    return read


def _pattern_reader(pattern: str, languages: tuple[str, ...], pivot: int) -> Read:
    regular, places = expression(pattern)
    day = _day_reader(places, languages, pivot)
    clock = _clock_reader(places)
    weekday = _name_check(places, languages)
    match = regular.fullmatch

    def read(text: str) -> int | None:
        fit = match(text if text.isascii() else unicodedata.normalize("NFC", text))
        if fit is None:
            return None
        parts = fit.groups()
        if weekday is not None and not weekday(parts):
            return None
        try:
            days = day(parts) if day else 0
            if days is None:
                return None
            seconds = days * DAY + clock(parts)
        except (ValueError, KeyError):
            return None
        if day is None:
            return seconds % DAY
        return seconds if seconds < END else None

    return read


def _special_reader(special: Special) -> Read:
    match: Callable[[str], re.Match[str] | None] = special.expression.fullmatch

    def read(text: str) -> float | None:
        fit = match(text)
        return None if fit is None else special.read(fit.groups())

    return read


def _day_reader(places: dict[str, int], languages: tuple[str, ...], pivot: int) -> Days | None:
    """The function from groups to days since 1970-01-01; None where the pattern has no date."""
    if "G" in places:
        return _week_reader(places)
    if "Y" not in places and "y" not in places:
        return None
    year = _year_reader(places, pivot)
    if "j" in places:
        return _ordinal_reader(year, places["j"])
    month = _month_reader(places, languages)
    if "d" not in places:
        return lambda parts: date(year(parts), month(parts), 1).toordinal() - EPOCH
    day = places["d"]
    if "Y" in places and "m" in places:
        y, m = places["Y"], places["m"]
        return _numbers_reader(y, m, day)
    return lambda parts: date(year(parts), month(parts), int(parts[day] or 0)).toordinal() - EPOCH


def _numbers_reader(year: int, month: int, day: int) -> Days:
    """The reader of a year of four digits, a month and a day; most wrong ones have a month above 12."""

    def days(parts: Parts) -> int | None:
        number = int(parts[month] or 0)
        if number > 12:
            return None
        return date(int(parts[year] or 0), number, int(parts[day] or 0)).toordinal() - EPOCH

    return days


def _week_reader(places: dict[str, int]) -> Days:
    year, week, weekday = places["G"], places["V"], places.get("u")

    def days(parts: Parts) -> int:
        which = 1 if weekday is None else int(parts[weekday] or 1)
        return (
            date.fromisocalendar(int(parts[year] or 0), int(parts[week] or 0), which).toordinal()
            - EPOCH
        )

    return days


def _ordinal_reader(year: Callable[[Parts], int], place: int) -> Days:
    def days(parts: Parts) -> int:
        first = date(year(parts), 1, 1)
        number = int(parts[place] or 0)
        length = date(first.year, 12, 31).toordinal() - first.toordinal() + 1
        if not 1 <= number <= length:
            raise ValueError("no such day of the year")
        return first.toordinal() - EPOCH + number - 1

    return days


def _year_reader(places: dict[str, int], pivot: int) -> Callable[[Parts], int]:
    if "Y" in places:
        full = places["Y"]
        return lambda parts: int(parts[full] or 0)
    short = places["y"]

    def year(parts: Parts) -> int:
        number = int(parts[short] or 0)
        return 1900 + number if number >= pivot else 2000 + number

    return year


def _month_reader(places: dict[str, int], languages: tuple[str, ...]) -> Callable[[Parts], int]:
    if "b" in places:
        names, word = months_in(languages), places["b"]
        return lambda parts: names[(parts[word] or "").lower()]
    if "q" in places:
        quarter = places["q"]
        return lambda parts: 3 * int(parts[quarter] or 0) - 2
    if "m" in places:
        number = places["m"]
        return lambda parts: int(parts[number] or 0)
    return lambda parts: 1


def _clock_reader(places: dict[str, int]) -> Callable[[Parts], int]:
    """The function from groups to seconds since midnight; a missing part is 0."""
    if "H" not in places and "I" not in places:
        return lambda parts: 0
    hour = places["H"] if "H" in places else places["I"]
    minute, second, half = places.get("M"), places.get("S"), places.get("p")

    def seconds(parts: Parts) -> int:
        hours = int(parts[hour] or 0)
        rest = int(parts[minute] or 0) * 60 if minute is not None else 0
        if second is not None:
            rest += int(parts[second] or 0)
        if half is not None and parts[half] is not None:
            hours = hours % 12 + (12 if parts[half] in ("p", "P") else 0)
        elif hours == 24 and rest:
            raise ValueError("24:00 is the end of the day")
        return hours * 3600 + rest

    return seconds


def _name_check(
    places: dict[str, int], languages: tuple[str, ...]
) -> Callable[[Parts], bool] | None:
    """Whether the name of the weekday is one of the languages, where the pattern has one."""
    if "a" not in places:
        return None
    names = frozenset(name for language in languages for name in weekdays(language))
    place = places["a"]
    return lambda parts: parts[place] is None or (parts[place] or "").lower() in names
