"""The statistical kind of a column (number, category, date …) and the reason for it."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pellucid.data.column import (
    RARE_TEXTS,
    BooleanColumn,
    Column,
    DateColumn,
    NumberColumn,
    TextColumn,
)
from pellucid.data.note import counted

KindName = Literal["number", "category", "boolean", "date", "constant", "identifier"]

IDENTIFIER_ROWS = 20
"""The fewest rows from which a column of distinct values is taken for an identifier."""

IDENTIFIER_SHARE = 0.95
"""The share of distinct texts from which a column is an identifier."""

_IDENTIFIER_NAMES = frozenset(["id", "index", "rownames", "rowname", "row", "uuid", "guid", "key"])


@dataclass(frozen=True)
class ColumnKind:
    """The kind of a column, with the reason in plain words."""

    column: str
    kind: KindName
    reason: str


def infer_kind(column: Column, chosen: str = "") -> ColumnKind:
    """The kind of a column, from the values it holds.

    chosen: "number", "category" or "date", which holds for a column that is not constant.

    constant: one value in every row, or none. identifier: distinct values in (nearly) every row,
    which a network could only memorise. boolean: two states. Other columns are dates, numbers or
    categories by their storage.
    """
    inferred = _inferred(column)
    known: dict[str, KindName] = {"number": "number", "category": "category", "date": "date"}
    if chosen not in known or inferred.kind in ("constant", known[chosen]):
        return inferred
    return ColumnKind(column.name, known[chosen], f"you said that it is a {chosen}")


def _inferred(column: Column) -> ColumnKind:
    present = int((~column.missing()).sum())
    if present == 0:
        return ColumnKind(column.name, "constant", "every value is missing")
    match column:
        case NumberColumn():
            return _number_kind(column, present)
        case TextColumn():
            return _text_kind(column, present)
        case BooleanColumn():
            states = column.states[~column.missing()]
            if present == len(column) and states.min() == states.max():
                return _constant(column.name, str(bool(states[0])).lower())
            return ColumnKind(column.name, "boolean", "every value is true or false")
        case DateColumn():
            if present == len(column) and column.seconds.min() == column.seconds.max():
                return _constant(column.name, "a single date")
            return ColumnKind(column.name, "date", "every value is a date")


def _constant(name: str, value: str) -> ColumnKind:
    return ColumnKind(name, "constant", f"every row holds the same value, {value}")


def _number_kind(column: NumberColumn, present: int) -> ColumnKind:
    values = column.values[~column.missing()]
    distinct = np.unique(values)
    if len(distinct) == 1 and present == len(column):
        return _constant(column.name, f"{distinct[0]:g}")
    if len(distinct) == 2 and distinct[0] == 0 and distinct[1] == 1:
        return ColumnKind(column.name, "boolean", "every value is 0 or 1")
    whole = bool((distinct == np.floor(distinct)).all())
    if whole and len(distinct) == present == len(column):
        reason = _row_number(column.name, distinct)
        if reason:
            return ColumnKind(column.name, "identifier", reason)
    if whole:
        reason = f"whole numbers, {counted(len(distinct), 'different value')}"
        return ColumnKind(column.name, "number", reason)
    return ColumnKind(column.name, "number", "numbers with fractions")


def _row_number(name: str, distinct: NDArray[np.float64]) -> str:
    """The reason to take distinct whole numbers for an identifier; "" where there is none.

    They are one if they fill at least half of the range from 0 to their maximum, as row numbers do
    even after a split, or if the name of the column says so.
    """
    count = len(distinct)
    if count < IDENTIFIER_ROWS:
        return ""
    if distinct[0] >= 0 and distinct[-1] <= 2 * count:
        return "whole numbers that run like row numbers: it looks like an ID"
    if _is_identifier_name(name):
        return "whole numbers that differ in every row, and so named: it looks like an ID"
    return ""


def _is_identifier_name(name: str) -> bool:
    words = name.replace("-", "_").replace(" ", "_")
    last = words.rsplit("_", 1)[-1].lower()
    return last in _IDENTIFIER_NAMES or (words.endswith(("Id", "ID")) and len(words) > 2)


def _text_kind(column: TextColumn, present: int) -> ColumnKind:
    counts = column.counts()
    distinct = int((counts > 0).sum())
    if distinct == 1 and present == len(column):
        return _constant(column.name, f"'{column.levels[int(counts.argmax())]}'")
    kept, covered = distinct, present
    if column.levels[-1] == RARE_TEXTS and counts[-1]:
        kept, covered = distinct - 1, present - int(counts[-1])
    if present >= IDENTIFIER_ROWS and kept >= IDENTIFIER_SHARE * covered:
        some = "" if kept == distinct else "the first "
        reason = f"{kept:,} different texts in {some}{counted(covered, 'row')}: it looks like an ID"
        return ColumnKind(column.name, "identifier", reason)
    return ColumnKind(column.name, "category", f"texts, {counted(distinct, 'different value')}")
