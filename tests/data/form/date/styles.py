"""Ways to write dates, from numbers alone, for the tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

EPOCH = datetime(1970, 1, 1)
ENGLISH = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
GERMAN = (
    *("Januar", "Februar", "März", "April", "Mai", "Juni"),
    *("Juli", "August", "September", "Oktober", "November", "Dezember"),
)
FRENCH = (
    *("janv.", "févr.", "mars", "avr.", "mai", "juin"),
    *("juil.", "août", "sept.", "oct.", "nov.", "déc."),
)
SPANISH = (
    *("enero", "febrero", "marzo", "abril", "mayo", "junio"),
    *("julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre"),
)
POLISH = (
    *("stycznia", "lutego", "marca", "kwietnia", "maja", "czerwca"),
    *("lipca", "sierpnia", "września", "października", "listopada", "grudnia"),
)
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

Write = Callable[[datetime], str]


@dataclass(frozen=True)
class Style:
    """How a column is written, what of a date it keeps, and the pattern that should be decided."""

    pattern: str
    write: Write
    keeps: Callable[[datetime], datetime]
    short: bool = False


def _day(t: datetime) -> datetime:
    return datetime(t.year, t.month, t.day)


def _month(t: datetime) -> datetime:
    return datetime(t.year, t.month, 1)


def _quarter(t: datetime) -> datetime:
    return datetime(t.year, (t.month - 1) // 3 * 3 + 1, 1)


def _week(t: datetime) -> datetime:
    return _day(t) - timedelta(days=t.weekday())


def _hour(t: datetime) -> datetime:
    return datetime(t.year, t.month, t.day, t.hour)


def _minute(t: datetime) -> datetime:
    return t.replace(second=0, microsecond=0)


def _second(t: datetime) -> datetime:
    return t.replace(microsecond=0)


def _half(t: datetime) -> str:
    return "AM" if t.hour < 12 else "PM"


def _twelve(t: datetime) -> int:
    return (t.hour + 11) % 12 + 1


def _iso_week(t: datetime) -> tuple[int, int, int]:
    """Year, week and weekday by counting from the Thursday of the week, as ISO 8601 defines them."""
    thursday = date(t.year, t.month, t.day) + timedelta(days=3 - t.weekday())
    return thursday.year, (thursday - date(thursday.year, 1, 1)).days // 7 + 1, t.weekday() + 1


def _weeks(t: datetime, day: bool, mark: str) -> str:
    year, week, weekday = _iso_week(t)
    return f"{year:04}{mark}W{week:02}" + (f"{mark}{weekday}" if day else "")


ISO = "%Y-%m-%d[ %H:%M[:%S][%z]]"

STYLES = {
    "iso": Style(ISO, lambda t: f"{t.year:04}-{t.month:02}-{t.day:02}", _day),
    "iso minutes": Style(
        ISO, lambda t: f"{t.year:04}-{t.month:02}-{t.day:02} {t.hour:02}:{t.minute:02}", _minute
    ),
    "iso T": Style(ISO, lambda t: t.isoformat(), _second),
    "iso zone": Style(ISO, lambda t: t.isoformat() + "+02:00", _second),
    "iso Z": Style(ISO, lambda t: t.isoformat(sep=" ", timespec="milliseconds") + "Z", _second),
    "y/m/d": Style("%Y/%m/%d", lambda t: f"{t.year:04}/{t.month:02}/{t.day:02}", _day),
    "y.m.d": Style("%Y.%m.%d", lambda t: f"{t.year:04}.{t.month:02}.{t.day:02}", _day),
    "d.m.y": Style("%d.%m.%Y", lambda t: f"{t.day:02}.{t.month:02}.{t.year:04}", _day),
    "d. m. y": Style("%d.%m.%Y", lambda t: f"{t.day}. {t.month}. {t.year:04}", _day),
    "d.m.yy": Style("%d.%m.%y", lambda t: f"{t.day:02}.{t.month:02}.{t.year % 100:02}", _day, True),
    "d-m-y": Style("%d-%m-%Y", lambda t: f"{t.day:02}-{t.month:02}-{t.year:04}", _day),
    "m/d/y": Style("%m/%d/%Y", lambda t: f"{t.month:02}/{t.day:02}/{t.year:04}", _day),
    "m/d/y bare": Style("%m/%d/%Y", lambda t: f"{t.month}/{t.day}/{t.year:04}", _day),
    "d/m/y": Style("%d/%m/%Y", lambda t: f"{t.day:02}/{t.month:02}/{t.year:04}", _day),
    "d/m/yy": Style("%d/%m/%y", lambda t: f"{t.day:02}/{t.month:02}/{t.year % 100:02}", _day, True),
    "m/d/yy": Style("%m/%d/%y", lambda t: f"{t.month}/{t.day}/{t.year % 100:02}", _day, True),
    "yy-m-d": Style("%y-%m-%d", lambda t: f"{t.year % 100:02}-{t.month:02}-{t.day:02}", _day, True),
    "y-d-m": Style("%Y-%d-%m", lambda t: f"{t.year:04}-{t.day:02}-{t.month:02}", _day),
    "d/m/y h:m": Style(
        "%d/%m/%Y %H:%M",
        lambda t: f"{t.day:02}/{t.month:02}/{t.year:04} {t.hour:02}:{t.minute:02}",
        _minute,
    ),
    "m/d/y AM": Style(
        "%m/%d/%Y %I:%M:%S %p",
        lambda t: (
            f"{t.month}/{t.day}/{t.year:04} {_twelve(t)}:{t.minute:02}:{t.second:02} {_half(t)}"
        ),
        _second,
    ),
    "m/d/y hour AM": Style(
        "%m/%d/%Y %I %p", lambda t: f"{t.month}/{t.day}/{t.year:04} {_twelve(t)}{_half(t)}", _hour
    ),
    "d.m.y h.m": Style(
        "%d.%m.%Y %H.%M",
        lambda t: f"{t.day}.{t.month}.{t.year:04} {t.hour:02}.{t.minute:02}",
        _minute,
    ),
    "h:m d.m.y": Style(
        "%H:%M %d.%m.%Y",
        lambda t: f"{t.hour:02}:{t.minute:02} {t.day:02}.{t.month:02}.{t.year:04}",
        _minute,
    ),
    "d-b-y": Style(
        "%d-%b-%Y", lambda t: f"{t.day:02}-{ENGLISH[t.month - 1][:3]}-{t.year:04}", _day
    ),
    "d-b-yy": Style(
        "%d-%b-%y", lambda t: f"{t.day}-{ENGLISH[t.month - 1][:3]}-{t.year % 100:02}", _day, True
    ),
    "d/b/y": Style("%d/%b/%Y", lambda t: f"{t.day}/{ENGLISH[t.month - 1][:3]}/{t.year:04}", _day),
    "b d, y": Style(
        "%b %d, %Y", lambda t: f"{ENGLISH[t.month - 1][:3]} {t.day}, {t.year:04}", _day
    ),
    "B d y": Style("%b %d, %Y", lambda t: f"{ENGLISH[t.month - 1]} {t.day} {t.year:04}", _day),
    "d B y": Style("%d %b %Y", lambda t: f"{t.day} {ENGLISH[t.month - 1]} {t.year:04}", _day),
    "a d b y": Style(
        "%a %d %b %Y",
        lambda t: f"{WEEKDAYS[t.weekday()]} {t.day} {ENGLISH[t.month - 1][:3]} {t.year:04}",
        _day,
    ),
    "mail": Style(
        "%a %d %b %Y %H:%M:%S%z",
        lambda t: (
            f"{WEEKDAYS[t.weekday()]}, {t.day:02} {ENGLISH[t.month - 1][:3]} {t.year:04} "
            f"{t.hour:02}:{t.minute:02}:{t.second:02} +0200"
        ),
        _second,
    ),
    "log": Style(
        "%d/%b/%Y:%H:%M:%S%z",
        lambda t: (
            f"{t.day:02}/{ENGLISH[t.month - 1][:3]}/{t.year:04}:"
            f"{t.hour:02}:{t.minute:02}:{t.second:02} -0500"
        ),
        _second,
    ),
    "ctime": Style(
        "%a %b %d %H:%M:%S %Y",
        lambda t: (
            f"{WEEKDAYS[t.weekday()]} {ENGLISH[t.month - 1][:3]} {t.day:2} "
            f"{t.hour:02}:{t.minute:02}:{t.second:02} {t.year:04}"
        ),
        _second,
    ),
    "kibana": Style(
        "%b %d, %Y %H:%M:%S",
        lambda t: (
            f"{ENGLISH[t.month - 1][:3]} {t.day}, {t.year:04} @ "
            f"{t.hour:02}:{t.minute:02}:{t.second:02}.000"
        ),
        _second,
    ),
    "db2": Style(
        "%Y-%m-%d-%H.%M.%S",
        lambda t: (
            f"{t.year:04}-{t.month:02}-{t.day:02}-{t.hour:02}.{t.minute:02}.{t.second:02}.000000"
        ),
        _second,
    ),
    "fix": Style(
        "%Y%m%d-%H:%M:%S",
        lambda t: f"{t.year:04}{t.month:02}{t.day:02}-{t.hour:02}:{t.minute:02}:{t.second:02}.000",
        _second,
    ),
    "apostrophe": Style(
        "%b '%y", lambda t: f"{ENGLISH[t.month - 1][:3]} '{t.year % 100:02}", _month, True
    ),
    "sas": Style(
        "%d%b%Y", lambda t: f"{t.day:02}{ENGLISH[t.month - 1][:3].upper()}{t.year:04}", _day
    ),
    "german": Style("%d %b %Y", lambda t: f"{t.day}. {GERMAN[t.month - 1]} {t.year:04}", _day),
    "french": Style("%d %b %Y", lambda t: f"{t.day:02} {FRENCH[t.month - 1]} {t.year:04}", _day),
    "spanish": Style(
        "%d %b %Y", lambda t: f"{t.day} de {SPANISH[t.month - 1]} de {t.year:04}", _day
    ),
    "polish": Style("%d %b %Y", lambda t: f"{t.day} {POLISH[t.month - 1]} {t.year:04}", _day),
    "chinese": Style("%Y年%m月%d日", lambda t: f"{t.year:04}年{t.month}月{t.day}日", _day),
    "yyyymmdd": Style("%Y%m%d", lambda t: f"{t.year:04}{t.month:02}{t.day:02}", _day),
    "basic": Style(
        "%Y%m%dT%H%M%S",
        lambda t: f"{t.year:04}{t.month:02}{t.day:02}T{t.hour:02}{t.minute:02}{t.second:02}",
        _second,
    ),
    "14 digits": Style(
        "%Y%m%d%H%M%S",
        lambda t: f"{t.year:04}{t.month:02}{t.day:02}{t.hour:02}{t.minute:02}{t.second:02}",
        _second,
    ),
    "y-m": Style("%Y-%m", lambda t: f"{t.year:04}-{t.month:02}", _month),
    "m/y": Style("%m/%Y", lambda t: f"{t.month:02}/{t.year:04}", _month),
    "b-y": Style("%b-%Y", lambda t: f"{ENGLISH[t.month - 1][:3]}-{t.year:04}", _month),
    "B y": Style("%b %Y", lambda t: f"{ENGLISH[t.month - 1]} {t.year:04}", _month),
    "week": Style("%G-W%V", lambda t: _weeks(t, False, "-"), _week),
    "week day": Style("%G-W%V-%u", lambda t: _weeks(t, True, "-"), _day),
    "week basic": Style("%GW%V%u", lambda t: _weeks(t, True, ""), _day),
    "ordinal": Style(
        "%Y-%j", lambda t: f"{t.year:04}-{(t - datetime(t.year, 1, 1)).days + 1:03}", _day
    ),
    "quarter": Style("%YQ%q", lambda t: f"{t.year:04}Q{(t.month + 2) // 3}", _quarter),
    "quarter first": Style("Q%q %Y", lambda t: f"Q{(t.month + 2) // 3} {t.year:04}", _quarter),
}
"""The ways, by name; `keeps` says what of a date they keep."""


def seconds(moment: datetime) -> int:
    """Seconds since 1970-01-01, by the standard library."""
    return (moment - EPOCH) // timedelta(seconds=1)
