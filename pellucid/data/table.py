"""A table: named columns of equal length, with notes on what was found while reading it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pellucid.data.column import Column, Rows
from pellucid.data.note import Note, quoted
from pellucid.data.suggest import did_you_mean
from pellucid.errors import DataError


@dataclass(frozen=True, eq=False)
class Table:
    """Columns of equal length; reading a file or converting a data frame gives one.

    `source` says where it came from, for messages. `notes` says what was found and handled.
    """

    columns: tuple[Column, ...]
    notes: tuple[Note, ...] = ()
    source: str = "the table"

    def __post_init__(self) -> None:
        repeated = repeated_names(self.names)
        if repeated:
            raise DataError(
                f"{self.source} names more than one column {quoted(repeated)}: "
                "give every column a name of its own."
            )
        lengths = {len(column) for column in self.columns}
        if len(lengths) > 1:
            sizes = ", ".join(f"'{column.name}' {len(column):,}" for column in self.columns[:10])
            raise DataError(f"The columns of {self.source} differ in length: {sizes}.")

    @property
    def rows(self) -> int:
        """The number of rows."""
        return len(self.columns[0]) if self.columns else 0

    @property
    def names(self) -> tuple[str, ...]:
        """The column names, in order."""
        return tuple(column.name for column in self.columns)

    def __contains__(self, name: str) -> bool:
        return name in self.names

    def column(self, name: str) -> Column:
        """The column of that name; `DataError` suggests the nearest name where there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise DataError(
            f"There is no column '{name}' in {self.source}; {did_you_mean(name, self.names)}"
        )

    def take(self, rows: Rows) -> "Table":
        """The table with only these rows (row numbers or a mask), in this order."""
        return replace(self, columns=tuple(column.take(rows) for column in self.columns))

    def select(self, names: Sequence[str]) -> "Table":
        """The table with only these columns, in this order; unknown names raise `DataError`."""
        return replace(self, columns=tuple(self.column(name) for name in names))

    def drop(self, names: Sequence[str]) -> "Table":
        """The table without these columns and the notes on them; unknown names raise `DataError`."""
        gone = {self.column(name).name for name in names}
        kept = tuple(column for column in self.columns if column.name not in gone)
        notes = tuple(note for note in self.notes if note.column not in gone)
        return replace(self, columns=kept, notes=notes)


def repeated_names(names: Sequence[str]) -> list[str]:
    """The names that occur more than once, in order of first appearance."""
    seen: set[str] = set()
    repeated: dict[str, None] = {}
    for name in names:
        if name in seen:
            repeated[name] = None
        seen.add(name)
    return list(repeated)
