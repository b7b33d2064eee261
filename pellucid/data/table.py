"""A table: named columns of equal length, with notes from reading it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from pellucid.data.column import Column, Rows
from pellucid.data.form.table import TableForm
from pellucid.data.note import Note, quoted
from pellucid.data.suggest import did_you_mean
from pellucid.errors import DataError


@dataclass(frozen=True, eq=False)
class Table:
    """Named columns of equal length, as `read_table` returns them.

    `source` names the origin of the table in messages. `notes` tell how irregular values were read.
    `form` is how the columns are written, `left_out` names columns that a table cannot hold.
    Repeated names and columns of different lengths raise `DataError`.
    """

    columns: tuple[Column, ...]
    notes: tuple[Note, ...] = ()
    source: str = "the table"
    form: TableForm = field(default_factory=TableForm)
    left_out: tuple[str, ...] = ()

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
        """The column of that name; an unknown name, or one left out, raises `DataError`."""
        for column in self.columns:
            if column.name == name:
                return column
        if name in self.left_out:
            raise DataError(
                f"The column '{name}' of {self.source} is left out, so it cannot be used."
            )
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
        """The table without these columns and the notes on them; unknown names raise `DataError`.

        A column that the table cannot hold, and its fields as "name.field", may be named too.
        """
        gone = {each for name in names for each in self._dropped(name)}
        kept = tuple(column for column in self.columns if column.name not in gone)
        notes = tuple(note for note in self.notes if note.column not in gone)
        return replace(self, columns=kept, notes=notes)

    def _dropped(self, name: str) -> list[str]:
        """The columns that a name stands for: itself, or the fields of a structure."""
        if name in self.left_out:
            return [name]
        fields = [each for each in self.names if each.startswith(f"{name}.")]
        return fields if fields and name not in self else [self.column(name).name]


def check_names(names: Sequence[str], source: str) -> None:
    """Raises `DataError` where a name of the columns of `source` occurs more than once."""
    counts = Counter(names)
    repeated = [name for name, count in counts.items() if count > 1]
    if repeated:
        raise DataError(
            f"{source} names more than one column {quoted(repeated)}: "
            "give every column a name of its own."
        )
