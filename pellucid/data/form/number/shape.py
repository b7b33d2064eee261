"""What is beside the digits of one text, and which readings of its marks are possible."""

import re
from dataclasses import dataclass

from pellucid.data.form.number.marks import DECIMAL_MARKS
from pellucid.data.form.number.multiples import split_multiple
from pellucid.data.form.number.units import is_prefix, is_suffix

MOST_CHARACTERS = 400
"""The longest text that is taken for a number."""

_PARTS = re.compile(
    r"(?P<lead>[^0-9]{0,12}?)"
    r"(?P<core>(?:[0-9]+(?:[.,\u066b\u066c'_ ][0-9]+)*(?:[.,\u066b](?![^ )%]))?"
    r"|(?<![^\W\d_])(?<!/)[.,\u066b][0-9]+))"
    r"(?P<exponent>[eE][+-]?[0-9]+)?"
    r"(?P<tail>(?![0-9]).*)"
)
_BEGINNING = re.compile(r"[-+(\s]*+(?:[^\s\d(+-]{1,7}+(?: \$)?+[-+(\s]*+)?[.,\u066b]?\d").match
_GROUPED_CODE = re.compile(r"[0-9]{3}([ .])[0-9]{3}(?:\1[0-9]{3})+").fullmatch
_LETTER_CODE = re.compile(r"[0-9]+E[0-9]+").fullmatch
_ACCOUNT_WORDS = frozenset(["CR", "DR", "DB"])


@dataclass(frozen=True)
class MarkReading:
    """One reading of the marks of a text; "" where the text shows no such mark."""

    decimal: str
    thousands: str
    indian: bool


@dataclass(frozen=True)
class Style:
    """All about the writing of a number that decides between forms."""

    prefix: str
    multiple: str
    """A word or letter after the number that multiplies it: k, Mio."""
    suffix: str
    account_word: str
    """CR, DR or DB after the number, else ""."""
    negative: bool
    """Whether a minus sign or parentheses stand beside the digits."""
    parentheses: bool
    trailing_minus: bool
    exponent: bool
    plain: bool
    """Whether the text is digits alone."""
    zero_leads: bool
    """Whether the first digit is 0."""
    looks_like_code: str
    """What else the text may be: "groups" (600 123 456, a telephone), "letter" (5E3), or ""."""
    readings: tuple[MarkReading, ...]
    """The possible readings of the marks; there is at least one."""


@dataclass(frozen=True)
class Shape:
    """A style and where the digits of one text are."""

    style: Style
    start: int
    """The index of the first digit or mark of the number."""
    stop: int
    """The index after its last digit or mark."""


def may_be_number(text: str) -> bool:
    """Whether the text begins as numbers do: quick, and true of all texts that have a shape."""
    return _BEGINNING(text) is not None


def shape_of(text: str) -> Shape | None:
    """The shape of a normalised text; None where it is no number in any form."""
    parts = _PARTS.fullmatch(text) if len(text) <= MOST_CHARACTERS else None
    if parts is None:
        return None
    lead, core, tail = parts["lead"], parts["core"], parts["tail"]
    prefix, unit, word = lead.strip("-+( "), *split_account_word(tail.strip("-) "))
    multiple, suffix = split_multiple(unit, money=prefix != "")
    if (prefix and not is_prefix(prefix)) or (suffix and not is_suffix(suffix)):
        return None
    negative = sign_of(lead, tail)
    readings = mark_readings(core)
    if negative is None or not readings:
        return None
    style = Style(
        prefix=prefix,
        multiple=multiple,
        suffix=suffix,
        account_word=word,
        negative=negative,
        parentheses="(" in lead,
        trailing_minus="-" in tail,
        exponent=parts["exponent"] is not None,
        plain=text.isdecimal(),
        zero_leads=core[0] == "0",
        looks_like_code=_code_look(text),
        readings=readings,
    )
    return Shape(style, parts.start("core"), parts.end("core"))


def _code_look(text: str) -> str:
    if _LETTER_CODE(text):
        return "letter"
    return "groups" if _GROUPED_CODE(text) else ""


def split_account_word(suffix: str) -> tuple[str, str]:
    """What precedes the last word, and that word in capitals, if it is CR, DR or DB."""
    head, _, last = suffix.rpartition(" ")
    return (head, last.upper()) if last.upper() in _ACCOUNT_WORDS else (suffix, "")


def sign_of(lead: str, tail: str) -> bool | None:
    """Whether what leads and follows the digits makes them negative; None for two signs.

    Parentheses are a sign, and must be closed.
    """
    opened, closed = lead.count("("), tail.count(")")
    signs = lead.count("-") + lead.count("+") + opened + tail.count("-")
    if signs > 1 or opened != closed:
        return None
    return signs == 1 and "+" not in lead


def mark_readings(core: str) -> tuple[MarkReading, ...]:
    """All readings of the marks between the digits.

    A group after a zero that leads is no thousands group: 0,125 has one reading.
    """
    marks = [character for character in core if not character.isdecimal()]
    if not marks:
        return (MarkReading("", "", False),)
    runs = [len(run) for run in re.split(r"[^0-9]", core)]
    last, others = marks[-1], set(marks[:-1])
    result: list[MarkReading] = []
    if last in DECIMAL_MARKS:
        if not others:
            result.append(MarkReading(last, "", False))
        elif len(others) == 1 and last not in others:
            result += _grouped(core, runs[:-1], marks[0], last)
    if len(set(marks)) == 1:
        result += _grouped(core, runs, marks[0], "")
    return tuple(result)


def _grouped(core: str, runs: list[int], thousands: str, decimal: str) -> list[MarkReading]:
    """The reading with this mark between groups, if the runs of digits are such groups."""
    first, *middle, last = runs
    if core[0] == "0" or last != 3 or thousands == "\u066b":
        return []
    if 1 <= first <= 3 and all(run == 3 for run in middle):
        return [MarkReading(decimal, thousands, False)]
    if 1 <= first <= 2 and middle and all(run == 2 for run in middle) and thousands in ",. ":
        return [MarkReading(decimal, thousands, True)]
    return []
