"""The decimal mark and thousands mark that read most numbers of a column."""

from collections.abc import Sequence
from dataclasses import dataclass

from pellucid.data.form.number.marks import MARK_NAMES, with_article
from pellucid.data.form.number.shape import MarkReading, Style
from pellucid.data.form.number.tally import Writing

NO_MARKS = "no text has a decimal mark or a mark between thousands"
"""The evidence where no marks occur."""

NEARLY_ALL = 0.95
"""Another reading leaves a doubt if it reads this share of the rows that the best one reads,"""

FEW_ROWS = 3
"""and fewer than this number of rows less: one text of many may be a slip, several are a proof."""


@dataclass(frozen=True)
class MarkChoice:
    """The marks, the rows that they read, and why they were chosen."""

    marks: MarkReading
    writings: tuple[Writing, ...]
    """The styles that are read."""
    certain: bool
    shown: bool
    """Whether the texts themselves show the decimal mark."""
    evidence: str


def reads(marks: MarkReading, style: Style) -> bool:
    """Whether one of the style's readings has no other marks than these."""
    return any(
        reading.decimal in ("", marks.decimal)
        and reading.thousands in ("", marks.thousands)
        and (marks.indian or not reading.indian)
        for reading in style.readings
    )


def choose_marks(
    writings: Sequence[Writing], decimal: str | None = None, required: bool = False
) -> MarkChoice:
    """The marks that read the most rows; the simplest of them.

    Where two decimal marks read as many rows, `decimal` decides, else the point. If it is `required`,
    no other decimal mark is considered.
    """
    best: dict[str, tuple[int, MarkReading]] = {}
    for marks in _candidates(writings, decimal):
        rows = sum(writing.rows for writing in writings if reads(marks, writing.style))
        if marks.decimal not in best or rows > best[marks.decimal][0]:
            best[marks.decimal] = rows, marks
    if required and decimal is not None:
        return _choice(writings, best[decimal][1], True, f"the decimal mark was set to '{decimal}'")
    most = max(rows for rows, _ in best.values())
    tied = [marks for rows, marks in best.values() if rows == most]
    marks = _preferred(tied, writings, decimal)
    rivals = [
        rival
        for rows, rival in best.values()
        if rows >= NEARLY_ALL * most
        and rows > most - FEW_ROWS
        and rival != marks
        and _differ(marks, rival, writings)
    ]
    if not rivals:
        return _choice(writings, marks, True, _proof(marks, best, writings))
    doubtful = next(w for w in writings if _changes(w.style, marks, rivals[0]))
    return _choice(writings, marks, False, _doubt(doubtful, marks, rivals[0], tied, decimal))


def _candidates(writings: Sequence[Writing], decimal: str | None) -> list[MarkReading]:
    """All combinations of the marks that occur, the simplest first."""
    readings = {reading for writing in writings for reading in writing.style.readings}
    decimals = {".", ",", decimal or ".", *(reading.decimal for reading in readings)} - {""}
    thousands = {reading.thousands for reading in readings} - {""}
    indian = {reading.thousands for reading in readings if reading.indian}
    return [
        MarkReading(mark, group, wide)
        for group in ["", *sorted(thousands)]
        for wide in ([False, True] if group in indian else [False])
        for mark in sorted(decimals)
        if mark != group
    ]


def _preferred(
    tied: list[MarkReading], writings: Sequence[Writing], decimal: str | None
) -> MarkReading:
    """The reading with the wanted decimal mark, else the one that the last digits speak for."""
    by_mark = {marks.decimal: marks for marks in tied}
    if decimal in by_mark:
        return by_mark[decimal]
    grouped = [marks for marks in tied if marks.thousands and _rounded_groups(marks, writings)]
    return grouped[0] if len(grouped) == 1 else by_mark.get(".", tied[0])


def _rounded_groups(marks: MarkReading, writings: Sequence[Writing]) -> bool:
    """Whether the digits after the mark are groups rather than fractions.

    A last digit of 0, as in 12.500, is written only if all fractions have the same length; numbers
    without a mark, as in 987, only if they have not. 1234 shows that thousands have no mark.
    """
    used = [w for w in writings if any(r.thousands == marks.thousands for r in w.style.readings)]
    lengths = {length for writing in writings for length in writing.lengths}
    return bool(lengths) and max(lengths) <= 3 and any(writing.round_rows for writing in used)


def _changes(style: Style, one: MarkReading, other: MarkReading) -> bool:
    """Whether the two give different values to numbers of this style."""
    by_one, by_other = reads(one, style), reads(other, style)
    return by_one and by_other and len({(r.decimal, r.thousands) for r in style.readings}) > 1


def _differ(one: MarkReading, other: MarkReading, writings: Sequence[Writing]) -> bool:
    return any(_changes(writing.style, one, other) for writing in writings)


def _choice(
    writings: Sequence[Writing], marks: MarkReading, certain: bool, evidence: str
) -> MarkChoice:
    read = tuple(writing for writing in writings if reads(marks, writing.style))
    shown = any(
        reading.decimal or reading.thousands in (".", ",")
        for writing in read
        for reading in writing.style.readings
    )
    return MarkChoice(marks, read, certain, certain and shown, evidence)


def _proof(
    marks: MarkReading,
    best: dict[str, tuple[int, MarkReading]],
    writings: Sequence[Writing],
) -> str:
    """A sentence that names a text which no other decimal mark reads."""
    for writing in writings:
        others = [rival for mark, (_, rival) in best.items() if mark != marks.decimal]
        if reads(marks, writing.style) and not any(reads(rival, writing.style) for rival in others):
            grouped = all(reading.thousands for reading in writing.style.readings)
            if any(reading.decimal for reading in writing.style.readings):
                return f"'{writing.example}' shows a decimal {MARK_NAMES[marks.decimal]}"
            if grouped:
                return (
                    f"'{writing.example}' shows a {MARK_NAMES[marks.thousands]} between thousands"
                )
    if marks.thousands:
        return f"{with_article(MARK_NAMES[marks.thousands])} stands between groups of three digits"
    return NO_MARKS


def _doubt(
    writing: Writing,
    marks: MarkReading,
    rival: MarkReading,
    tied: list[MarkReading],
    decimal: str | None,
) -> str:
    """A sentence on a text that two readings give different values."""
    mark = next(r.thousands for r in writing.style.readings if r.thousands)
    name = MARK_NAMES[mark]
    roles = [f"a decimal {name}", "a mark between thousands"]
    taken, other = reversed(roles) if mark == marks.thousands else roles
    text = f"in '{writing.example}' the {name} was taken for {taken} rather than {other}"
    if rival not in tied:
        return f"{text}, because that reads more rows"
    if decimal == marks.decimal:
        return f"{text}, because the decimal mark of the file is a {MARK_NAMES[decimal]}"
    if marks.decimal == ".":
        return f"{text}, because nothing shows that the decimal mark is a comma"
    return f"{text}, because others have no {name} and some end in 0"
