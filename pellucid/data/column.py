"""Columns of a table: numbers, texts, booleans and dates, each in one NumPy array."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

MISSING_CODE = -1
"""The code of a missing text."""

MISSING_DATE = int(np.iinfo(np.int64).min)
"""The `seconds` of a missing date."""

MISSING_BOOLEAN = 2
"""The state of a missing boolean."""

RARE_TEXTS = "(one of very many texts)"
"""The last level of a text column with more distinct texts than `MOST_LEVELS` of `form/read.py`."""

Rows = NDArray[Any]
"""Row numbers (integers) or a mask (booleans)."""


@dataclass(frozen=True, eq=False)
class NumberColumn:
    """Numbers: `values` is float64 or float32, shape (n,), NaN where missing, never infinite.

    `whole`: whether they were written as whole numbers. A class label then stays 3, not 3.0.
    """

    name: str
    values: NDArray[Any]
    whole: bool = False

    def __len__(self) -> int:
        return len(self.values)

    def missing(self) -> NDArray[np.bool_]:
        """Mask of the missing values, shape (n,)."""
        return np.asarray(np.isnan(self.values))

    def take(self, rows: Rows) -> "NumberColumn":
        """The column with only these rows, in this order."""
        return replace(self, values=self.values[rows])


@dataclass(frozen=True, eq=False)
class TextColumn:
    """Texts: `codes` is int32, shape (n,), an index into `levels`, -1 where missing.

    `ordered`: whether the source gave the levels an order, in which they are.
    """

    name: str
    codes: NDArray[np.int32]
    levels: tuple[str, ...]
    ordered: bool = False

    def __len__(self) -> int:
        return len(self.codes)

    def missing(self) -> NDArray[np.bool_]:
        """Mask of the missing values, shape (n,)."""
        return np.asarray(self.codes == MISSING_CODE)

    def take(self, rows: Rows) -> "TextColumn":
        """The column with only these rows, in this order; the levels stay as they are."""
        return replace(self, codes=self.codes[rows])

    def counts(self) -> NDArray[np.int64]:
        """How often each level occurs, shape (len(levels),)."""
        present = self.codes[self.codes != MISSING_CODE]
        return np.bincount(present, minlength=len(self.levels)).astype(np.int64)


@dataclass(frozen=True, eq=False)
class BooleanColumn:
    """True and false: `states` is int8, shape (n,): 0 false, 1 true, 2 missing."""

    name: str
    states: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.states)

    def missing(self) -> NDArray[np.bool_]:
        """Mask of the missing values, shape (n,)."""
        return np.asarray(self.states == MISSING_BOOLEAN)

    def take(self, rows: Rows) -> "BooleanColumn":
        """The column with only these rows, in this order."""
        return replace(self, states=self.states[rows])


@dataclass(frozen=True, eq=False)
class DateColumn:
    """Dates and times: `seconds` is int64, shape (n,), since 1970-01-01 in local time.

    A time zone is dropped, and the local time kept: the hour of the day is what people act on.
    """

    name: str
    seconds: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.seconds)

    def missing(self) -> NDArray[np.bool_]:
        """Mask of the missing values, shape (n,)."""
        return np.asarray(self.seconds == MISSING_DATE)

    def take(self, rows: Rows) -> "DateColumn":
        """The column with only these rows, in this order."""
        return replace(self, seconds=self.seconds[rows])


Column = NumberColumn | TextColumn | BooleanColumn | DateColumn
