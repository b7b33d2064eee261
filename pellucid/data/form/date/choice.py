"""The choice between the ways in which the dates of a column may be written."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pellucid.data.form.date.form import DateForm
from pellucid.data.form.date.layout import is_rare
from pellucid.data.form.date.names import LANGUAGES, knowing, months, weekdays
from pellucid.data.form.date.reader import ISO, PIVOT
from pellucid.data.form.date.tally import Tally
from pellucid.data.form.date.times import merged
from pellucid.data.note import counted

_DURATIONS = (
    "duration length elapsed runtime lap laps uptime pace split splits took delay worked dauer "
    "durée duración durata duur"
)
DURATION_WORDS = frozenset(_DURATIONS.split())
"""Words in the name of a column that say that H:M:S is a duration."""

_BIRTHS = (
    "birth births birthday birthdate dob born geburtsdatum geburtstag geboren naissance nacimiento"
)
BIRTH_WORDS = frozenset(_BIRTHS.split())
"""Words in the name of a column that say that its dates are those of births."""

_BIRTH_PIVOT = 30
"""Two-digit years of births from 30 on are 19xx, as in Excel."""

_TIED_STEPS = 4
"""The fewest steps between texts from which the order of the rows is evidence."""

_STRAY_STEPS = 0.02
"""The share of steps back with which rows are still in order of time."""

_SHORT = 6 * 3600
"""Times of day that are all before 6:00, some of them before 1:00, are durations."""

_CERTAIN_SHARE = 0.95
"""The share of the texts that fit one order only with which that order is certain."""

_HOUR = 3600
_HALF_DAY = 12 * _HOUR
_YEAR = 366 * 24 * _HOUR
_ISO = re.compile(r"%Y-%m-%d(?:\[?[ T]%H:%M(?::%S|\[:%S\])?(?:%z|\[%z\])?\]?)?")
_COMPACT = re.compile("(?:%[Ymd])+")
_CLOCKS = ("", "duration h:m:s", "duration m:s", "duration days h:m:s", "duration units")
_YEARS_LIKE_DAYS = (978_307_200, 1_956_528_000)
"""2001-01-01 and 2032-01-01: two-digit years between them may be days."""


@dataclass(frozen=True)
class Choice:
    """The form chosen, the tally of its date, the rows that it reads, and why."""

    form: DateForm
    tally: Tally
    rows: int
    certain: bool
    evidence: str


def choose(tallies: Mapping[str, Tally], name: str, order: str) -> Choice | None:
    """The form that reads most rows; None where no text is a date.

    name: the name of the column. order: "day first", "month first" or "".
    """
    candidates = [tally for tally in tallies.values() if tally.rows and _allowed(tally, order)]
    if not candidates:
        return None
    most = max(tally.rows for tally in candidates)
    equal = [tally for tally in candidates if tally.rows == most]
    equal.sort(key=lambda tally: _rank(tally, name))
    rivals = [tally for tally in equal[1:] if not is_rare(tally.date)]
    if rivals:
        tally, certain, evidence = _untied(equal[0], rivals, name)
    else:
        tally = equal[0]
        certain, evidence = _settled(tally, candidates)
    if order and _is_numeric(tally.date):
        certain, evidence = True, f"it was set that the {order.removesuffix(' first')} comes first"
    doubt = _doubt(tally)
    if doubt:
        certain, evidence = False, doubt
    languages, named_rows = _languages(tally)
    pattern, timed_rows = merged(tally.date, tally.times)
    pivot = _BIRTH_PIVOT if BIRTH_WORDS & set(words_of(name)) else PIVOT
    form = DateForm(ISO if _ISO.fullmatch(pattern) else pattern, languages, pivot)
    return Choice(form, tally, min(named_rows, timed_rows), certain, evidence)


def _allowed(tally: Tally, order: str) -> bool:
    """Whether the way of writing fits the order that was set, and is one of several parts."""
    if tally.date == "duration units":
        return tally.words > 1
    if tally.date == "duration days h:m:s":
        return tally.colons != {0}
    if _COMPACT.fullmatch(tally.date) and not tally.is_plausible:
        return False
    if order and _is_numeric(tally.date):
        return _day_first(tally.date) == (order == "day first")
    return True


def _is_numeric(date: str) -> bool:
    """Whether day and month are numbers whose order is open."""
    return "%d" in date and "%m" in date and not date.startswith(("%Y", "%y"))


def _day_first(date: str) -> bool:
    return date.find("%d") < date.find("%m")


def _rank(tally: Tally, name: str) -> int:
    """The order in which ways of writing are preferred where nothing else decides."""
    date = tally.date
    if date in _CLOCKS:
        return _clock_rank(tally, name)
    if is_rare(date):
        return 9
    if date.startswith(("%y", "unix")):
        return 5
    slashed = "/" in date
    return int(_day_first(date) == slashed) if _is_numeric(date) else 0


def _clock_rank(tally: Tally, name: str) -> int:
    if tally.date == "":
        is_named = bool(DURATION_WORDS & set(words_of(name)))
        return 8 if is_named or _is_short(tally) else 0
    if tally.date == "duration m:s" and tally.colons == {1, 2}:
        return 1
    return 1 + _CLOCKS.index(tally.date)


def _is_short(tally: Tally) -> bool:
    """Whether times are those of short durations rather than of a day: all early, some before 1:00."""
    return tally.lowest < _HOUR and tally.highest < _SHORT and tally.distinct > 2


def _has_noon(tally: Tally) -> bool:
    return any("%p" in time for time, _ in tally.times)


def words_of(name: str) -> list[str]:
    """The words of a column's name, lower-case: "startTime_utc" is start, time, utc."""
    parts = re.sub(r"(?<=[^\W\d_A-Z])(?=[A-Z])", " ", name)
    return [word.lower() for word in re.findall(r"[^\W\d_]+", parts)]


