"""Counts of what one way of writing dates reads in a column."""

import re
from dataclasses import dataclass, field

from pellucid.data.form.date_layout import Layout, Shape

MOST_DISTINCT = 64
"""The number of distinct values up to which they are counted."""

_PLAUSIBLE = (-5_364_662_400, 7_258_118_400)
"""1800-01-01 and 2200-01-01: years that are not in it are rather numbers than years."""

_WORD = re.compile(r"[^\W\d_]+")


@dataclass
class Tally:
    """The texts that one pattern of a date reads, whatever time of day follows it.

    date:       the pattern of the date, "" for a time of day alone, or a name of `SPECIAL`.
    rows:       rows that are read, and by `texts`, as many texts; `only` are the texts, and
    only_rows   the rows, that no other pattern reads.
    times:      rows by the pattern of the time and whether a zone follows.
    names:      rows by the names of months and weekdays.
    up, down:   steps between successive texts that go forward and back in time.
    plausible:  texts of the years 1800 to 2200.
    minutes:    texts whose value is a whole number of minutes.
    colons:     the numbers of colons in a text that occur; words: the most words in a text.
    seasons:    texts such as 2010-11, which may be the season from 2010 to 2011.
    """

    date: str
    rows: int = 0
    texts: int = 0
    only: int = 0
    only_rows: int = 0
    times: dict[tuple[str, bool], int] = field(default_factory=dict)
    names: dict[tuple[frozenset[str], frozenset[str]], int] = field(default_factory=dict)
    up: int = 0
    down: int = 0
    plausible: int = 0
    minutes: int = 0
    colons: set[int] = field(default_factory=set)
    words: int = 0
    lowest: float = float("inf")
    highest: float = float("-inf")
    seasons: int = 0
    _last: float | None = None
    _values: set[float] = field(default_factory=set)

    @property
    def distinct(self) -> int:
        """Distinct values, counted up to `MOST_DISTINCT`."""
        return len(self._values)

    @property
    def steps(self) -> int:
        """Steps between successive texts that differ in time."""
        return self.up + self.down

    @property
    def back(self) -> int:
        """Steps against the direction in which most go."""
        return min(self.up, self.down)

    def enter(
        self, text: str, value: float, count: int, layout: Layout, shape: Shape, only: bool
    ) -> None:
        """Takes in one text and its value."""
        self.rows += count
        self.texts += 1
        if only:
            self.only += 1
            self.only_rows += count
        time = (layout.time, layout.zone)
        self.times[time] = self.times.get(time, 0) + count
        if shape.months or shape.weekdays:
            names = (shape.months, shape.weekdays)
            self.names[names] = self.names.get(names, 0) + count
        self._step(value)
        self.lowest = min(self.lowest, value)
        self.highest = max(self.highest, value)
        self.plausible += _PLAUSIBLE[0] <= value < _PLAUSIBLE[1]
        self.minutes += value % 60 == 0
        if len(self.colons) < 3:
            self.colons.add(text.count(":"))
        if self.date == "duration units":
            self.words = max(self.words, len(_WORD.findall(text)))
        if self.date == "%Y-%m":
            self.seasons += (int(text[:4]) + 1) % 100 == int(text[5:])
        if len(self._values) < MOST_DISTINCT:
            self._values.add(value)

    def _step(self, value: float) -> None:
        if self._last is not None and value != self._last:
            if value > self._last:
                self.up += 1
            else:
                self.down += 1
        self._last = value
