"""What the encoder of every kind of column offers."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pellucid.data.column import Column
from pellucid.data.kind import ColumnKind
from pellucid.data.note import Note

Block = NDArray[np.float32]
"""Where an encoder writes its features: float32, shape (n, len(feature_names))."""

Json = dict[str, Any]


class Encoder(Protocol):
    """Turns one column into features, by what was learned from the training rows."""

    @property
    def kind(self) -> ColumnKind:
        """What the column was taken for, and why."""

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The names of the features, none where the column is left out."""

    def how(self) -> str:
        """In plain words, what the column becomes."""

    def encode(self, column: Column, out: Block, notes: list[Note]) -> None:
        """Writes the features of all rows into `out`; appends what was noticed to `notes`."""

    def to_json(self) -> Json:
        """The encoder as plain JSON values."""


@dataclass(frozen=True)
class Training:
    """What encoders learn with: the number of training rows and what is to be predicted.

    `signal` is float64, shape (n, m): the target value, or an indicator for each of the commonest
    classes.
    """

    rows: int
    signal: NDArray[np.float64]


def enough_rows(rows: int) -> int:
    """Rows that a level, or missingness, must have in training to get a feature of its own.

    5, and one in 50 in tables under 250 rows: a feature that is 1 in fewer rows teaches nothing but
    those rows.
    """
    return max(1, min(5, rows // 50))


def kind_to_json(kind: ColumnKind) -> Json:
    """The part of the JSON that is common to all encoders."""
    return {"column": kind.column, "kind": kind.kind, "reason": kind.reason}
