"""Patterns of dates: the directives of `strptime`, and brackets around what may be missing.

`%d.%m.%Y[ %H:%M[:%S]]` reads 16.01.2023, 16.01.2023 14:30 and 16.01.2023 14:30:15. Beyond `strptime`,
`%q` is a quarter, and `%[` and `%]` are brackets in the text. Names of months and weekdays are
read in full or abbreviated, whichever of `%b`, `%B`, `%a` and `%A` stands in the pattern.
"""

import re
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

_NAME = r"[^\W\d_]+(?:'[^\W\d_]+)?"
_ZONES = (
    *("UTC", "GMT", "CET", "CEST", "EET", "EEST", "WET", "WEST", "BST", "IST", "MSK", "JST", "KST"),
    *("EST", "EDT", "CST", "CDT", "MST", "MDT", "PST", "PDT", "AEST", "AEDT"),
)
ZONE = (
    rf"\s*(?:(?:UTC|GMT)?[+\u2212-][0-9]{{1,2}}(?::?[0-9]{{2}}(?::?[0-9]{{2}})?)?|[Zz]|{'|'.join(_ZONES)}"
    r"|[A-Z][A-Za-z]+/[A-Z][A-Za-z_/+-]+)"
    r"(?:\s*\[[\w/+-]+\])?(?:\s*\([^()]*\))?"
)
"""A time zone: Z, an offset from UTC, or one of some names; a place in brackets may follow."""

NOON = r"\s*([AaPp])\.?\s?[Mm]\.?"
"""AM or PM, in either case, with or without points."""

_FRACTION = r"(?:[.,][0-9]{1,12})?"
_SPACE = r"\s+"
_WORDY_SPACE = r"[.,]{0,2}\s+(?:(?:de|del|of)\s+)?"
JOIN = r"(?:[Tt_]|,?\s+(?:(?:at|um|om|à|às|alle|a\s+las|klo|kl\.|-|@)\s+)?)"
"""What stands between a date and a time."""

HOURS = r"(?:\s?(?:[Uu]hr|uur|hrs?|h))?"
"""A word for hours that may follow a time: 14:30 Uhr."""

_ORDINAL = r"(?:st|nd|rd|th|er|[.ºª])?"


@dataclass(frozen=True)
class Directive:
    """What a directive means: its word in descriptions, and its text in full and in fixed width."""

    word: str
    free: str
    fixed: str = ""
    digits: bool = True


DIRECTIVES = {
    "Y": Directive("year", "([0-9]{4})"),
    "y": Directive("year", "([0-9]{2})"),
    "m": Directive("month", "([0-9]{1,2})", "([0-9]{2})"),
    "d": Directive("day", "([0-9]{1,2})", "([0-9]{2})"),
    "b": Directive("month", rf"({_NAME})\.?", digits=False),
    "a": Directive("weekday", rf"({_NAME})\.?", digits=False),
    "H": Directive("hours", "([01]?[0-9]|2[0-4])", "([01][0-9]|2[0-4])"),
    "I": Directive("hours", "(0?[0-9]|1[0-2])", "(0[0-9]|1[0-2])"),
    "M": Directive("minutes", "([0-5]?[0-9])", "([0-5][0-9])"),
    "S": Directive("seconds", "([0-5]?[0-9])" + _FRACTION, "([0-5][0-9])" + _FRACTION),
    "f": Directive("fraction", "([0-9]{1,12})"),
    "p": Directive("AM/PM", NOON, digits=False),
    "z": Directive("time zone", f"({ZONE})", digits=False),
    "j": Directive("day of the year", "([0-9]{1,3})", "([0-9]{3})"),
    "G": Directive("year", "([0-9]{4})"),
    "V": Directive("week", "([0-9]{1,2})", "([0-9]{2})"),
    "u": Directive("weekday", "([1-7])"),
    "q": Directive("quarter", "([1-4])"),
}
"""The directives of patterns; `%B`, `%A` and `%Z` are written `%b`, `%a` and `%z`."""

_SYNONYMS = {"B": "b", "A": "a", "Z": "z", "h": "b", "e": "d", "k": "H", "l": "I"}
_WHOLE = {"F": "%Y-%m-%d", "T": "%H:%M:%S", "R": "%H:%M", "D": "%m/%d/%y"}