def _untied(first: Tally, rivals: Sequence[Tally], name: str) -> tuple[Tally, bool, str]:
    """The best of ways that read as many rows; whether that is certain; and what decided."""
    if first.date in _CLOCKS:
        return _clock(first, name)
    if first.date.startswith("%d.%m."):
        # No country writes the month first with points, so an order of the rows is chance.
        rivals = [tally for tally in rivals if not tally.date.startswith("%m.")]
        if not rivals:
            return (
                first,
                False,
                "no text has a day above 12, and before a point the day comes first",
            )
    ordered = _in_order([first, *rivals])
    if ordered is not None:
        others = max(tally.back for tally in (first, *rivals) if tally is not ordered)
        steps = counted(ordered.steps, "step")
        return (
            ordered,
            False,
            f"the rows are in order of time if {_reading(ordered.date)} "
            f"({ordered.back:,} of {steps} go back, and {others:,} in another order)",
        )
    even = _even([first, *rivals])
    if even is not None:
        return even, False, f"the rows are evenly spaced in time if {_reading(even.date)}"
    monthly = _monthly([first, *rivals])
    if monthly is not None:
        first_days = f"each date is the first of a month if {_reading(monthly.date)}"
        return monthly, False, first_days
    narrow = _narrowest([first, *rivals])
    if narrow is not None:
        return narrow, False, f"the dates lie closest together if {_reading(narrow.date)}"
    rule = "after '/' the month is taken to come first" if "/" in first.date else ""
    rule = rule or f"{_reading(first.date)} unless something speaks against it"
    return first, False, f"no text has a day above 12, and {rule}"


def _clock(first: Tally, name: str) -> tuple[Tally, bool, str]:
    if not first.date:
        return first, True, "every hour is below 24"
    words = [word for word in words_of(name) if word in DURATION_WORDS]
    if words and first.highest < 2 * _HALF_DAY:
        return first, True, f"the column's name says '{words[0]}'"
    if first.date == "duration m:s":
        return first, True, "some texts have hours, and some minutes and seconds only"
    if first.highest < _SHORT:
        return first, False, "every hour is below 6, and some are 0, so they seem to be durations"
    certain = first.colons != {1}
    return first, certain, "some hours are above 23" + ("" if certain else ", or are minutes")


def _in_order(tallies: Sequence[Tally]) -> Tally | None:
    """The only reading in which the rows are in order of time; None where there is no such one."""
    fewest = min(tally.back for tally in tallies)
    best = [tally for tally in tallies if tally.back == fewest]
    if len(best) > 1 or best[0].steps < _TIED_STEPS:
        return None
    return best[0] if fewest <= _STRAY_STEPS * best[0].steps else None


