"""Whether the first row of a table names its columns.

A header differs from the rows below it: it has texts above numbers or dates, or names that do not occur
in their columns. This is the rule of Python's `csv.Sniffer.has_header` and of DuckDB's sniffer, by the
classes of cells. Names may be numbers as well, as years, wavelengths or 0, 1, 2 … are. They then run in
equal steps, or they run one way and all lie outside the ranges of their columns.
"""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

from pellucid.data.dialect.cells import is_missing, is_moment, is_number
from pellucid.data.form.number.form import NumberForm

CLASS_SHARE = 0.8
"""The share of a column's cells that make its class."""

Evidence = Literal["types", "names", "numbers", "none"]
"""What shows a header: types above types, texts alone, numbers that run on; "none" is no header."""

_CLASSED_ROWS = 500
_POINT = NumberForm(decimal=".", thousands=",")
_COMMA = NumberForm(decimal=",", thousands=".")


def header_evidence(first: Sequence[str], body: Sequence[Sequence[str]]) -> Evidence:
    """What shows that `first` is a header above the rows `body`; "none" where it is data."""
    named = [cell for cell in first if not is_missing(cell)]
    if not named:
        return "none"
    numbers = [_value(cell) for cell in named if is_number(cell)]
    if not body:
        return "none" if numbers else "names"
    columns = [list(column) for column in zip(*body[:_CLASSED_ROWS], strict=False)]
    pairs = [(cell, column) for cell, column in zip(first, columns, strict=False)]
    differing, agreeing, repeated, texts = _compared(pairs)
    if differing and (differing > agreeing or not agreeing or _run_evenly(numbers)):
        return "types"
    if differing and numbers and _are_outside(pairs):
        return "types"
    if not agreeing:
        return "none" if 2 * repeated > texts or (numbers and not texts) else "names"
    if differing or len(numbers) < 2 or 2 * repeated > max(texts, 1):
        return "none"
    return "numbers" if _numbers_are_names(numbers, texts, pairs, body) else "none"


def _numbers_are_names(
    numbers: list[float],
    texts: int,
    pairs: list[tuple[str, list[str]]],
    body: Sequence[Sequence[str]],
) -> bool:
    """Whether numbers in the first row name columns, where nothing but they can tell."""
    below = [_value(cell) for cell in body[0] if is_number(cell)]
    if _run_evenly(numbers) and not _run_evenly(below):
        if texts or numbers[0] == 0 or (len(numbers) == len(pairs) - 1 and not pairs[0][0].strip()):
            return True
        return len(numbers) > 2 and _are_outside(pairs)
    return texts > 0 and _are_outside(pairs)


def _compared(pairs: list[tuple[str, list[str]]]) -> tuple[int, int, int, int]:
    """Cells of another class than their typed column and of the same; repeated texts; texts."""
    differing = agreeing = repeated = texts = 0
    for cell, column in pairs:
        if is_missing(cell):
            continue
        kind = _class_of(column)
        if kind in ("number", "moment"):
            same = _kind(cell) == kind
            agreeing += same
            differing += not same
        elif kind == "text" and not is_number(cell):
            texts += 1
            repeated += cell.strip() in {other.strip() for other in column}
    return differing, agreeing, repeated, texts


def _kind(cell: str) -> str:
    if is_missing(cell):
        return "missing"
    if is_number(cell):
        return "number"
    return "moment" if is_moment(cell) else "text"


def _class_of(column: Sequence[str]) -> str:
    """The class of most cells of a column that are not missing; "text" where none prevails."""
    counts = Counter(kind for kind in map(_kind, column) if kind != "missing")
    if not counts:
        return "missing"
    kind, count = counts.most_common(1)[0]
    total = sum(counts.values())
    # One row of units or labels below the header must not hide the class of few rows.
    prevails = count >= CLASS_SHARE * total or (count == total - 1 >= 2)
    return kind if prevails else "text"


def _value(cell: str) -> float:
    value = _POINT.read(cell.strip())
    if value is None:
        value = _COMMA.read(cell.strip())
    return float("nan") if value is None else value


def _run_evenly(numbers: Sequence[float]) -> bool:
    """Whether at least two numbers run in equal steps other than 0."""
    steps = [after - before for before, after in pairwise(numbers)]
    if not steps or steps[0] == 0:
        return False
    return all(abs(step - steps[0]) <= 1e-6 * abs(steps[0]) for step in steps)


def _are_outside(pairs: list[tuple[str, list[str]]]) -> bool:
    """Whether numbers in the first row run one way, each outside the range of its column."""
    numbers: list[float] = []
    for cell, column in pairs:
        if not is_number(cell):
            continue
        number = _value(cell)
        below = [_value(other) for other in column if is_number(other)]
        if below and min(below) <= number <= max(below):
            return False
        numbers.append(number)
    steps = [after - before for before, after in pairwise(numbers)]
    return bool(steps) and (all(step > 0 for step in steps) or all(step < 0 for step in steps))