_DAY_PARTS = (
    *("Yd b", "yd b", "Yd m", "yd m", "Y b", "y b", "Y m", "y m", "Y j", "y j", "Y q", "y q"),
    *("G V", "GuV", "Y", ""),
)
_DAYS = frozenset(frozenset(parts.replace(" ", "")) for parts in _DAY_PARTS)
_CLOCKS = frozenset(
    frozenset(parts) for parts in ("", "H", "HM", "HMS", "HMSf", "Ip", "IMp", "IMSp", "IMSfp")
)


class PatternError(ValueError):
    """A text is no pattern of dates; the message says why."""


@dataclass(frozen=True)
class Token:
    """A part of a pattern: a directive ("d", "Y"), or literal text (directive ""), or a bracket."""

    directive: str = ""
    literal: str = ""
    bracket: str = ""


def canonical(pattern: str) -> str:
    """A pattern of `strptime` as a pattern of this module: literal brackets get a per cent sign."""
    text = re.sub(r"(?<!%)([\[\]])", r"%\1", pattern)
    for short, whole in _WHOLE.items():
        text = text.replace(f"%{short}", whole)
    return re.sub(r"%[-#]([A-Za-z])", r"%\1", text)


@cache
def tokens(pattern: str) -> tuple[Token, ...]:
    """The tokens of a pattern; raises `PatternError` for anything else."""
    if len(pattern) > 100:
        raise PatternError("a pattern has at most 100 characters")
    result: list[Token] = []
    depth = 0
    for match in re.finditer(r"%(.?)|([\[\]])|([^%\[\]]+)", pattern, re.DOTALL):
        letter, bracket, literal = match.groups()
        if literal is not None:
            result.append(Token(literal=literal))
        elif bracket is not None:
            depth += 1 if bracket == "[" else -1
            result.append(Token(bracket=bracket))
            if not 0 <= depth <= 5:
                raise PatternError("its brackets do not match")
        else:
            result.append(_directive(letter))
    if depth:
        raise PatternError("its brackets do not match")
    if re.search(r"(?<!%)\[[^%]*\]", pattern.replace("%%", "")):
        raise PatternError("it has brackets around no directive")
    checked = _joined(result)
    _check_parts([token.directive for token in checked if token.directive])
    return checked


def _directive(letter: str) -> Token:
    if letter in ("%", "[", "]"):
        return Token(literal=letter)
    name = _SYNONYMS.get(letter, letter)
    if name not in DIRECTIVES:
        raise PatternError(f"'%{letter}' is no directive that is read here")
    return Token(directive=name)


def _joined(items: list[Token]) -> tuple[Token, ...]:
    """The tokens without what the texts of others cover: fractions of seconds, spaces before zones."""
    result: list[Token] = []
    for token in items:
        after_seconds = result[-2:-1] == [Token(directive="S")] and result[-1].literal in (".", ",")
        if token.directive == "f" and after_seconds:
            result.pop()
            continue
        if token.directive in ("p", "z") and result and result[-1].literal.isspace():
            result.pop()
        result.append(token)
    return tuple(result)


def _check_parts(letters: list[str]) -> None:
    if len(set(letters)) != len(letters):
        twice = next(letter for letter in letters if letters.count(letter) > 1)
        raise PatternError(f"'%{twice}' occurs twice")
    if not letters:
        raise PatternError("it has no directive, such as %d or %Y")
    parts = frozenset(letters)
    day, clock = parts & frozenset("YymdbjGVuq"), parts & frozenset("HIMSfp")
    if day not in _DAYS:
        lacks = day and not day & frozenset("YyG")
        raise PatternError("it has no year" if lacks else "its directives do not make a date")
    if clock not in _CLOCKS:
        raise PatternError(
            "AM and PM go with %I, not with %H"
            if "p" in clock and "H" in clock
            else "its directives do not make a time of day"
        )
    if not day and not clock:
        raise PatternError("its directives make neither a date nor a time of day")


