"""Columns as a source holds them, before the form of their values is decided."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pellucid.data.column import Column
from pellucid.data.dialect import Dialect
from pellucid.data.note import Note

CHUNK_ROWS = 131_072
"""Rows of texts that are held as Python objects at a time."""


SAMPLE_ROWS = 2_000
"""Rows of a sample of texts."""


class Plain(NamedTuple):
    """Values of the texts that are plainly written: `values` (n,), and the others by row number."""

    values: NDArray[Any]
    others: list[tuple[int, str]]


class PlainFacts(NamedTuple):
    """What the texts of a column are, counted without reading each.

    `present`: not missing. `numbers`: plain numbers, with `low` and `high` among them. `fractions`:
    texts with a point or an exponent; `grouped`: those of which could have separators of thousands, as
    "1.234". `codes`: texts that begin with 0 and another digit, or that are digits around a letter E.
    `dates`: ISO dates. `na`: "NA".
    """

    present: int
    numbers: int
    low: float
    high: float
    fractions: int
    grouped: int
    codes: int
    dates: int
    na: int


class Texts(ABC):
    """The texts of a column; "" is missing.

    written: whether they come from a text file, where words such as "NA" mean a missing value.
    """

    written: bool = False

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def chunks(self) -> Iterator[list[str]]:
        """The texts of all rows in order, a chunk at a time."""

    def distinct(self) -> Iterator[tuple[list[str], list[int]]]:
        """Distinct texts with their counts, a chunk at a time; a text may be in several chunks."""
        for chunk in self.chunks():
            counts = Counter(chunk)
            yield list(counts), list(counts.values())

    def sample(self) -> list[str]:
        """Texts of some rows from all over the column."""
        texts = [text for chunk in self.chunks() for text in chunk]
        rows = np.random.default_rng(0).permutation(len(texts))[:SAMPLE_ROWS]
        return [texts[row] for row in rows]

    def facts(self, missing: Sequence[str]) -> PlainFacts | None:
        """Counts of plainly written texts; None where counting is no faster than reading."""
        return None

    def plain_numbers(self, missing: Sequence[str], fractions: bool) -> Plain | None:
        """Plain numbers, NaN where missing or otherwise written; None where this is no faster.

        fractions: whether numbers with a point or an exponent are plain.
        """
        return None

    def plain_dates(self, missing: Sequence[str]) -> Plain | None:
        """Seconds of ISO dates, like `plain_numbers`."""
        return None


class ListTexts(Texts):
    """Texts in a list; None is missing."""

    def __init__(self, texts: Sequence[str | None], written: bool = False) -> None:
        self.texts = texts
        self.written = written

    def __len__(self) -> int:
        return len(self.texts)

    def chunks(self) -> Iterator[list[str]]:
        """The texts of all rows in order, a chunk at a time."""
        for start in range(0, len(self.texts), CHUNK_ROWS):
            yield [text or "" for text in self.texts[start : start + CHUNK_ROWS]]


@dataclass(frozen=True)
class Typed:
    """A column of one type. `load` makes it; `exact` gives whole numbers that float64 would round.

    duration: whether its numbers are seconds of a type of durations.
    """

    load: Callable[[], Column]
    exact: Callable[[], list[Any]] | None = None
    duration: bool = False


@dataclass(frozen=True)
class Levels:
    """Texts of a categorical type, whose `levels` have an order."""

    texts: Texts
    levels: tuple[str, ...]


@dataclass(frozen=True)
class Mixed:
    """Python objects of any types; None is missing."""

    values: list[Any]


@dataclass(frozen=True)
class Raw:
    """One column as its source holds it."""

    name: str
    data: Texts | Typed | Levels | Mixed


@dataclass
class RawTable:
    """Columns as a source holds them; `columns` may be read as long as the source is open.

    `left_out`: names of columns that a table cannot hold. `sparse`: whether the source leaves out
    missing values, so a column that is not there is missing everywhere. `written`: whether the source
    is a text file, and `dialect` how it is divided.
    """

    source: str
    rows: int
    columns: list[Raw]
    notes: list[Note] = field(default_factory=list)
    left_out: tuple[str, ...] = ()
    sparse: bool = False
    written: bool = False
    dialect: Dialect | None = None


def is_beyond_float(values: NDArray[Any]) -> bool:
    """Whether any number is so large that float64 does not hold each whole number."""
    present = values[~np.isnan(values)]
    return bool(len(present)) and float(np.abs(present).max()) >= 2.0**53
