"""Notes on how columns are read; columns that are read alike share one."""

from collections.abc import Sequence
from dataclasses import dataclass

from pellucid.data.form.column import ColumnForm
from pellucid.data.note import Note, quoted, shortened

FEWEST_ALIKE = 3
"""The fewest columns that share a note."""

MOST_NAMED = 5
"""The most columns that a shared note names."""


@dataclass(frozen=True)
class FormNote(Note):
    """A note on how a column is read: its form in words, the evidence, and the option against it.

    `option` is "" where the form is certain.
    """

    form: str = ""
    evidence: str = ""
    option: str = ""


def form_note(form: ColumnForm, certain: bool, option: str) -> Note:
    """A note on how the column is read, from what evidence, and the option that says otherwise."""
    words, evidence = form.describe(), _lower_first(form.evidence.rstrip("."))
    option = "" if certain else option
    because = f": {evidence}" if evidence else ""
    text = f"'{shortened(form.name)}' was read as {words}{because}.{_otherwise(option)}"
    return FormNote(form.name, text, 0, words, evidence, option)


def with_shared_notes(notes: Sequence[tuple[Note, ...]]) -> list[tuple[Note, ...]]:
    """The notes on each column, with one for all columns that are read alike, at the first of them."""
    alike: dict[tuple[str, str], list[FormNote]] = {}
    for note in (each for some in notes for each in some if isinstance(each, FormNote)):
        alike.setdefault(_kind(note), []).append(note)
    shared = {kind: some for kind, some in alike.items() if len(some) >= FEWEST_ALIKE}

    def replaced(note: Note) -> tuple[Note, ...]:
        if not isinstance(note, FormNote) or _kind(note) not in shared:
            return (note,)
        same = shared[_kind(note)]
        return (_shared(same),) if note is same[0] else ()

    return [tuple(new for note in some for new in replaced(note)) for some in notes]


def _kind(note: FormNote) -> tuple[str, str]:
    return note.form, note.option.partition(" ")[0]


def _shared(notes: Sequence[FormNote]) -> Note:
    first = notes[0]
    names = quoted([note.column for note in notes], MOST_NAMED)
    text = f"{len(notes):,} columns were read as {first.form}: {names}."
    option = first.option
    if option:
        option = f"{option.partition(' ')[0]} COLUMN=…" if " " in option else option
        text += f" '{shortened(first.column)}': {first.evidence}." if first.evidence else ""
    return Note("", f"{text}{_otherwise(option)}", len(notes))


def _otherwise(option: str) -> str:
    return f" This is not certain; {option} says otherwise." if option else ""


def _lower_first(text: str) -> str:
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]
