"""What a column is for a network: a number, a category, a date … and why."""

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
"""Rows below which a column of all different values may still be a category or a number."""

IDENTIFIER_SHARE = 0.95
"""Share of different texts from which a column names rows instead of describing them."""

_IDENTIFIER_NAMES = frozenset(["id", "index", "rownames", "rowname", "row", "uuid", "guid", "key"])


@dataclass(frozen=True)
class ColumnKind:
    """What a column was taken for, with the reason in plain words."""

    column: str
    kind: KindName
    reason: str


def infer_kind(column: Column) -> ColumnKind:
    """The kind of a column, from the values it holds.

    constant: nothing but missing values, or a single value; identifier: a value of its own in
    (nearly) every row, which a network could only learn by heart; boolean: two states; then date,
    number and category by how the values are stored.
    """
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
    different = np.unique(values)
    if len(different) == 1 and present == len(column):
        return _constant(column.name, f"{different[0]:g}")
    if len(different) == 2 and different[0] == 0 and different[1] == 1:
        return ColumnKind(column.name, "boolean", "every value is 0 or 1")
    whole = bool((different == np.floor(different)).all())
    if whole and len(different) == present == len(column):
        reason = _row_number(column.name, different)
        if reason:
            return ColumnKind(column.name, "identifier", reason)
    if whole:
        reason = f"whole numbers, {counted(len(different), 'different value')}"
        return ColumnKind(column.name, "number", reason)
    return ColumnKind(column.name, "number", "numbers with fractions")


def _row_number(name: str, different: NDArray[np.float64]) -> str:
    """Why whole numbers that all differ name rows; "" where they need not.

    They do when they fill at least half of the range from 0 up, as row numbers do even after rows
    were held out, or when the column is called an id.
    """
    count = len(different)
    if count < IDENTIFIER_ROWS:
        return ""
    if different[0] >= 0 and different[-1] <= 2 * count:
        return "whole numbers that run like row numbers, each in one row only"
    if _is_identifier_name(name):
        return "whole numbers that differ in every row, in a column named as an identifier"
    return ""


def _is_identifier_name(name: str) -> bool:
    words = name.replace("-", "_").replace(" ", "_")
    last = words.rsplit("_", 1)[-1].lower()
    return last in _IDENTIFIER_NAMES or (words.endswith(("Id", "ID")) and len(words) > 2)


def _text_kind(column: TextColumn, present: int) -> ColumnKind:
    counts = column.counts()
    different = int((counts > 0).sum())
    if different == 1 and present == len(column):
        return _constant(column.name, f"'{column.levels[int(counts.argmax())]}'")
    kept, covered = different, present
    if column.levels[-1] == RARE_TEXTS and counts[-1]:
        kept, covered = different - 1, present - int(counts[-1])
    if present >= IDENTIFIER_ROWS and kept >= IDENTIFIER_SHARE * covered:
        some = "" if kept == different else "the first "
        reason = f"{kept:,} different texts in {some}{counted(covered, 'row')}: it names the rows"
        return ColumnKind(column.name, "identifier", reason)
    return ColumnKind(column.name, "category", f"texts, {counted(different, 'different value')}")
