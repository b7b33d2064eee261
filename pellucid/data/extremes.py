"""Numbers far from all others, such as -9999 for a missing value, a slipped decimal mark or a total.

The values of a column are cut into low, usual and high ones where a gap is wider than `GAP` times the
range of the usual values. A repeated number of nines needs a gap of `CODE_GAP` times that range only,
as 99 beside answers from 1 to 5.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from pellucid.data.column import Column, NumberColumn
from pellucid.data.kind import infer_kind
from pellucid.data.note import Note, counted, quoted, readable, shortened

GAP, CODE_GAP = 3.0, 1.0
"""The least gap, in ranges of the usual values: of any number, and of a repeated number of nines."""

LEAST_ROWS = 10
"""The fewest rows with a usual value."""

MOST_NOTES = 5
"""The most columns with a note each."""

_MOST_VALUES = 3
_MOST_SHARE = 0.1
_CODE_SHARE = 0.25
_LEAST_USUAL = 5
_LEAST_ANSWERS = 3
_SAMPLE = 10_000


@dataclass(frozen=True)
class Extremes:
    """Distinct values far from the others, ascending, with their rows, and the range of the others.

    first_row: the first row, counted from 1, that holds one of them.
    """

    values: tuple[float, ...]
    rows: tuple[int, ...]
    low: float
    high: float
    first_row: int


def extremes(values: NDArray[np.float64]) -> Extremes | None:
    """The values (n,) far from all others, NaN being missing; None where there are none."""
    known = values[np.isfinite(values)]
    if len(known) < LEAST_ROWS:
        return None
    # The usual values hold both quartiles, so a gap is at least as wide as the range between them.
    sample = known[:: max(len(known) // _SAMPLE, 1)]
    lower, upper = np.quantile(sample, [0.25, 0.75])
    reach = CODE_GAP * (upper - lower) / 2
    if known.min() >= lower - reach and known.max() <= upper + reach:
        return None
    distinct, counts = np.unique(known, return_counts=True)
    for low, high in _cuts(len(distinct)):
        usual = slice(low, len(distinct) - high)
        outside = np.r_[0:low, len(distinct) - high : len(distinct)]
        if _is_far(distinct, counts, usual, outside):
            far = distinct[outside]
            first = int(np.flatnonzero(np.isin(values, far))[0]) + 1
            kept = distinct[usual]
            return Extremes(
                tuple(far.tolist()), tuple(counts[outside].tolist()), kept[0], kept[-1], first
            )
    return None


def _cuts(distinct: int) -> Iterator[tuple[int, int]]:
    """How many of the least and of the greatest values may be far, those with most values first."""
    most = range(_MOST_VALUES, -1, -1)
    for low, high in product(most, most):
        if low + high and distinct - low - high >= _LEAST_ANSWERS:
            yield low, high


def _is_far(
    distinct: NDArray[np.float64],
    counts: NDArray[np.int64],
    usual: slice,
    outside: NDArray[np.int64],
) -> bool:
    kept = distinct[usual]
    far, rows = distinct[outside], counts[outside]
    codes = all(_is_code(value, count) for value, count in zip(far, rows, strict=True))
    enough = _LEAST_ANSWERS if codes else _LEAST_USUAL
    share = _CODE_SHARE if codes else _MOST_SHARE
    if len(kept) < enough or counts[usual].sum() < LEAST_ROWS:
        return False
    if rows.sum() > share * counts.sum():
        return False
    gap = (CODE_GAP if codes else GAP) * (kept[-1] - kept[0])
    return bool(np.all((far < kept[0] - gap) | (far > kept[-1] + gap)))


def _is_code(value: float, rows: int) -> bool:
    """Whether a value is 99, -999, 9999 … in two rows or more."""
    digits = f"{abs(value):.0f}"
    return rows > 1 and abs(value) == float(digits) and len(digits) > 1 and set(digits) == {"9"}


def extreme_note(column: Column) -> Note | None:
    """A note on the numbers of a column that are far from all others; None where there are none."""
    if not isinstance(column, NumberColumn):
        return None
    far = extremes(column.values.astype(np.float64))
    if far is None or infer_kind(column).kind != "number":
        return None
    count = sum(far.rows)
    shown = [_exact(value) for value in far.values]
    listed = f"{', '.join(shown[:-1])} and {shown[-1]}" if len(shown) > 1 else shown[0]
    where = f"in row {far.first_row:,}"
    if count > 1:
        where = f"in {counted(count, 'row')}, first in row {far.first_row:,}"
    usual = f"the others ({readable(far.low)} to {readable(far.high)})"
    text = f"'{shortened(column.name)}' holds {listed} {where}, far from {usual}: "
    if max(far.rows) > 1:
        words = " ".join(f"--missing={value}" for value in shown)
        text += f"{words}, if that stands for missing values; correct it if it is a mistake."
    else:
        text += "correct it if it is a mistake, or leave out the row."
    return Note(column.name, text, count)


def extreme_notes(columns: Iterable[Column]) -> list[Note]:
    """A note on each column with such numbers; those beyond `MOST_NOTES` share one."""
    notes = [note for note in map(extreme_note, columns) if note is not None]
    others = notes[MOST_NOTES:]
    if not others:
        return notes
    names = quoted([note.column for note in others], MOST_NOTES)
    more = counted(len(others), "more column holds", "more columns hold")
    text = f"{more} numbers far from all others: {names}; 'pellucid columns' lists them."
    return [*notes[:MOST_NOTES], Note("", text, len(others))]


def _exact(value: float) -> str:
    return f"{value:.0f}" if abs(value) < 1e15 and value == round(value) else repr(value)
