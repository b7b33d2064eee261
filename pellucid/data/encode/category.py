"""Categories as indicators (one-hot encoding) of the commonest levels."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pellucid.data import checked
from pellucid.data.coerce import as_text
from pellucid.data.column import MISSING_CODE, RARE_TEXTS, Column, TextColumn
from pellucid.data.encode.base import Block, Json, Training, fewest_rows, kind_to_json
from pellucid.data.kind import ColumnKind
from pellucid.data.note import Note, counted, shortened
from pellucid.data.statistics import mean_and_std

MOST_INDICATORS = 64
"""The most levels with an indicator each; with more levels, a feature is their frequency."""

MOST_COUNTED = 10_000
"""The most levels with a count for that feature."""

KEYS = (
    *("encoder", "column", "kind", "reason"),
    *("levels", "counts", "rows", "indicators", "missing_rows", "missing", "common"),
    *("order", "rank"),
)


@dataclass(frozen=True)
class CategoryEncoder:
    """Indicators of the commonest levels, of other levels and of missing values, and a frequency.

    `levels` are those of the table, with their `counts` among the `rows` of training, most frequent
    first; a level that only the other rows have has the count 0.
    The first `indicators` levels have an indicator each. The other levels, and levels not seen in
    training, share one. `missing`: whether missing values have an indicator. A value without an
    indicator is encoded as the mean training row: each indicator is its share of the training rows.
    `common`, if not None, is the mean and standard deviation of log(1 + count) over the training
    rows; one more feature is log(1 + count), standardised with them.
    `order` has the levels in the order that the source gives them; none where it gives none. `rank` is
    the mean and standard deviation of their place in it over the training rows; one more feature is the
    place, standardised, and 0 for a missing value or a level without a place.
    """

    kind: ColumnKind
    levels: tuple[str, ...]
    counts: tuple[int, ...]
    rows: int
    indicators: int
    missing_rows: int
    missing: bool
    common: tuple[float, float] | None
    order: tuple[str, ...] = ()
    rank: tuple[float, float] = (0.0, 1.0)

    @property
    def other_rows(self) -> int:
        """Training rows with a level that has no indicator of its own."""
        return self.rows - self.missing_rows - sum(self.counts[: self.indicators])

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The names "column = level", then those for other levels, missing values and frequency."""
        name = self.kind.column
        other = [f"{name} = any other"] if self.other_rows else []
        missing = [f"{name} is missing"] if self.missing else []
        common = [f"{name}: how common"] if self.common else []
        order = [f"{name}: place in the order"] if self.order else []
        levels = [f"{name} = {level}" for level in self.levels[: self.indicators]]
        return (*levels, *other, *missing, *common, *order)

    def how(self) -> str:
        """The encoding in plain words."""
        parts = [f"one-hot, {counted(self.indicators, 'level')}"] if self.indicators else []
        parts += ["an indicator of other levels"] if self.other_rows else []
        parts += ["an indicator of missing values"] if self.missing else []
        parts += ["the frequency of the level"] if self.common else []
        parts += ["the place of the level in the order"] if self.order else []
        return ", ".join(parts)

    def encode(self, column: Column, out: Block, notes: list[Note]) -> None:
        """Writes the features of all rows into `out`; levels not seen in training are noted."""
        texts = as_text(column)
        index_of = {level: index for index, level in enumerate(self.levels)}
        indices = np.array([index_of.get(level, -1) for level in texts.levels], np.int64)
        table = self._table(indices)
        if self.order:
            table[:-1, -1] = self._ranks(texts.levels)
        out[:] = table[texts.codes]
        unseen = texts.counts() * (indices < 0)
        if unseen.any() and len(self.levels) < MOST_COUNTED:
            notes.append(_unseen_note(texts, unseen))

    def to_json(self) -> Json:
        """The encoder as plain JSON values."""
        return {
            "encoder": "category",
            **kind_to_json(self.kind),
            "levels": list(self.levels),
            "counts": list(self.counts),
            "rows": self.rows,
            "indicators": self.indicators,
            "missing_rows": self.missing_rows,
            "missing": self.missing,
            "common": list(self.common) if self.common else None,
            "order": list(self.order),
            "rank": list(self.rank),
        }

    def _ranks(self, levels: tuple[str, ...]) -> NDArray[np.float64]:
        """The standardised place of each level, 0 for one without a place."""
        mean, deviation = self.rank
        place = {level: (index - mean) / deviation for index, level in enumerate(self.order)}
        return np.array([place.get(level, 0.0) for level in levels])

    def _table(self, indices: NDArray[np.int64]) -> NDArray[np.float32]:
        """Features for indices into `levels` (-1 unknown); the last row is for missing values."""
        own, other = self.indicators, bool(self.other_rows)
        table = np.zeros((len(indices) + 1, len(self.feature_names)), np.float32)
        flags = table[:, : own + other + self.missing]
        level = np.append(np.where((indices >= 0) & (indices < own), indices, own), own + other)
        has_indicator = level < flags.shape[1] if self.missing else level < own + other
        if not other:
            has_indicator[:-1] &= level[:-1] < own
        flags[has_indicator, level[has_indicator]] = 1.0
        flags[~has_indicator] = self._average()
        if self.common:
            counts = np.array([*self.counts, 0])[indices]
            mean, deviation = self.common
            column = -2 if self.order else -1
            table[:-1, column] = (np.log1p(counts) - mean) / deviation
        return table

    def _average(self) -> NDArray[np.float32]:
        """The mean of each indicator over the training rows."""
        ones = list(self.counts[: self.indicators])
        ones += [self.other_rows] if self.other_rows else []
        ones += [self.missing_rows] if self.missing else []
        return np.array(ones, np.float32) / np.float32(self.rows)


