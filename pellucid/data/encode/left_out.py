"""Columns that carry nothing to learn from: constants and identifiers."""

from dataclasses import dataclass

from pellucid.data import checked
from pellucid.data.column import Column
from pellucid.data.encode.base import Block, Json, kind_to_json
from pellucid.data.kind import ColumnKind
from pellucid.data.note import Note

KEYS = ("encoder", "column", "kind", "reason")


@dataclass(frozen=True)
class LeftOut:
    """A column that becomes no feature at all."""

    kind: ColumnKind

    @property
    def feature_names(self) -> tuple[str, ...]:
        """No names."""
        return ()

    def how(self) -> str:
        """In plain words, what the column becomes."""
        return "left out"

    def encode(self, column: Column, out: Block, notes: list[Note]) -> None:
        """Writes nothing."""

    def to_json(self) -> Json:
        """The encoder as plain JSON values."""
        return {"encoder": "left out", **kind_to_json(self.kind)}


def left_out_from_json(value: object, where: str, kind: ColumnKind) -> LeftOut:
    """The encoder from its JSON; anything else raises `ModelFileError`."""
    checked.record(value, where, KEYS)
    return LeftOut(kind)
