"""A column as numbers, dates, booleans or texts, by the plain form of each."""

from pellucid.data.column import BooleanColumn, Column, DateColumn, NumberColumn, TextColumn
from pellucid.data.form.boolean import BooleanForm
from pellucid.data.form.column import ColumnForm, Form
from pellucid.data.form.date.form import DateForm
from pellucid.data.form.known import refitted_column
from pellucid.data.form.number.form import NumberForm
from pellucid.data.form.text import TextForm, number_name
from pellucid.data.note import Note

__all__ = ["as_boolean", "as_date", "as_number", "as_text", "number_name"]


def as_number(column: Column, notes: list[Note]) -> NumberColumn:
    """The column as numbers: true is 1; what is no number becomes missing, with a note."""
    fitted = _as(column, NumberForm(), notes)
    assert isinstance(fitted, NumberColumn)
    return fitted


def as_date(column: Column, notes: list[Note]) -> DateColumn:
    """The column as dates; what is no date becomes missing, with a note."""
    fitted = _as(column, DateForm(), notes)
    assert isinstance(fitted, DateColumn)
    return fitted


def as_boolean(column: Column, notes: list[Note]) -> BooleanColumn:
    """The column as true and false: 1, "yes" and "true" are true; others become missing."""
    fitted = _as(column, BooleanForm(), notes)
    assert isinstance(fitted, BooleanColumn)
    return fitted


def as_text(column: Column) -> TextColumn:
    """The column as texts: 3.0 becomes "3", true "True", and a date year-month-day."""
    fitted = _as(column, TextForm(), [])
    assert isinstance(fitted, TextColumn)
    return fitted


def _as(column: Column, form: Form, notes: list[Note]) -> Column:
    fitted, fitted_notes = refitted_column(column, ColumnForm(column.name, form))
    notes += fitted_notes
    return fitted
