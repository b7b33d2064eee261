"""What a user should be told of the columns that were learned from, beside how they are encoded."""

from collections.abc import Sequence

from pellucid.data.encode import Encoder, LeftOut
from pellucid.data.encode.category import CategoryEncoder
from pellucid.data.note import Note, quoted, shortened

MOST_NOTES = 5
"""Columns left out that get a note each; more of them share one."""


def remarks(encoders: Sequence[Encoder]) -> list[Note]:
    """Notes on columns that are left out, and on categories too many to be told apart."""
    left_out = [encoder.kind for encoder in encoders if isinstance(encoder, LeftOut)]
    notes = [
        Note(kind.column, f"'{shortened(kind.column)}' is left out: {kind.reason}.", 1)
        for kind in left_out
    ]
    if len(left_out) > MOST_NOTES:
        names = quoted([kind.column for kind in left_out], MOST_NOTES)
        text = f"{len(left_out):,} columns are left out, as they tell nothing: {names}."
        notes = [Note("", text, len(left_out))]
    crowded = [each for each in encoders if isinstance(each, CategoryEncoder) and each.common]
    return notes + [_crowded_note(each) for each in crowded]


def _crowded_note(encoder: CategoryEncoder) -> Note:
    name, apart = encoder.kind.column, encoder.indicators
    told = (
        f"the commonest {apart:,} are told apart, the others by how common they are"
        if apart
        else "none is in enough rows to be told apart but by how common it is"
    )
    return Note(name, f"'{shortened(name)}' has many different values: {told}.", apart)