def expression(pattern: str) -> tuple[re.Pattern[str], dict[str, int]]:
    """The regular expression of a pattern, and the position of each directive in its groups."""
    items = tokens(pattern)
    plain = [token for token in items if not token.bracket]
    wordy = any(token.directive == "b" for token in plain)
    pointed = _has_points(plain)
    last = max((plain.index(t) for t in plain if t.directive in _DATE), default=-1)
    parts: list[str] = []
    places: dict[str, int] = {}
    index = -1
    for token in items:
        if token.bracket:
            parts.append("(?:" if token.bracket == "[" else ")?")
            continue
        index += 1
        before = plain[index - 1].directive if index else ""
        later = [each.directive for each in plain[index + 1 :]]
        after = later[0] if later else ""
        if token.directive:
            places[token.directive] = len(places)
            parts.append(_directive_text(token.directive, before, after))
            if token.directive in _CLOCK and not set(later) & _CLOCK:
                parts.append(HOURS)
            if token.directive == "d" and wordy:
                parts.append(_ORDINAL)
            if index == last and pointed:
                parts.append(r"\.?")
        else:
            parts.append(_literal_text(token.literal, before, after, wordy))
    return re.compile("".join(parts)), places


_DATE = frozenset("YymdbjGVuqa")
_CLOCK = frozenset("HIMSf")


def _has_points(plain: list[Token]) -> bool:
    """Whether points separate day, month and year; one may then follow the last of them."""
    return any(
        token.literal.strip() == "." and index and plain[index - 1].directive in _DATE
        for index, token in enumerate(plain)
    )


def _directive_text(letter: str, before: str, after: str) -> str:
    entry = DIRECTIVES[letter]
    beside_digits = any(neighbour and DIRECTIVES[neighbour].digits for neighbour in (before, after))
    return entry.fixed if entry.fixed and beside_digits else entry.free


def _literal_text(literal: str, before: str, after: str, wordy: bool) -> str:
    in_date = before in _DATE and after in _DATE
    if before in _DATE and after in ("H", "I") and (literal in ("T", ", ") or literal.isspace()):
        return JOIN
    if before in _CLOCK | {"p"} and after in _DATE and literal.isspace():
        return r",?\s+"
    if in_date and (wordy or before == "a") and literal.strip(".,").isspace():
        return _WORDY_SPACE
    if in_date and literal.strip() == ".":
        return r"\.\s*"
    pieces = re.split(r"(\s+)", literal)
    return "".join(_SPACE if piece.isspace() else re.escape(piece) for piece in pieces)


_LETTERS = {"Y": "yyyy", "y": "yy", "m": "mm", "d": "dd", "H": "hh", "M": "mm", "S": "ss"}
"""How directives are described that follow each other without a mark: yyyymmdd."""


def described(pattern: str) -> str:
    """The pattern in plain words: "day.month.year, hours:minutes"."""
    plain = [token for token in tokens(pattern) if not token.bracket]
    letters = {token.directive for token in plain}
    date, time = _words(plain, _DATE), _words(plain, _CLOCK)
    time += " AM/PM" if "p" in letters else ""
    zone = " with a time zone" if "z" in letters else ""
    short = ", years of two digits" if "y" in letters else ""
    if not date or not time:
        return f"{date or time}{zone}{short}"
    is_optional = re.search(r"\[[^%]*%[HI]", pattern) is not None
    return f"{date}, {'some with ' if is_optional else ''}{time}{zone}{short}"


def _words(plain: list[Token], kind: frozenset[str]) -> str:
    """The words of the directives of one kind, with the marks between them."""
    places = [index for index, token in enumerate(plain) if token.directive in kind]
    if not places:
        return ""
    pairs = list(pairwise(places))
    compact = any(after == before + 1 for before, after in pairs)
    words = [plain[place].directive for place in places]
    words = [(_LETTERS if compact else {}).get(word, DIRECTIVES[word].word) for word in words]
    result = words[0]
    for (before, after), word in zip(pairs, words[1:], strict=True):
        marks = "".join(token.literal for token in plain[before + 1 : after])
        between = any(token.directive for token in plain[before + 1 : after])
        marks = " " if between else marks
        result += ("" if after == before + 1 else _mark(marks)) + word
    return result


def _mark(literal: str) -> str:
    """The literal text between two directives without its letters; a space for none."""
    return "".join(sign for sign in literal if not sign.isalpha()) or " "
