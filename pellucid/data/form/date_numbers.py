"""Whether numbers, and texts that may be other than dates, are dates."""

from pellucid.data.form.date_choice import Choice, words_of
from pellucid.data.form.date_special import DAY

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

_UNIX = (978_307_200, 2_208_988_800)
"""2001-01-01 and 2040-01-01."""

_LIKELY_SHARE = 0.95
_ENOUGH = 20


def trusted(choice: Choice, name: str, texts: int) -> tuple[bool, bool]:
    """Whether the texts are taken for dates at all, and whether that is certain.

    name: the column's name. texts: the number of its texts, read or not.
    """
    pattern, tally = choice.form.pattern, choice.tally
    words = set(words_of(name))
    if pattern.startswith("unix"):
        return _unix(choice, words)
    most = tally.texts >= _LIKELY_SHARE * texts and tally.plausible >= _LIKELY_SHARE * tally.texts
    if pattern == "%Y%m":
        return most and bool(words & (MONTH_WORDS | DATE_WORDS)), True
    if pattern.replace("%", "").isalpha() and pattern.startswith("%Y%m%d") and "T" not in pattern:
        return most and (tally.distinct >= 3 or bool(words & DATE_WORDS)), True
    if "%d" not in pattern and choice.form.kind == "date":
        season = bool(tally.seasons) and tally.seasons == tally.texts
        return tally.plausible >= _LIKELY_SHARE * tally.texts and not season, True
    return True, True


def _unix(choice: Choice, words: set[str]) -> tuple[bool, bool]:
    tally = choice.tally
    if not _UNIX[0] <= tally.lowest <= tally.highest < _UNIX[1]:
        return False, False
    if words & DATE_WORDS:
        return True, True
    spread = tally.highest - tally.lowest > max(DAY, 4 * tally.texts)
    in_order = tally.steps >= _ENOUGH - 1 and tally.back == 0
    even = tally.minutes == tally.texts
    return tally.distinct >= _ENOUGH and spread and (in_order or even), False
