"""`pellucid columns`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pellucid.cli.show import DelayedProgress, as_json_text, columns, wrapped
from pellucid.data import ReadOptions, Table, read_table
from pellucid.data.note import counted, quiet
from pellucid.data.overview import ColumnOverview, overview


def run_columns(data: Path, as_json: bool, options: ReadOptions | None = None) -> None:
    """Print what would become of each column of a table, without training."""
    table = read_table(data, options, progress=quiet if as_json else DelayedProgress())
    each = overview(table)
    print(as_json_text(_facts(table, each)) if as_json else "\n".join(_page(table, each)))


def _facts(table: Table, each: tuple[ColumnOverview, ...]) -> dict[str, Any]:
    """The overview as plain JSON values."""
    dialect = table.form.dialect
    return {
        "source": table.source,
        "rows": table.rows,
        "written": None if dialect is None else dialect.describe(),
        "columns": [column.to_json() for column in each],
        "left_out": list(table.left_out),
        "notes": _table_notes(table),
    }


def _page(table: Table, each: tuple[ColumnOverview, ...]) -> list[str]:
    """The overview as lines of text."""
    dialect = table.form.dialect
    written = f", {dialect.describe()}" if dialect else ""
    head = f"{table.source}: {counted(table.rows, 'row')}, {counted(len(each), 'column')}{written}."
    rows = [("column", "kind", "missing", "distinct", "written as", "values")]
    rows += [
        (c.column, c.kind, f"{c.missing:,}", f"{c.distinct:,}", _written(c.form), c.values)
        for c in each
    ]
    lines = [*wrapped(head, 0, 0), "", *columns(rows)]
    unused = [c for c in each if c.kind in ("constant", "identifier")]
    if unused:
        lines += ["", "A model would leave out:"]
        lines += [line for c in unused for line in wrapped(f"{c.column}: {c.reason}", 2, 4)]
    notes = [*_table_notes(table), *(note for c in each for note in c.notes)]
    if notes:
        lines += ["", "Noticed in the data:"]
        lines += [line for note in notes for line in wrapped(note, 2, 4)]
    return lines


def _written(form: str) -> str:
    """How a column is written, without the words that its kind says already."""
    return form.removeprefix("numbers with a ").removeprefix("dates written ")


def _table_notes(table: Table) -> list[str]:
    """The notes that concern no column that is used."""
    return [note.text for note in table.notes if note.column not in table]
