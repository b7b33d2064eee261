"""Booleans as 0 and 1."""

from dataclasses import dataclass

import numpy as np

from pellucid.data import checked
from pellucid.data.coerce import as_boolean
from pellucid.data.column import MISSING_BOOLEAN, Column
from pellucid.data.encode.base import Block, Json, Training, fewest_rows, kind_to_json
from pellucid.data.kind import ColumnKind
from pellucid.data.note import Note

KEYS = ("encoder", "column", "kind", "reason", "share", "missing")


@dataclass(frozen=True)
class BooleanEncoder:
    """True is 1, false 0, and missing the share of true among known training values.

    `share` is that share, in 0 … 1. `missing`: whether a second feature is 1 where missing.
    """

    kind: ColumnKind
    share: float
    missing: bool

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The column's own name, and "name is missing"."""
        name = self.kind.column
        return (name, f"{name} is missing") if self.missing else (name,)

    def how(self) -> str:
        """The encoding in plain words."""
        indicator = ", and an indicator of missing values" if self.missing else ""
        return f"0 or 1, {self.share:.3g} where missing{indicator}"

    def encode(self, column: Column, out: Block, notes: list[Note]) -> None:
        """Writes the features of all rows into `out`."""
        states = as_boolean(column, notes).states
        out[:, 0] = np.array([0.0, 1.0, self.share], np.float32)[states]
        if self.missing:
            out[:, 1] = states == MISSING_BOOLEAN

    def to_json(self) -> Json:
        """The encoder as plain JSON values."""
        own = {"share": self.share, "missing": self.missing}
        return {"encoder": "boolean", **kind_to_json(self.kind), **own}


def learn_boolean(column: Column, kind: ColumnKind, training: Training) -> BooleanEncoder:
    """The encoder for a column of two states, from the training rows."""
    states = as_boolean(column, []).states
    missing = int((states == MISSING_BOOLEAN).sum())
    known = len(states) - missing
    share = float((states == 1).sum() / known) if known else 0.5
    return BooleanEncoder(kind, share, missing >= fewest_rows(training.rows))


def boolean_from_json(value: object, where: str, kind: ColumnKind) -> BooleanEncoder:
    """The encoder from its JSON; anything else raises `ModelFileError`."""
    entries = checked.record(value, where, KEYS)
    share = checked.number(entries["share"], f"{where}.share")
    if not 0.0 <= share <= 1.0:
        raise checked.refuse(f"{where}.share", "between 0 and 1", share)
    return BooleanEncoder(kind, share, checked.flag(entries["missing"], f"{where}.missing"))