def _unseen_note(texts: TextColumn, unseen: NDArray[np.int64]) -> Note:
    total = int(unseen.sum())
    example = shortened(texts.levels[int(unseen.argmax())])
    verb = "was" if total == 1 else "were"
    return Note(
        texts.name,
        f"{counted(total, 'value')} of '{texts.name}' {verb} never seen in training, "
        f"such as '{example}'.",
        total,
    )


def learn_category(column: Column, kind: ColumnKind, training: Training) -> CategoryEncoder:
    """The encoder for a column of categories, from the training rows."""
    texts = as_text(column)
    counts = texts.counts()
    order = sorted(range(len(counts)), key=lambda code: (-counts[code], texts.levels[code]))
    order = [code for code in order if texts.levels[code] != RARE_TEXTS]
    occurring = int((counts > 0).sum())
    missing = int((texts.codes == MISSING_CODE).sum())
    least = fewest_rows(training.rows)
    indicators = sum(counts[code] >= least for code in order[:MOST_INDICATORS])
    common = None
    if occurring > MOST_INDICATORS:
        kept = np.zeros(len(counts), np.int64)
        kept[order[:MOST_COUNTED]] = counts[order[:MOST_COUNTED]]
        logs = np.log1p(kept[texts.codes[texts.codes != MISSING_CODE]])
        mean, deviation = mean_and_std(logs)
        common = (mean, deviation or 1.0)
    return CategoryEncoder(
        kind,
        tuple(texts.levels[code] for code in order[:MOST_COUNTED]),
        tuple(int(counts[code]) for code in order[:MOST_COUNTED]),
        len(texts),
        int(indicators),
        missing,
        missing >= least,
        common,
        *_order(texts),
    )


def _order(texts: TextColumn) -> tuple[tuple[str, ...], tuple[float, float]]:
    """The levels in the order of the source, and the mean and deviation of the rows' places."""
    known = texts.codes[texts.codes != MISSING_CODE].astype(np.float64)
    if not texts.ordered or not len(known):
        return (), (0.0, 1.0)
    mean, deviation = mean_and_std(known)
    return texts.levels, (mean, deviation or 1.0)


def category_from_json(value: object, where: str, kind: ColumnKind) -> CategoryEncoder:
    """The encoder from its JSON; anything else raises `ModelFileError`."""
    entries = checked.record(value, where, KEYS)
    levels = checked.texts(entries["levels"], f"{where}.levels")
    counts = checked.whole_numbers(entries["counts"], f"{where}.counts")
    encoder = CategoryEncoder(
        kind,
        levels,
        counts,
        checked.whole(entries["rows"], f"{where}.rows", least=1),
        checked.whole(entries["indicators"], f"{where}.indicators"),
        checked.whole(entries["missing_rows"], f"{where}.missing_rows"),
        checked.flag(entries["missing"], f"{where}.missing"),
        _common(entries["common"], f"{where}.common"),
        checked.texts(entries["order"], f"{where}.order"),
        _common(entries["rank"], f"{where}.rank") or (0.0, 1.0),
    )
    if len(counts) != len(levels):
        raise checked.refuse(f"{where}.counts", f"{len(levels)} counts", len(counts))
    if encoder.indicators > min(len(levels), MOST_INDICATORS):
        raise checked.refuse(f"{where}.indicators", "at most one a level", encoder.indicators)
    if sum(counts) + encoder.missing_rows > encoder.rows:
        raise checked.refuse(f"{where}.rows", "at least the sum of the counts", encoder.rows)
    return encoder


def _common(value: object, where: str) -> tuple[float, float] | None:
    if value is None:
        return None
    pair = checked.items(value, where)
    if len(pair) != 2:
        raise checked.refuse(where, "a mean and a deviation", value)
    return checked.number(pair[0], where), checked.positive(pair[1], where)
