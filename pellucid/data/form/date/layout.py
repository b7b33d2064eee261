"""The patterns by which a text may be a date, from its shape alone: its digits are all 0.

"16.01.2023 14:30" has the shape "00.00.0000 00:00", which fits `%d.%m.%Y` and `%m.%d.%Y`, each with
` %H:%M`. Which of them a column uses is decided from all of its texts, in `date_evidence.py`.
"""

import re
from dataclasses import dataclass

from pellucid.data.form.date.names import LANGUAGES, months_in, weekdays
from pellucid.data.form.date.pattern import HOURS, JOIN, NOON, ZONE
from pellucid.data.form.date.special import UNIX

DIGITS = {ord(digit): "0" for digit in "123456789"}
"""For `str.translate`: from a text to its shape."""

_MONTHS = months_in(LANGUAGES)
_WEEKDAYS = frozenset(name for language in LANGUAGES for name in weekdays(language))
_ZONE = ZONE.replace("[0-9]", "0")
_GAP = r"\s*"
_NOON = NOON.replace("([AaPp])", "[AaPp]")
_WORD = r"[^\W\d_]+(?:'[^\W\d_]+)?"
_YEAR = "(?P<y>0000|00)"

_CLOCK = (
    r"(?P<hours>00?)(?:(?P<mark>[:.h])(?P<minutes>00?)(?:[:.](?P<seconds>00?)(?:[.,]0{1,12})?)?)?"
    rf"{HOURS}(?P<noon>{_NOON})?(?P<zone>{_ZONE})?"
)
_JOIN = rf"(?P<join>{JOIN}|(?<=0):)"
_TIME = re.compile(_CLOCK)
_TIMED = re.compile(rf"(?P<date>.*?){_JOIN}{_CLOCK}")
_DASHED = re.compile(rf"(?P<date>0000-00-00|0{{8}})(?P<join>-){_CLOCK}")
_TIMED_FIRST = re.compile(rf"{_CLOCK},?\s+(?P<date>\S.*)")
_COMPACT = re.compile(
    r"(?P<date>0{8})(?P<join>[Tt ]?)00(?P<minutes>00(?P<seconds>00)?)?(?:[.,]0{1,12})?"
    rf"(?P<zone>{_ZONE})?"
)
_UNIX_COMMAND = re.compile(
    rf"({_WORD}) ({_WORD})\s+00? 00:00:00(?P<zone>{_ZONE.replace(_GAP, ' ', 1)})? 0000"
)
_PREFIX = re.compile(rf"(?P<name>{_WORD})[.,]{{0,2}}\s+(?P<rest>.*0.*)")
_THREE = re.compile(r"(0{1,4})(-|/|\s?\.\s?|\s)(0{1,2})\2(0{1,4})\.?")
_TWO = re.compile(r"(0000)([-/]|-?[Mm])(00?)|(00?)([-/])(0000)")
_ORIENTAL = re.compile(r"0000([年년])\s?00?([月월])(?:\s?00?([日일]))?")
_QUARTER = re.compile(
    rf"(?P<first>0000)(?P<a>[-/ ]?[Qq])0|(?P<b>[Qq])0(?P<after>[-/ ]?){_YEAR}"
    r"|0(?P<c>[Qq][-/ ]?)(?P<z>0000|00)"
)
_WEEK = re.compile(r"0000(-?)W00?(?:(-)?0)?")
_SPACE = r"[.,]{0,2}\s+(?:(?:de|del|of)\s+)?"
_MARK = rf"(?P<mark>[-/.]|{_SPACE}|)"
_ORDINAL = r"(?:st|nd|rd|th|er|[.ºª])?"
_DAY_MONTH_YEAR = re.compile(
    rf"(?P<d>00?){_ORDINAL}{_MARK}(?P<name>{_WORD})\.?(?:(?P=mark)|{_SPACE}){_YEAR}"
)
_YEAR_MONTH_DAY = re.compile(rf"(?P<y>0000){_MARK}(?P<name>{_WORD})\.?(?:(?P=mark)|{_SPACE})00?")
_MONTH_DAY_YEAR = re.compile(
    rf"(?P<name>{_WORD})\.?(?P<mark>[-/.]|\s*)00?{_ORDINAL}(?:[-/.]|,\s*|\s+){_YEAR}"
)
_MONTH_YEAR = re.compile(rf"(?P<name>{_WORD})\.?(?P<mark>[-/.]|\s?'|{_SPACE}|){_YEAR}")
_YEAR_MONTH = re.compile(rf"(?P<y>0000){_MARK}(?P<name>{_WORD})\.?")

_LONGEST = 70

