"""Columns that are dropped: constants and identifiers."""

from dataclasses import dataclass

from pellucid.data import checked
from pellucid.data.column import Column
from pellucid.data.encode.base import Block, Json, kind_to_json
from pellucid.data.kind import ColumnKind
from pellucid.data.note import Note

KEYS = ("encoder", "column", "kind", "reason")


@dataclass(frozen=True)
class DroppedColumn:
    """A column without features."""

    kind: ColumnKind

    @property
    def feature_names(self) -> tuple[str, ...]:
        """No names."""
        return ()

    def how(self) -> str:
        """The encoding in plain words."""
        return "left out"

    def encode(self, column: Column, out: Block, notes: list[Note]) -> None:
        """Writes nothing."""

    def to_json(self) -> Json:
        """The encoder as plain JSON values."""
        return {"encoder": "left out", **kind_to_json(self.kind)}


def dropped_from_json(value: object, where: str, kind: ColumnKind) -> DroppedColumn:
    """The encoder from its JSON; anything else raises `ModelFileError`."""
    checked.record(value, where, KEYS)
    return DroppedColumn(kind)
