"""The form of a table: how each of its columns is written, and what the user said about it."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any

from pellucid.data import checked
from pellucid.data.dialect import Dialect
from pellucid.data.dialect.dialect import dialect_from_json
from pellucid.data.form.column import ColumnForm, column_form_from_json
from pellucid.data.options import ReadOptions, options_from_json


@dataclass(frozen=True)
class TableForm:
    """The forms of the columns of a table, with the options with which it was read.

    `dialect`: how the file is divided, where the table was a text file.
    """

    columns: tuple[ColumnForm, ...] = ()
    options: ReadOptions = field(default_factory=ReadOptions)
    dialect: Dialect | None = None

    def __contains__(self, name: str) -> bool:
        return name in self._by_name

    def column(self, name: str) -> ColumnForm:
        """The form of the column; `KeyError` for an unknown one."""
        return self._by_name[name]

    def select(self, names: Sequence[str]) -> "TableForm":
        """The form with only these columns, in this order; columns without a form are skipped."""
        kept = tuple(self._by_name[name] for name in names if name in self._by_name)
        return replace(self, columns=kept)

    def with_options(self, options: ReadOptions) -> "TableForm":
        """The form of another table that is written otherwise, as far as the options say so.

        The decimal mark, the words for missing values and the patterns of dates replace those of the
        columns; the kinds of columns are those of training.
        """
        settings = {
            each.name: getattr(options, each.name)
            for each in fields(ReadOptions)
            if getattr(options, each.name) not in (None, {})
        }
        if not settings:
            return self
        columns = tuple(column.with_options(options) for column in self.columns)
        return replace(self, columns=columns, options=replace(self.options, **settings))

    def to_json(self) -> dict[str, Any]:
        """The form as plain JSON values."""
        return {
            "columns": [column.to_json() for column in self.columns],
            "options": self.options.to_json(),
            "dialect": None if self.dialect is None else self.dialect.to_json(),
        }

    @cached_property
    def _by_name(self) -> dict[str, ColumnForm]:
        return {column.name: column for column in self.columns}


def table_form_from_json(value: object, where: str) -> TableForm:
    """The form that `to_json` wrote; anything else raises `ModelFileError`."""
    entries = checked.record(value, where, ("columns", "options", "dialect"))
    columns = tuple(
        column_form_from_json(column, f"{where}.columns[{index}]")
        for index, column in enumerate(checked.items(entries["columns"], f"{where}.columns"))
    )
    checked.texts([column.name for column in columns], f"{where}.columns: names")
    dialect = entries["dialect"]
    return TableForm(
        columns,
        options_from_json(entries["options"], f"{where}.options"),
        None if dialect is None else dialect_from_json(dialect, f"{where}.dialect"),
    )
