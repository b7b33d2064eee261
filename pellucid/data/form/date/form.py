"""The form of a column of dates, times of day or durations."""

import re
from dataclasses import dataclass, replace
from typing import Any, Literal

from pellucid.data import checked
from pellucid.data.form.date.names import LANGUAGES
from pellucid.data.form.date.pattern import PatternError, canonical, described, tokens
from pellucid.data.form.date.reader import ISO, PIVOT, Read, reader
from pellucid.data.form.date.special import SPECIAL
from pellucid.errors import DataError, ModelFileError

ORDERS = ("day first", "month first")
"""What a user can say instead of a pattern."""


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
        return reader(self.pattern, self.languages, self.pivot)

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

    def asked(self, text: str) -> "DateForm":
        """The form that a user asks for in place of this one.

        text: a pattern, or "day first" or "month first", which exchange day and month where the year
              does not come first. `DataError` for anything else.
        """
        wanted = wish(text)
        if wanted not in ORDERS:
            return named_form(wanted)
        day, month = self.pattern.find("%d"), self.pattern.find("%m")
        year = max(self.pattern.find("%Y"), self.pattern.find("%y"))
        if min(day, month) < 0 or year < min(day, month) or (day < month) == (wanted == ORDERS[0]):
            return self
        exchanged = {"%d": "%m", "%m": "%d"}
        pattern = re.sub("%[dm]", lambda match: exchanged[match.group()], self.pattern)
        return replace(self, pattern=pattern)

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
