"""The form of a column as far as the column itself decides it."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from pellucid.data.form.column import ColumnForm, Form
from pellucid.data.form.date.form import DateForm
from pellucid.data.form.decided import Decided
from pellucid.data.form.form_note import form_note
from pellucid.data.form.number.form import NumberForm
from pellucid.data.note import Note
from pellucid.data.raw import Raw
from pellucid.errors import DataError

ISO_PATTERN = "%Y-%m-%d"


@dataclass
class Draft:
    """The form of one column, and what is open.

    `mark`: the decimal mark that the column shows, or "". `again`: decides the form for the decimal
    mark that other columns show. `certain`: whether the column itself leaves no doubt. `na`: rows with
    "NA", read as missing.
    """

    raw: Raw
    form: ColumnForm
    mark: str = ""
    again: Callable[[str], ColumnForm] | None = None
    certain: bool = True
    na: int = 0
    notes: list[Note] = field(default_factory=list)


def is_plain(form: Form) -> bool:
    """Whether values are numbers that are written plainly, with a decimal point if any."""
    return isinstance(form, NumberForm) and replace(form, whole=False) == NumberForm()


def dated(raw: Raw, base: ColumnForm, date: Decided[DateForm], na: int = 0) -> Draft:
    """The draft of a column of dates; a note where they are not plainly year-month-day."""
    form = replace(base, form=date.form, evidence=date.evidence)
    plain = date.form.pattern.startswith(ISO_PATTERN) and date.certain
    option = f"--date-format '{raw.name}=…'"
    notes = [] if plain else [form_note(form, date.certain, option)]
    return Draft(raw, form, certain=date.certain, na=na, notes=notes)


def no_date(name: str, pattern: str | None) -> DataError:
    """The error for a column without dates of the pattern that the user set."""
    asked = f" written '{pattern}'" if pattern else ""
    return DataError(
        f"'{name}' should hold dates{asked}, but none of its values is one: give another pattern, or "
        "leave out the option."
    )
