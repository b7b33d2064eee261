"""Counts of what one way of writing dates reads in a column."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pellucid.data.form.date.special import DAY

MOST_DISTINCT = 64
"""The number of distinct values up to which they are counted."""

LIKELY_SHARE = 0.95
"""The share of texts of likely years from which numbers are taken for dates."""

_PLAUSIBLE = (-5_364_662_400, 7_258_118_400)
"""1800-01-01 and 2200-01-01: years that are not in it are rather numbers than years."""

_FOREVER = 253_402_214_400
"""9999-12-31, which stands for no end."""

Names = tuple[frozenset[str], frozenset[str]]
"""The names of months and of weekdays in a text."""


@dataclass(frozen=True)
class Batch:
    """What one way reads of the texts of one shape, in a chunk of texts.

    time:   the pattern of the time of day after the date, and whether a zone follows.
    names:  the names of months and weekdays in the texts.
    colons: the number of colons in a text; words: the number of words.
    rows:   the positions in the chunk of the texts that are read, and `values`, what they are.
    """

    time: tuple[str, bool]
    names: Names
    colons: int
    words: int
    rows: NDArray[np.int64]
    values: NDArray[np.float64]


@dataclass
class Tally:
    """The texts that one pattern of a date reads, whatever time of day follows it.

    date:       the pattern of the date, "" for a time of day alone, or a name of `SPECIAL`.
    rows:       rows that are read, and `texts`, as many texts.
    only:       texts that no other way reads.
    times:      rows by the pattern of the time and whether a zone follows.
    names:      rows by the names of months and weekdays.
    up, down:   steps between successive texts that go forward and back in time.
    even:       steps of the commonest length, as the median step of each chunk is.
    plausible:  texts of the years 1800 to 2199, and of 9999-12-31.
    minutes:    texts whose value is a whole number of minutes.
    firsts:     texts whose date is the first of a month.
    seasons:    texts such as 2010-11, which may be the season from 2010 to 2011.
    colons:     the numbers of colons in a text that occur; words: the most words in a text.
    """

    date: str
    rows: int = 0
    texts: int = 0
    only: int = 0
    times: dict[tuple[str, bool], int] = field(default_factory=dict)
    names: dict[Names, int] = field(default_factory=dict)
    up: int = 0
    down: int = 0
    even: int = 0
    plausible: int = 0
    minutes: int = 0
    firsts: int = 0
    seasons: int = 0
    colons: set[int] = field(default_factory=set)
    words: int = 0
    lowest: float = float("inf")
    highest: float = float("-inf")
    _last: float = float("nan")
    _values: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))

    @property
    def distinct(self) -> int:
        """Distinct values, counted up to `MOST_DISTINCT`."""
        return len(self._values)

    @property
    def is_plausible(self) -> bool:
        """Whether nearly all texts are of the years 1800 to 2199."""
        return self.plausible >= LIKELY_SHARE * self.texts

    @property
    def steps(self) -> int:
        """Steps between successive texts that differ in time."""
        return self.up + self.down

    @property
    def back(self) -> int:
        """Steps against the direction in which most go."""
        return min(self.up, self.down)

    def enter(
        self, batches: Sequence[Batch], counts: NDArray[np.int64], readings: NDArray[np.int64]
    ) -> None:
        """Takes in the values of a chunk.

        counts:   the rows of each text of the chunk.
        readings: the number of ways that read each text.
        """
        for batch in batches:
            self._note(batch, int(counts[batch.rows].sum()))
        rows = np.concatenate([batch.rows for batch in batches])
        values = np.concatenate([batch.values for batch in batches])
        order = np.argsort(rows, kind="stable")
        rows, values = rows[order], values[order]
        self.rows += int(counts[rows].sum())
        self.texts += len(rows)
        self.only += int((readings[rows] == 1).sum())
        self._measure(values)

    def _note(self, batch: Batch, rows: int) -> None:
        self.times[batch.time] = self.times.get(batch.time, 0) + rows
        if batch.names != (frozenset(), frozenset()):
            self.names[batch.names] = self.names.get(batch.names, 0) + rows
        self.colons.add(batch.colons)
        self.words = max(self.words, batch.words)

    def _measure(self, values: NDArray[np.float64]) -> None:
        steps = np.diff(values, prepend=self._last)
        self.up += int((steps > 0).sum())
        self.down += int((steps < 0).sum())
        self.even += (
            int((steps == np.median(steps[~np.isnan(steps)])).sum()) if len(steps) > 1 else 0
        )
        self._last = float(values[-1])
        self.lowest = min(self.lowest, float(values.min()))
        self.highest = max(self.highest, float(values.max()))
        likely = (values >= _PLAUSIBLE[0]) & (values < _PLAUSIBLE[1])
        self.plausible += int((likely | (values >= _FOREVER)).sum())
        self.minutes += int((values % 60 == 0).sum())
        days = (values // DAY).astype("datetime64[D]")
        months = days.astype("datetime64[M]")
        self.firsts += int((days == months).sum())
        if self.date in ("%Y-%m", "%Y/%m"):
            self.seasons += _seasons(months)
        if len(self._values) < MOST_DISTINCT:
            self._values = np.unique(np.append(self._values, values))[:MOST_DISTINCT]


def _seasons(months: NDArray[np.datetime64]) -> int:
    """How many months have the number of the year that follows theirs, as 2010-11."""
    numbers = months.astype(np.int64)
    years, month = numbers // 12 + 1970, numbers % 12 + 1
    return int(((years + 1) % 100 == month).sum())