SPECIAL_SHAPES = (
    *((re.compile(rf"0{{{10 + zeros}}}(?:\.0+)?"), f"unix {unit}") for unit, zeros in UNIX.items()),
    (re.compile(r"[+\u2212-]?0{1,7}:00:00(?:[.,]0+)?"), "duration h:m:s"),
    (re.compile(r"[+\u2212-]?0{1,7}:00"), "duration h:m:s"),
    (re.compile(r"[+\u2212-]?(?:0{1,7}:)?0{1,7}:00(?:[.,]0+)?"), "duration m:s"),
    (
        re.compile(
            r"[+\u2212-]?(?:0{1,7}\s*(?:days?|d)(?:,?\s*[+\u2212-]?0{1,2}:00(?::00(?:[.,]0+)?)?)?"
            r"|0{1,7}:00:00(?:[.,]0+)?)",
            re.IGNORECASE,
        ),
        "duration days h:m:s",
    ),
    (
        re.compile(
            r"[+\u2212-]?(?:0+(?:[.,]0+)?\s*"
            r"(?:days?|hours?|minutes?|seconds?|hrs?|mins?|secs?|[dhms])(?![^\W\d]),?\s*){1,4}",
            re.IGNORECASE,
        ),
        "duration units",
    ),
    (
        re.compile(r"[+\u2212-]?P(?:0+(?:[.,]0+)?[YMWD])*(?:T(?:0+(?:[.,]0+)?[HMS])+)?"),
        "duration ISO 8601",
    ),
)
"""The shapes of what is no pattern; a text may have several."""


@dataclass(frozen=True)
class Layout:
    """A way to read texts of one shape.

    date: the pattern of the date, "" for a time of day alone, or a name of `SPECIAL`.
    time: what follows it, such as " %H:%M", or precedes it, "%H:%M "; "" for nothing.
    zone: whether a time zone follows.
    """

    date: str
    time: str = ""
    zone: bool = False

    @property
    def pattern(self) -> str:
        """The whole pattern."""
        zone = "%z" if self.zone else ""
        return self.time + self.date if self.time.endswith(" ") else self.date + self.time + zone


@dataclass(frozen=True)
class Shape:
    """What a shape may be, and the names of months and weekdays in it, lower-case."""

    layouts: tuple[Layout, ...] = ()
    months: frozenset[str] = frozenset()
    weekdays: frozenset[str] = frozenset()


NOTHING = Shape()


def is_rare(date: str) -> bool:
    """Whether the order of a date is so rare that it counts only where no other fits."""
    return bool(re.match(r"%Y[^%]+%d|%y[^%]+%b", date))


def shape_layouts(shape: str) -> Shape:
    """The layouts of a shape; none where it is no date."""
    if len(shape) > _LONGEST or "0" not in shape:
        return NOTHING
    layouts: list[Layout] = [
        Layout(name) for expression, name in SPECIAL_SHAPES if expression.fullmatch(shape)
    ]
    months: set[str] = set()
    weekdays: set[str] = set()
    for part, time, zone in _divided(shape):
        dates = _date_patterns(part, months, weekdays)
        layouts.extend(Layout(date, time, zone) for date in dates)
    return Shape(tuple(dict.fromkeys(layouts)), frozenset(months), frozenset(weekdays))


def _divided(shape: str) -> list[tuple[str, str, bool]]:
    """The ways to divide a shape into a date, the pattern of the time after it, and a zone."""
    ways = [(shape, "", False)]
    compact = _COMPACT.fullmatch(shape)
    if compact:
        time = "%H" + "%M" * bool(compact["minutes"]) + "%S" * bool(compact["seconds"])
        ways.append((compact["date"], compact["join"].upper() + time, bool(compact["zone"])))
    timed = _DASHED.fullmatch(shape) or _TIMED.fullmatch(shape)
    if timed and _is_clock(timed):
        join = timed["join"]
        join = join.upper() if join.strip() in ("T", "t", ":") or join == "-" else " "
        ways.append((timed["date"], join + _clock_pattern(timed), bool(timed["zone"])))
    first = _TIMED_FIRST.fullmatch(shape)
    if first and _is_clock(first) and not first["zone"]:
        ways.append((first["date"], f"{_clock_pattern(first)} ", False))
    alone = _TIME.fullmatch(shape)
    if alone and (alone["noon"] or (alone["mark"] in (":", "h") and alone["minutes"] == "00")):
        ways.append(("", _clock_pattern(alone), bool(alone["zone"])))
    return ways


def _is_clock(match: re.Match[str]) -> bool:
    return bool(match["minutes"] or match["noon"] or match["hours"] == "00")


def _clock_pattern(match: re.Match[str]) -> str:
    mark = match["mark"] or ""
    pattern = "%I" if match["noon"] else "%H"
    pattern += f"{mark}%M" if match["minutes"] else ""
    pattern += f"{mark if mark != 'h' else ':'}%S" if match["seconds"] else ""
    return pattern + (" %p" if match["noon"] else "")


