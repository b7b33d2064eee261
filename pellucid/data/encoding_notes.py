"""Notes for the user on columns that are dropped or have very many categories."""

from collections.abc import Sequence

from pellucid.data.encode import DroppedColumn, Encoder
from pellucid.data.encode.category import CategoryEncoder
from pellucid.data.note import Note, quoted, shortened

MOST_NOTES = 5
"""The most dropped columns with a note each; more of them share one note."""


def encoding_notes(encoders: Sequence[Encoder]) -> list[Note]:
    """Notes on dropped columns, and on columns with more categories than indicators."""
    dropped = [encoder.kind for encoder in encoders if isinstance(encoder, DroppedColumn)]
    notes = [
        Note(kind.column, f"'{shortened(kind.column)}' is left out: {kind.reason}.", 1)
        for kind in dropped
    ]
    if len(dropped) > MOST_NOTES:
        names = quoted([kind.column for kind in dropped], MOST_NOTES)
        text = f"{len(dropped):,} columns are left out, as they tell nothing: {names}."
        notes = [Note("", text, len(dropped))]
    many_levels = [each for each in encoders if isinstance(each, CategoryEncoder) and each.common]
    return notes + [_many_levels_note(each) for each in many_levels]


def _many_levels_note(encoder: CategoryEncoder) -> Note:
    name, indicators = encoder.kind.column, encoder.indicators
    encoding = (
        f"the commonest {indicators:,} have an indicator each, the others only their frequency"
        if indicators
        else "none is in enough rows for an indicator, so each has its frequency only"
    )
    return Note(name, f"'{shortened(name)}' has many different values: {encoding}.", indicators)
