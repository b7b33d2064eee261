"""Reading a table by the form of a training table."""

from dataclasses import replace

import numpy as np

from pellucid.data.column import Column, NumberColumn
from pellucid.data.form.column import ColumnForm, wanted
from pellucid.data.form.read import read_column, without_missing_numbers
from pellucid.data.form.strays import Strays, stray_notes
from pellucid.data.form.table import TableForm
from pellucid.data.form.text import TextForm
from pellucid.data.form.typed import fitted
from pellucid.data.note import Note, Progress
from pellucid.data.raw import ListTexts, Raw, RawTable, Typed
from pellucid.data.table import Table


def read_known(raw: RawTable, form: TableForm, progress: Progress) -> Table:
    """The table by this form, value by value; columns without a form are read as texts.

    Where the source leaves out missing values, a column that it lacks is missing in all rows, and so
    is one that holds nested values.
    """
    columns: list[Column] = []
    notes = list(raw.notes)
    for position, each in enumerate(raw.columns):
        progress(
            f"{raw.source}: {raw.rows:,} rows, column {position + 1} of {len(raw.columns)}, "
            f"'{each.name}'"
        )
        column, column_notes = _column(each, form)
        columns.append(column)
        notes += column_notes
    columns += _absent(raw, form)
    return Table(tuple(columns), tuple(notes), raw.source, form, raw.left_out)


def _column(raw: Raw, form: TableForm) -> tuple[Column, list[Note]]:
    if raw.name in form:
        return read_column(raw, form.column(raw.name))
    if isinstance(raw.data, Typed):
        return raw.data.load(), []
    return read_column(raw, ColumnForm(raw.name, TextForm()))


def _absent(raw: RawTable, form: TableForm) -> list[Column]:
    """Columns of the form that hold nested values here, or that a source leaves out as missing.

    The latter only where it has any column of the form.
    """
    names = {each.name for each in raw.columns}
    some = bool(names & {column.name for column in form.columns})
    blank = ListTexts([None] * raw.rows)
    absent = [
        column
        for column in form.columns
        if column.name not in names and (column.name in raw.left_out or (raw.sparse and some))
    ]
    return [read_column(Raw(column.name, blank), column)[0] for column in absent]


def refitted(table: Table, form: TableForm) -> Table:
    """A table that was read already, with its columns by this form."""
    if table.form is form or table.form == form:
        return table
    columns: list[Column] = []
    notes = list(table.notes)
    for column in table.columns:
        if column.name in form:
            own = form.column(column.name)
            if _is_read_alike(column.name, table.form, form):
                column = _without_missing_numbers(column, own)
            else:
                column, column_notes = refitted_column(column, own)
                notes += column_notes
        columns.append(column)
    return replace(table, columns=tuple(columns), notes=tuple(notes), form=form)


def _is_read_alike(name: str, one: TableForm, other: TableForm) -> bool:
    """Whether both forms give a column values of the same meaning: dates, times of day, texts …"""
    return name in one and wanted(one.column(name).form) == wanted(other.column(name).form)


def refitted_column(column: Column, form: ColumnForm) -> tuple[Column, list[Note]]:
    """A column that was read already by this form, with a note on what does not fit."""
    strays = Strays()
    if _is_blank(column):
        return read_column(Raw(column.name, ListTexts([None] * len(column))), form)
    result = fitted(column, form.form, strays.add)
    result = _without_missing_numbers(result, form)
    return result, stray_notes(result, strays, form.form)


def _without_missing_numbers(column: Column, form: ColumnForm) -> Column:
    return without_missing_numbers(column, replace(form, missing=form.words(written=False)))


def _is_blank(column: Column) -> bool:
    return isinstance(column, NumberColumn) and bool(np.isnan(column.values).all())
