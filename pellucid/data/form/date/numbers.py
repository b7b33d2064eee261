"""Whether numbers, and texts that may be other than dates, are dates."""

import re
from dataclasses import replace

from pellucid.data.form.date.choice import Choice, words_of
from pellucid.data.form.date.special import DAY
from pellucid.data.form.date.tally import LIKELY_SHARE
from pellucid.data.note import counted

_DATES = (
    "date dates day time timestamp ts datetime epoch unix utc created updated modified at since "
    "until dt datum tag fecha data dato dag dzień päivä yyyymmdd ymd start end expiry expires birth "
    "birthday dob born zeit tiempo heure"
)
_MONTHS = "month months yyyymm ym yearmonth period monat mes mois mese maand måned"
DATE_WORDS = frozenset(_DATES.split())
"""Words in the name of a column that say that its numbers are dates."""

MONTH_WORDS = frozenset(_MONTHS.split())
"""Words in the name of a column that say that its numbers are a year and a month."""

UNIX_WORDS = DATE_WORDS - {"data", "dato", "tag", "dag", "day", "birth", "birthday", "dob", "born"}
"""Words in the name of a column that say that its numbers are Unix time."""

_LONG = 15 * 366 * DAY
_UNIX = (978_307_200, 2_208_988_800)
"""2001-01-01 and 2040-01-01."""

_COMPACT = re.compile(r"(?:%[YmdHMS]|[\[\]])+")
_ENOUGH = 20
_FEW = 3


def is_digits(pattern: str) -> bool:
    """Whether dates are numbers: Unix time, or yyyymmdd, yyyymm and the like, with or without a time."""
    return pattern.startswith("unix") or _COMPACT.fullmatch(pattern) is not None


def trusted(choice: Choice, name: str, texts: int, wanted: bool) -> Choice | None:
    """The choice with what speaks for dates rather than numbers; None where too little does.

    name: the column's name. texts: the number of its texts, read or not. wanted: whether the user says
    that the column holds dates.
    """
    pattern, tally = choice.form.pattern, choice.tally
    if pattern.startswith("unix"):
        evidence, certain = _unix(choice, name)
    elif pattern == "%Y%m":
        evidence, certain = _named(name, MONTH_WORDS | DATE_WORDS), True
    elif is_digits(pattern):
        evidence, certain = _eight_digits(choice, name, texts), True
        if evidence and not pattern.startswith("%Y"):
            evidence, certain = choice.evidence, choice.certain
    elif pattern == "%m.%Y":
        evidence = _eight_digits(choice, name, texts)
        certain = True
    elif "%d" not in pattern and choice.form.kind == "date":
        seasons = tally.seasons == tally.texts
        evidence, certain = (
            "" if seasons or not tally.is_plausible else choice.evidence,
            choice.certain,
        )
    else:
        return choice
    if wanted:
        return replace(choice, certain=True, evidence=evidence or choice.evidence)
    return replace(choice, certain=certain, evidence=evidence) if evidence else None


def _named(name: str, known: frozenset[str]) -> str:
    """The evidence of a name that holds one of the words; "" for another."""
    words = [word for word in words_of(name) if word in known]
    return f"the column's name says '{words[0]}'" if words else ""


def _eight_digits(choice: Choice, name: str, texts: int) -> str:
    tally = choice.tally
    if tally.texts < LIKELY_SHARE * texts or not tally.is_plausible:
        return ""
    if tally.distinct < _FEW:
        return _named(name, DATE_WORDS)
    return f"{tally.texts:,} of {counted(texts, 'different number')} are dates of 1800 to 2199"


def _unix(choice: Choice, name: str) -> tuple[str, bool]:
    tally = choice.tally
    if not _UNIX[0] <= tally.lowest <= tally.highest < _UNIX[1]:
        return "", False
    evidence = _named(name, UNIX_WORDS)
    if evidence:
        return evidence, True
    span = tally.highest - tally.lowest
    if not max(DAY, 4 * tally.texts) < span < _LONG or tally.distinct < _ENOUGH:
        return "", False
    if tally.minutes == tally.texts:
        return "the numbers are full minutes of the years 2001 to 2039", False
    regular = tally.back == 0 and 2 * tally.even >= tally.steps
    return "the numbers are times of 2001 to 2039 in even steps" if regular else "", False
