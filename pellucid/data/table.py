"""A table: named columns of equal length, with notes from reading it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pellucid.data.column import Column, Rows
from pellucid.data.note import Note, quoted
from pellucid.data.suggest import did_you_mean
from pellucid.errors import DataError


@dataclass(frozen=True, eq=False)
class Table:
    """Named columns of equal length, as `read_table` returns them.

    `source` names the origin of the table in messages. `notes` tell how irregular values were read.
    Repeated names and columns of different lengths raise `DataError`.
    """

    columns: tuple[Column, ...]
    notes: tuple[Note, ...] = ()
    source: str = "the table"

    def __post_init__(self) -> None:
        check_names(self.names, self.source)
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
        """The column of that name; an unknown name raises a `DataError` with a suggestion."""
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


def check_names(names: Sequence[str], source: str) -> None:
    """Raises `DataError` where a name of the columns of `source` occurs more than once."""
    counts = Counter(names)
    repeated = [name for name, count in counts.items() if count > 1]
    if repeated:
        raise DataError(
            f"{source} names more than one column {quoted(repeated)}: "
            "give every column a name of its own."
        )
