"""The interface of encoders, and what they learn from."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pellucid.data.column import Column
from pellucid.data.kind import ColumnKind
from pellucid.data.note import Note

Block = NDArray[np.float32]
"""An encoder's columns of the feature array: float32, shape (n, len(feature_names))."""

Json = dict[str, Any]


class Encoder(Protocol):
    """Encodes one column as features, with statistics of the training rows."""

    @property
    def kind(self) -> ColumnKind:
        """The kind of the column, with the reason."""

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The names of the features; none for a dropped column."""

    def how(self) -> str:
        """The encoding in plain words."""

    def encode(self, column: Column, out: Block, notes: list[Note]) -> None:
        """Writes the features of all rows into `out`; appends irregularities to `notes`."""

    def to_json(self) -> Json:
        """The encoder as plain JSON values."""


@dataclass(frozen=True)
class Training:
    """The training rows that encoders learn from: their number and their response.

    `response` is float64, shape (n, m): the target value, or indicators of the commonest classes.
    """

    rows: int
    response: NDArray[np.float64]


def fewest_rows(rows: int) -> int:
    """The fewest training rows with which a level, or missingness, gets an indicator.

    It is 5, or one row in 50 of tables below 250 rows. An indicator that is 1 in fewer rows would let
    a network memorise those rows.
    """
    return max(1, min(5, rows // 50))


def kind_to_json(kind: ColumnKind) -> Json:
    """The JSON entries that all encoders share."""
    return {"column": kind.column, "kind": kind.kind, "reason": kind.reason}
