"""Parsing of dates in common formats."""

import re
from datetime import UTC, datetime

_ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ].+)?")
_WORD = re.compile(r"[^\W\d_]+")
_SAMPLE = 200

MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
"""English names, read in full or by three letters, whatever the locale."""

FORMATS = {
    "": "year-month-day",
    "%Y/%m/%d": "year/month/day",
    "%Y/%m/%d %H:%M": "year/month/day hour:minute",
    "%Y/%m/%d %H:%M:%S": "year/month/day hour:minute:second",
    "%m/%d/%Y": "month/day/year",
    "%d/%m/%Y": "day/month/year",
    "%m/%d/%Y %H:%M": "month/day/year hour:minute",
    "%d/%m/%Y %H:%M": "day/month/year hour:minute",
    "%m/%d/%Y %H:%M:%S": "month/day/year hour:minute:second",
    "%d/%m/%Y %H:%M:%S": "day/month/year hour:minute:second",
    "%m/%d/%y": "month/day/year",
    "%d/%m/%y": "day/month/year",
    "%d.%m.%Y": "day.month.year",
    "%d.%m.%Y %H:%M": "day.month.year hour:minute",
    "%d-%m-%Y": "day-month-year",
    "%d-%b-%Y": "day-month-year",
    "%d %b %Y": "day month year",
    "%d %B %Y": "day month year",
    "%b %d, %Y": "month day, year",
    "%B %d, %Y": "month day, year",
}
"""Formats with their names, in the order of trial; "" is ISO 8601, with or without a time."""


def parse_date(text: str, form: str) -> int | None:
    """Seconds since 1970-01-01 in local time; None where the text is not a date of this format."""
    try:
        if form:
            date = datetime.strptime(*_with_digits(text, form))
        elif _ISO.fullmatch(text):
            date = datetime.fromisoformat(text)
        else:
            return None
        return int(date.replace(tzinfo=UTC).timestamp() // 1)
    except ValueError:
        return None


def _with_digits(text: str, form: str) -> tuple[str, str]:
    """The text and its format with the name of the month replaced by digits."""
    short = "%b" in form
    if not short and "%B" not in form:
        return text, form
    word = _WORD.search(text)
    names = [name[:3] if short else name for name in MONTHS]
    if word is None or word.group().lower() not in names:
        raise ValueError(f"{text} names no month")
    month = f"{names.index(word.group().lower()) + 1:02}"
    digits = text[: word.start()] + month + text[word.end() :]
    return digits, form.replace("%b", "%m").replace("%B", "%m")


def date_format(texts: list[str]) -> str | None:
    """The format that reads most of the first 200 texts, at least 95% of them; None if none does.

    The first format wins a tie, so ambiguous dates are month/day/year.
    """
    sample = texts[:_SAMPLE]
    best, most = None, 0.0
    for form in FORMATS:
        share = sum(parse_date(text, form) is not None for text in sample) / max(1, len(sample))
        if share >= 0.95 and share > most:
            best, most = form, share
    return best
