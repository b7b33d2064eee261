"""The form of a column of dates, times of day or durations."""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any, Literal

from pellucid.data import checked
from pellucid.data.form.date_names import LANGUAGES, months_in, weekdays
from pellucid.data.form.date_pattern import (
    PatternError,
    canonical,
    described,
    expression,
    tokens,
)
from pellucid.data.form.date_special import DAY, SPECIAL, Special
from pellucid.errors import DataError, ModelFileError

ISO = "%Y-%m-%d[ %H:%M[:%S][%z]]"
"""ISO 8601: year-month-day, with or without a time and a time zone."""

ORDERS = ("day first", "month first")
"""What a user can say instead of a pattern."""

PIVOT = 69
"""The least two-digit year of the 20th century, as in POSIX: 69 is 1969, and 68 is 2068."""

_EPOCH = date(1970, 1, 1).toordinal()
_END = (date.max.toordinal() - _EPOCH + 1) * DAY

_PLAIN_ISO = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[ T][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?)?"
)

Read = Callable[[str], float | None]
Parts = tuple[str | None, ...]
Days = Callable[[Parts], int | None]


@dataclass(frozen=True)
class DateForm:
    """How a column writes its dates, times of day or durations.

    pattern:   `strptime` directives with brackets around what may be missing ("%d.%m.%Y[ %H:%M]"), or
               a name of `SPECIAL` ("unix seconds", "duration h:m:s").
    languages: those whose names of months and weekdays are read; none where the pattern has no names.
    pivot:     two-digit years from it on are 19xx, others 20xx.
    """

    pattern: str = ISO
    languages: tuple[str, ...] = ()
    pivot: int = PIVOT

    @property
    def kind(self) -> Literal["date", "time", "duration"]:
        """What is read: dates, with or without a time; times of day alone; or durations."""
        if self.pattern in SPECIAL:
            return "duration" if SPECIAL[self.pattern].duration else "date"
        letters = {token.directive for token in tokens(self.pattern)}
        return "date" if letters & frozenset("YyG") else "time"

    @property
    def read(self) -> Read:
        """The function that reads a stripped text; it returns None for what the form does not read.

        A date is whole seconds since 1970-01-01 of the wall clock: fractions of a second and time
        zones are dropped, and the local time kept, for the years 1 to 9999. A time of day is
        seconds since midnight. A duration is seconds, with their fraction. Missing leading zeros
        are accepted, any run of spaces for a space, and `T` or a space before the time.
        24:00 is midnight at the end of the day.
        """
        return _reader(self.pattern, self.languages, self.pivot)

    def describe(self) -> str:
        """The form in plain words: "dates written day.month.year, hours:minutes"."""
        if self.pattern in SPECIAL:
            return SPECIAL[self.pattern].words
        if self.pattern == ISO:
            return "dates written year-month-day"
        names = ""
        if self.languages and "English" not in self.languages:
            names = f", with {' or '.join(self.languages[:3])} names"
        what = "times of day" if self.kind == "time" else "dates"
        return f"{what} written {described(self.pattern)}{names}"

    def to_json(self) -> dict[str, Any]:
        """The form as plain JSON, for `date_form_from_json`."""
        return {
            "form": "date",
            "pattern": self.pattern,
            "languages": list(self.languages),
            "pivot": self.pivot,
        }


def date_form_from_json(value: object, where: str) -> DateForm:
    """The form from its JSON; anything else raises `ModelFileError`."""
    entries = checked.record(value, where, ("form", "pattern", "languages", "pivot"))
    if entries["form"] != "date":
        raise checked.refuse(f"{where}.form", "'date'", entries["form"])
    pattern = checked.text(entries["pattern"], f"{where}.pattern")
    languages = checked.texts(entries["languages"], f"{where}.languages")
    pivot = checked.whole(entries["pivot"], f"{where}.pivot")
    if not set(languages) <= set(LANGUAGES):
        raise checked.refuse(f"{where}.languages", f"some of {list(LANGUAGES)}", list(languages))
    if pivot > 100:
        raise checked.refuse(f"{where}.pivot", "at most 100", pivot)
    if pattern not in SPECIAL:
        try:
            tokens(pattern)
        except PatternError as error:
            raise ModelFileError(
                f"the preparation is damaged: {where}.pattern is no pattern of dates: {error}"
            ) from error
    return DateForm(pattern, languages, pivot)


def wish(text: str) -> str:
    """What a user says about dates, in the words that are known: "Day-First" is "day first"."""
    words = " ".join(re.split(r"[\s_-]+", text.strip()))
    known = {name.lower(): name for name in (*ORDERS, *SPECIAL)}
    return known.get(words.lower(), text)


def named_form(pattern: str) -> DateForm:
    """The form of a `strptime` pattern, or of a name of `SPECIAL`, as a user writes it.

    Names of months are read in every known language. Raises `DataError` for what is no pattern.
    """
    if pattern in SPECIAL:
        return DateForm(pattern)
    try:
        written = canonical(pattern)
        letters = {token.directive for token in tokens(written)}
    except PatternError as error:
        raise DataError(
            f"'{pattern}' is no format of dates: {error}. Give 'day first', 'month first', or a "
            "pattern of directives such as '%d/%m/%Y' or '%Y-%m-%d %H:%M:%S'."
        ) from error
    return DateForm(written, LANGUAGES if letters & {"a", "b"} else ())


@lru_cache(maxsize=4096)
def _reader(pattern: str, languages: tuple[str, ...], pivot: int) -> Read:
    if pattern in SPECIAL:
        return _special_reader(SPECIAL[pattern])
    read = _pattern_reader(pattern, languages, pivot)
    return _iso_reader(read) if pattern == ISO else read


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
        return (moment.toordinal() - _EPOCH) * DAY + clock

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
        return seconds if seconds < _END else None

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
        return lambda parts: date(year(parts), month(parts), 1).toordinal() - _EPOCH
    day = places["d"]
    if "Y" in places and "m" in places:
        y, m = places["Y"], places["m"]
        return _numbers_reader(y, m, day)
    return lambda parts: date(year(parts), month(parts), int(parts[day] or 0)).toordinal() - _EPOCH


def _numbers_reader(year: int, month: int, day: int) -> Days:
    """The reader of a year of four digits, a month and a day; most wrong ones have a month above 12."""

    def days(parts: Parts) -> int | None:
        number = int(parts[month] or 0)
        if number > 12:
            return None
        return date(int(parts[year] or 0), number, int(parts[day] or 0)).toordinal() - _EPOCH

    return days


def _week_reader(places: dict[str, int]) -> Days:
    year, week, weekday = places["G"], places["V"], places.get("u")

    def days(parts: Parts) -> int:
        which = 1 if weekday is None else int(parts[weekday] or 1)
        return (
            date.fromisocalendar(int(parts[year] or 0), int(parts[week] or 0), which).toordinal()
            - _EPOCH
        )

    return days


def _ordinal_reader(year: Callable[[Parts], int], place: int) -> Days:
    def days(parts: Parts) -> int:
        first = date(year(parts), 1, 1)
        number = int(parts[place] or 0)
        length = date(first.year, 12, 31).toordinal() - first.toordinal() + 1
        if not 1 <= number <= length:
            raise ValueError("no such day of the year")
        return first.toordinal() - _EPOCH + number - 1

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
