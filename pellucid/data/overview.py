"""What would become of each column of a table, without training."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid.data.column import BooleanColumn, Column, DateColumn, NumberColumn, TextColumn
from pellucid.data.extremes import extreme_note
from pellucid.data.kind import infer_kind
from pellucid.data.note import readable, shortened
from pellucid.data.table import Table

MOST_CHARACTERS = 60
"""The most characters of the commonest levels in words."""

MOST_LEVELS = 100
"""The most levels of a column that are listed, the commonest."""


@dataclass(frozen=True)
class ColumnOverview:
    """One column: its kind and why, how it is written and what decided that, and what it holds.

    `values`: its range, or its commonest levels, in words. `levels`: the commonest levels of a column
    of texts with their rows. `notes`: sentences, with the option that says otherwise.
    """

    column: str
    kind: str
    reason: str
    form: str
    evidence: str
    missing: int
    distinct: int
    values: str
    levels: tuple[tuple[str, int], ...]
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """The overview as plain JSON values."""
        return {
            "column": self.column,
            "kind": self.kind,
            "reason": self.reason,
            "form": self.form,
            "evidence": self.evidence,
            "missing": self.missing,
            "distinct": self.distinct,
            "values": self.values,
            "levels": [{"level": level, "rows": rows} for level, rows in self.levels],
            "notes": list(self.notes),
        }


def overview(table: Table) -> tuple[ColumnOverview, ...]:
    """What would become of each column of a table that was read without a form."""
    return tuple(_overview(table, column) for column in table.columns)


def _overview(table: Table, column: Column) -> ColumnOverview:
    form = table.form.column(column.name)
    kind = infer_kind(column, form.kind)
    levels = _levels(column)
    notes = [note for note in (*table.notes, extreme_note(column)) if note is not None]
    notes = [note for note in notes if note.column == column.name]
    return ColumnOverview(
        column.name,
        kind.kind,
        kind.reason,
        form.describe(),
        form.evidence,
        int(column.missing().sum()),
        _distinct(column),
        _range(column) or _commonest(levels),
        levels,
        tuple(note.text for note in notes),
    )


def _distinct(column: Column) -> int:
    match column:
        case TextColumn():
            return int((column.counts() > 0).sum())
        case NumberColumn():
            values = column.values
        case DateColumn():
            values = column.seconds
        case BooleanColumn():
            values = column.states
    return len(np.unique(values[~column.missing()]))


def _levels(column: Column) -> tuple[tuple[str, int], ...]:
    if not isinstance(column, TextColumn):
        return ()
    counts = column.counts()
    order = np.argsort(-counts, kind="stable")[:MOST_LEVELS]
    return tuple((column.levels[code], int(counts[code])) for code in order if counts[code])


def _commonest(levels: tuple[tuple[str, int], ...]) -> str:
    """The commonest levels with their rows, as many as fit; without rows where each is in one row."""
    single = all(rows == 1 for _, rows in levels)
    shown: list[str] = []
    length = 0
    for level, rows in levels[:5]:
        text = shortened(level) if single else f"{shortened(level)} ({rows:,})"
        length += len(text) + 2
        if shown and length > MOST_CHARACTERS:
            break
        shown.append(text)
    return ", ".join([*shown, "…"] if len(shown) < len(levels) else shown)


def _range(column: Column) -> str:
    """The least and greatest value in words; "" for texts, and where all are missing."""
    known = ~column.missing()
    if isinstance(column, TextColumn) or not known.any():
        return ""
    if isinstance(column, BooleanColumn):
        true = int((column.states == 1).sum())
        return f"true in {true:,}, false in {int(known.sum()) - true:,}"
    if isinstance(column, NumberColumn):
        values = column.values[known]
        return f"{_number(float(values.min()))} to {_number(float(values.max()))}"
    ends = [np.datetime64(int(end), "s") for end in _ends(column.seconds[known])]
    return " to ".join(str(end).replace("T", " ").removesuffix(" 00:00:00") for end in ends)


def _number(value: float) -> str:
    """Four significant digits, and all of a whole number; years without a comma."""
    if value != round(value) or abs(value) >= 1e15:
        return readable(value)
    return f"{value:.0f}" if abs(value) < 10_000 else f"{value:,.0f}"


def _ends(values: Any) -> tuple[int, int]:
    return int(values.min()), int(values.max())
