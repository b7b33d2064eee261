"""What the texts of a column say about how its dates are written.

Every text is read in each way that its shape allows (`date_layout.py`). The way that reads most rows
is the form; where two read as many, the order of the rows decides, then a rule:

- Day or month first. A part above 12 is a day, and a weekday speaks against an order in which the date
  is another day. Where no text decides, the reading in which the rows are in order of time is taken if
  the other has steps back, then the one in which each date is the first of a month, in more than a
  year. Otherwise the day comes first after `.`, `-` and spaces, and the month after `/`. Texts that
  fit only the other order are never read in it.
- Two-digit years come last, unless the texts fit only with the year first, or are in order of time with
  it, or span less than a quarter of the time.
- Parts that may be missing (the time, seconds, a time zone) are those that some texts have and others
  lack.
- Names of months and weekdays are those of the languages that have all names of the column.
- H:M:S is a time of day where all hours are below 24, and a duration otherwise, or where the column's
  name says so, or where all hours are below 6 and some are 0. Both 59:12 and 1:02:33 in a column are
  durations in minutes and seconds.
- Numbers are dates only where the column says so. Eight digits are yyyymmdd, ddmmyyyy or mmddyyyy where
  95% of the texts are dates of the years 1800 to 2199 and there are at least three of them, or one with
  a name such as "date". Six digits are yyyymm with such a name only. Numbers of 10, 13, 16 or 19
  digits are Unix time of the years 2001 to 2039 with a name such as "timestamp"; without one, if 20 or
  more different ones spread over a day to 15 years, and are all full minutes, or only rise or fall over
  the rows and do so mostly in even steps. Then it is not certain.
- Texts whose digits are all 0, as 0000-00-00, are no dates, and count for nothing in the share.
- 2009-10, 2010-11 … are seasons, not months, where each text names two successive years.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from pellucid.data.form.date.choice import choose
from pellucid.data.form.date.columns import ReadAll, reader_of_alike
from pellucid.data.form.date.form import ORDERS, DateForm, named_form, wish
from pellucid.data.form.date.layout import DIGITS, Layout, is_rare, shape_layouts
from pellucid.data.form.date.names import LANGUAGES, weekdays
from pellucid.data.form.date.numbers import is_digits, trusted
from pellucid.data.form.date.special import DAY
from pellucid.data.form.date.tally import MOST_DISTINCT, Batch, Names, Tally
from pellucid.data.form.decided import Decided

_MOST_SHAPES = 20_000
_TRIAL = 20_000
"""Texts after which a column with hardly any dates is no longer looked at."""

_SAMPLE = 50_000
"""Texts that are kept for patterns that a user sets."""

_CHUNK = 50_000
"""Texts that are counted at a time, to bound the memory."""

_NO_DATE = re.compile(
    r"0000-00-00(?:[ T]00:00(?::00(?:\.0+)?)?)?|00([-/.])00\1(?:00)?00|0{8}|0{14}"
)
_WORD = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True)
class _Way:
    """A way to read texts of one shape: its layout, its reader, and the names in the texts."""

    layout: Layout
    rare: bool
    read: ReadAll
    names: Names


@dataclass
class _Unset:
    """Rows whose digits are all 0, as 0000-00-00, which stand for no date: dates, and the number 0."""

    dates: int = 0
    zeros: int = 0
    texts: int = 0

    def add(self, texts: Sequence[str], counts: Sequence[int]) -> None:
        """Counts the texts that stand for no date."""
        for text, count in zip(texts, counts, strict=True):
            if text[:1] != "0":
                continue
            zero, no_date = text == "0", _NO_DATE.fullmatch(text) is not None
            self.zeros += count * zero
            self.dates += count * no_date
            self.texts += zero or no_date


class DateEvidence:
    """Collects what the texts of one column say, for `decide`.

    name: the column's name, which helps to tell dates from numbers and durations from times of day.
    """

    def __init__(self, name: str = "") -> None:
        self._name = name
        self._shapes: dict[str, tuple[_Way, ...]] = {}
        self._tallies: dict[str, Tally] = {}
        self._sample: dict[str, int] = {}
        self._rows = 0
        self._texts = 0
        self._dated = 0
        self._unset = _Unset()
        self._rare = False

    def add(self, texts: Sequence[str], counts: Sequence[int]) -> None:
        """Takes in distinct, stripped texts of non-missing values, in the order of the rows."""
        for start in range(0, len(texts), _CHUNK):
            self._add(texts[start : start + _CHUNK], counts[start : start + _CHUNK])

    def decide(self, pattern: str | None = None, wanted: bool = False) -> Decided[DateForm] | None:
        """The form that reads most rows; None where the texts are no dates, or not surely enough.

        pattern: how the user says that dates are written: a `strptime` pattern, "day first", "month
                 first", "excel" for the day numbers of Excel, "unix seconds" (or milli-, micro-,
                 nanoseconds). The share is that of the first 50,000 texts. `DataError` for anything
                 else.
        wanted:  whether the user says that the column holds dates; numbers then need no other sign.
        """
        asked = wish(pattern or "")
        if asked and asked not in ORDERS:
            return self._decide_named(named_form(asked))
        choice = choose(self._tallies, self._name, asked)
        if choice is not None:
            texts = self._texts - self._unset.texts
            choice = trusted(choice, self._name, texts, wanted)
        if choice is None:
            return None
        unset = self._unset.dates + self._unset.zeros * is_digits(choice.form.pattern)
        share = choice.rows / max(1, self._rows - unset)
        return Decided(choice.form, share, choice.tally.distinct, choice.certain, choice.evidence)

    def _add(self, texts: Sequence[str], counts: Sequence[int]) -> None:
        self._rows += sum(counts)
        if len(self._sample) < _SAMPLE:
            self._sample.update(zip(texts, counts, strict=True))
        if self._texts < _TRIAL or 100 * self._dated >= self._texts:
            read = self._read(texts)
            if not self._rare and any(way.rare for way, _ in read):
                self._rare = True
                read = self._read(texts)
            self._count(read, np.array(counts, np.int64))
            self._unset.add(texts, counts)
        self._texts += len(texts)

    def _read(self, texts: Sequence[str]) -> list[tuple[_Way, Batch]]:
        """What the ways of their shapes read of the texts.

        A rare way reads what no other does, until it has read something.
        """
        groups: dict[str, list[int]] = {}
        for row, text in enumerate(texts):
            groups.setdefault(text.translate(DIGITS), []).append(row)
        result = []
        for shape, rows in groups.items():
            ways = self._shapes.get(shape)
            if ways is None:
                ways = self._ways(shape)
            if ways:
                alike = [texts[row] for row in rows]
                result += self._batches(shape, ways, alike, np.array(rows, np.int64))
        return result

    def _batches(
        self, shape: str, ways: tuple[_Way, ...], texts: list[str], rows: NDArray[np.int64]
    ) -> list[tuple[_Way, Batch]]:
        """What each way reads of texts of one shape."""
        colons, words = shape.count(":"), len(_WORD.findall(shape))
        result = []
        unread = np.ones(len(texts), np.bool_)
        for way in ways:
            values = way.read(texts)
            is_read = ~np.isnan(values)
            if way.names[1] and "%m" in way.layout.date:
                is_read &= np.isin((values // DAY + 3) % 7 + 1, _weekday_numbers(way.names[1]))
            if way.rare and not self._rare:
                is_read &= unread
            unread &= ~is_read
            if is_read.any():
                time = way.layout.time, way.layout.zone
                batch = Batch(time, way.names, colons, words, rows[is_read], values[is_read])
                result.append((way, batch))
        return result

    def _count(self, read: list[tuple[_Way, Batch]], counts: NDArray[np.int64]) -> None:
        """Enters in the tallies what was read."""
        if not read:
            return
        rows = np.concatenate([batch.rows for _, batch in read])
        readings = np.bincount(rows, minlength=len(counts))
        self._dated += int((readings > 0).sum())
        by_date: dict[str, list[Batch]] = {}
        for way, batch in read:
            by_date.setdefault(way.layout.date, []).append(batch)
        for date, batches in by_date.items():
            self._tallies.setdefault(date, Tally(date)).enter(batches, counts, readings)

    def _ways(self, text: str) -> tuple[_Way, ...]:
        """The ways to read texts of a shape, the rare ones last."""
        shape = shape_layouts(unicodedata.normalize("NFC", text))
        ways = [
            _Way(layout, is_rare(layout.date), _reader(layout), (shape.months, shape.weekdays))
            for layout in shape.layouts
        ]
        result = tuple(sorted(ways, key=lambda way: way.rare))
        if len(self._shapes) < _MOST_SHAPES:
            self._shapes[text] = result
        return result

    def _decide_named(self, form: DateForm) -> Decided[DateForm] | None:
        read = form.read
        values = {text: read(text) for text in self._sample}
        rows = sum(self._sample[text] for text, value in values.items() if value is not None)
        if not rows:
            return None
        distinct = min(MOST_DISTINCT, len({v for v in values.values() if v is not None}))
        share = rows / max(1, sum(self._sample.values()))
        return Decided(form, share, distinct, True, f"the format '{form.pattern}' was set")


def _weekday_numbers(words: frozenset[str]) -> list[int]:
    """The weekdays, 1 (Monday) to 7, that the words mean in any language."""
    known = [weekdays(language) for language in LANGUAGES]
    return [names[word] for names in known for word in words if word in names]


@cache
def _reader(layout: Layout) -> ReadAll:
    read = DateForm(layout.pattern, LANGUAGES).read
    return reader_of_alike(layout.pattern, LANGUAGES, read)