def _even(tallies: Sequence[Tally]) -> Tally | None:
    """The only reading in which nearly all moments, with times of day, are equally far apart."""
    most = max(tally.even for tally in tallies)
    best = [tally for tally in tallies if tally.even == most]
    timed = any(time for time, _ in best[0].times)
    if len(best) > 1 or not timed or best[0].steps < _TIED_STEPS:
        return None
    return best[0] if best[0].steps - most <= _STRAY_STEPS * best[0].steps else None


def _monthly(tallies: Sequence[Tally]) -> Tally | None:
    """The only reading in which the dates are first days of months, in more than a year."""
    years = [tally for tally in tallies if tally.highest - tally.lowest > _YEAR]
    monthly = [tally for tally in years if tally.firsts == tally.texts]
    return monthly[0] if len(monthly) == 1 and monthly[0].texts > _TIED_STEPS else None


def _narrowest(tallies: Sequence[Tally]) -> Tally | None:
    """The reading with the year elsewhere than in the first whose dates span a quarter of the time."""
    spans = sorted(tallies, key=lambda tally: tally.highest - tally.lowest)
    year_first = {tally.date.startswith("%y") for tally in tallies}
    if len(year_first) < 2:
        return None
    best = spans[0]
    if not best.date.startswith("%y"):
        return None
    other = min(t.highest - t.lowest for t in tallies if not t.date.startswith("%y"))
    return best if 4 * (best.highest - best.lowest) <= other else None


def _settled(tally: Tally, candidates: Sequence[Tally]) -> tuple[bool, str]:
    """Whether the way that reads most rows is certain, and the texts that show it."""
    rivals = [other for other in candidates if other is not tally and not is_rare(other.date)]
    related = [other for other in rivals if _related(other.date, tally.date)]
    if not related:
        return True, f"no other form fits its {counted(tally.texts, 'different text')}"
    other = max(related, key=lambda rival: rival.only)
    certain = tally.only >= _CERTAIN_SHARE * (tally.only + other.only)
    if tally.date in _CLOCKS:
        wrong = "a time of day" if tally.date else "a duration"
        return certain, f"{counted(tally.only, 'different text')} cannot be {wrong}"
    texts = counted(tally.texts + other.only, "different text")
    verb = "fits" if tally.only == 1 else "fit"
    evidence = f"{tally.only:,} of {texts} {verb} only if {_reading(tally.date)}"
    if other.only:
        evidence += f", and {other.only:,} only if {_reading(other.date)}"
    return certain, evidence


def _related(date: str, other: str) -> bool:
    """Whether two ways read the same texts in another order, or as durations."""
    if date in _CLOCKS or other in _CLOCKS:
        return date in _CLOCKS and other in _CLOCKS
    return _marks(date) == _marks(other)


def _marks(date: str) -> str:
    return re.sub(r"%[A-Za-z]", "%", date)


def _reading(date: str) -> str:
    """What comes first in the pattern: "the day comes first"."""
    first = re.sub(r"%a\W*", "", date)[:2]
    names = {"%d": "day", "%m": "month", "%b": "month", "%Y": "year", "%y": "year"}
    return f"the {names.get(first, 'date')} comes first"


def _languages(tally: Tally) -> tuple[tuple[str, ...], int]:
    """The languages that have all names of the column, or most rows of it, and the rows read."""
    if not tally.names:
        return (), tally.rows
    all_months = frozenset(word for words, _ in tally.names for word in words)
    all_weekdays = frozenset(word for _, words in tally.names for word in words)
    languages = knowing(all_months, all_weekdays)
    if languages:
        return languages, tally.rows
    rows = {language: _rows_in(tally, language) for language in LANGUAGES}
    best = max(LANGUAGES, key=lambda language: rows[language])
    return (best,), rows[best]


def _rows_in(tally: Tally, language: str) -> int:
    return sum(
        count
        for (month_words, weekday_words), count in tally.names.items()
        if month_words <= months(language).keys() and weekday_words <= weekdays(language).keys()
    )


def _doubt(tally: Tally) -> str:
    """What is in doubt besides the order of day and month; "" for nothing."""
    if tally.date == "":
        short = tally.lowest < _HOUR and tally.highest < _HALF_DAY and not _has_noon(tally)
        return "every hour is below 12, so they may be durations as well" if short else ""
    if "%b" in tally.date and "%y" in tally.date and not re.search("%d|'", tally.date):
        low, high = _YEARS_LIKE_DAYS
        days = low <= tally.lowest and tally.highest < high
        return "the number beside the month is taken for a year, not for a day" if days else ""
    return ""