def _date_patterns(part: str, months: set[str], weekdays: set[str]) -> list[str]:
    """The patterns of a date without its time; adds the names of months and weekdays in it."""
    if not part:
        return [""]
    command = _UNIX_COMMAND.fullmatch(part)
    if command and command[1].lower() in _WEEKDAYS and command[2].lower() in _MONTHS:
        weekdays.add(command[1].lower())
        months.add(command[2].lower())
        return [f"%a %b %d %H:%M:%S{'%z' if command['zone'] else ''} %Y"]
    numeric = _numeric_patterns(part)
    if numeric:
        return numeric
    worded = _worded_patterns(part, months)
    if worded:
        return worded
    prefix = _PREFIX.fullmatch(part)
    if prefix and prefix["name"].lower() in _WEEKDAYS:
        rest = _numeric_patterns(prefix["rest"]) or _worded_patterns(prefix["rest"], months)
        if rest:
            weekdays.add(prefix["name"].lower())
        return [f"%a {pattern}" for pattern in rest]
    return []


def _numeric_patterns(part: str) -> list[str]:
    three = _THREE.fullmatch(part)
    if three:
        return _three_numbers(len(three[1]), three[2].strip() or " ", len(three[3]), len(three[4]))
    two = _TWO.fullmatch(part)
    if two:
        return [f"%Y{two[2]}%m" if two[1] else f"%m{two[5]}%Y"]
    if part == "00.0000":
        return ["%m.%Y"]
    if part == "00000000":
        return ["%Y%m%d", "%d%m%Y", "%m%d%Y"]
    if part == "000000":
        return ["%Y%m"]
    if part == "0000-000":
        return ["%Y-%j"]
    oriental = _ORIENTAL.fullmatch(part)
    if oriental:
        year, month, day = oriental.groups()
        return [f"%Y{year}%m{month}" + (f"%d{day}" if day else "")]
    return _quarter_patterns(part) or _week_patterns(part)


def _three_numbers(first: int, mark: str, second: int, last: int) -> list[str]:
    """The orders that numbers of these lengths allow, the likelier first."""
    day_first, month_first = f"%d{mark}%m{mark}", f"%m{mark}%d{mark}"
    if first == 4 and last <= 2:
        return [f"%Y{mark}%m{mark}%d", f"%Y{mark}%d{mark}%m"]
    if first > 2 or last not in (2, 4):
        return []
    orders = [day_first, month_first] if mark != "/" else [month_first, day_first]
    if last == 4:
        return [f"{order}%Y" for order in orders]
    year_first = [f"%y{mark}%m{mark}%d"] if first == 2 else []
    return [f"{order}%y" for order in orders] + year_first


def _quarter_patterns(part: str) -> list[str]:
    match = _QUARTER.fullmatch(part)
    if not match:
        return []
    if match["first"]:
        return [f"%Y{match['a']}%q"]
    year = "%Y" if len(match["y"] or match["z"]) == 4 else "%y"
    return [f"{match['b']}%q{match['after']}{year}" if match["y"] else f"%q{match['c']}{year}"]


def _week_patterns(part: str) -> list[str]:
    match = _WEEK.fullmatch(part)
    if not match:
        return []
    mark = match[1]
    if re.fullmatch(r"0000-?W00?", part):
        return [f"%G{mark}W%V"]
    return [f"%G{mark}W%V{match[2] or ''}%u"] if bool(match[2]) == bool(mark) else []


def _worded_patterns(part: str, months: set[str]) -> list[str]:
    """The patterns of a date with the name of its month."""
    for expression, orders in (
        (_DAY_MONTH_YEAR, ("%d", "%b", "Y")),
        (_YEAR_MONTH_DAY, ("%Y", "%b", "%d")),
        (_MONTH_DAY_YEAR, ("%b", "%d", "Y")),
        (_MONTH_YEAR, ("%b", "Y")),
        (_YEAR_MONTH, ("%Y", "%b")),
    ):
        match = expression.fullmatch(part)
        if match and match["name"].lower() in _MONTHS:
            mark = match["mark"] if match["mark"] in ("-", "/", ".", "'", " '", "") else " "
            short = len(match["y"]) == 2
            if short and mark in ("", " ") and len(orders) == 2:
                return []
            months.add(match["name"].lower())
            return _orders(orders, mark, short)
    return []


def _orders(orders: tuple[str, ...], mark: str, short: bool) -> list[str]:
    year = "%y" if short else "%Y"
    parts = [year if part == "Y" else part for part in orders]
    if parts[:2] == ["%b", "%d"] and mark == " ":
        return [f"%b %d, {year}"]
    patterns = [mark.join(parts)]
    if short and len(parts) == 3 and parts[0] == "%d":
        patterns.append(mark.join(["%y", "%b", "%d"]))
    return patterns
