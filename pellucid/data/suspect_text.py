"""Finding the suspect rows of a text file that is loaded into DuckDB, and leaving them out."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pellucid.data.csv_copy import Irregular, listed_lines, rows
from pellucid.data.dialect import Dialect
from pellucid.data.note import Note, counted
from pellucid.data.suspect_rows import Row, SuspectRow, suspects_at_end, suspects_at_start

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SAMPLE_ROWS = 300
"""Rows that show the classes of the columns."""

_EDGE_ROWS = 5
_MOST_COLUMNS = 500


@dataclass(frozen=True)
class LoadedRows:
    """The table `data` of a connection: its dialect, and the file in UTF-8 that it was read from."""

    connection: "DuckDBPyConnection"
    dialect: Dialect
    data: Path
    source: str

    def suspects(self) -> list[SuspectRow]:
        """The suspect rows, in order."""
        count = self._count("TRUE")
        fetched = self._rows(f"rowid < {SAMPLE_ROWS} OR rowid >= {count - _EDGE_ROWS}")
        headers = self._repeated_headers()
        ignored = {suspect.row for suspect in headers}
        inner = [row for row in fetched if row[0] not in ignored]
        below = inner[2:-1] if len(inner) > 20 else inner[1:]
        start = suspects_at_start(inner, below) if self.dialect.header else []
        edges = {suspect.row for suspect in start}
        tail = [
            row for row in inner if row[0] >= max(2, count - _EDGE_ROWS) and row[0] not in edges
        ]
        middle = [row for row in inner if row not in tail and row[0] not in edges]
        end = suspects_at_end(tail, middle or inner[: len(inner) // 2], self._sum)
        return sorted([*start, *headers, *end], key=lambda suspect: suspect.row)

    def leave_out(self, suspects: Sequence[SuspectRow]) -> None:
        """Makes the table `data` anew without these rows."""
        listed = ", ".join(str(suspect.row) for suspect in suspects)
        self.connection.execute(
            f"CREATE TEMP TABLE kept AS SELECT * FROM data WHERE rowid NOT IN ({listed})"
        )
        self.connection.execute("DROP TABLE data")
        self.connection.execute("ALTER TABLE kept RENAME TO data")

    def notes(self, suspects: Sequence[SuspectRow], left_out: Sequence[SuspectRow]) -> list[Note]:
        """A note for each suspect row, with its line; one for all repeated headers."""
        lines = self._lines([suspect.row for suspect in suspects])
        headers = [suspect for suspect in suspects if suspect.kind == "header"]
        notes = [self._header_note(headers, lines, left_out)] if headers else []
        for suspect in suspects:
            if suspect.kind == "header":
                continue
            looks = "holds" if suspect.kind in ("units", "labels") else "is"
            line = f"Line {lines[suspect.row]:,} of {self.source}"
            text = f"{line} {looks} {suspect.reason} and is left out."
            if suspect not in left_out:
                text = (
                    f"{line} looks as if it {looks} {suspect.reason}; it is kept: remove the line if "
                    "it is no data."
                )
            notes.append(Note("", text, 1))
        return notes

    def _header_note(
        self,
        headers: Sequence[SuspectRow],
        lines: dict[int, int],
        left_out: Sequence[SuspectRow],
    ) -> Note:
        listed = listed_lines([lines[suspect.row] for suspect in headers])
        out = headers[0] in left_out
        verb = ("repeats", "is") if len(headers) == 1 else ("repeat", "are")
        text = (
            f"{counted(len(headers), 'line')} of {self.source} {verb[0]} the header and {verb[1]} "
            f"{'left out' if out else 'kept'}: {listed}."
        )
        return Note("", text, len(headers))

    def _repeated_headers(self) -> list[SuspectRow]:
        names = self.dialect.names
        if not self.dialect.header or len(names) > _MOST_COLUMNS:
            return []
        tests, values = [], []
        for position, name in enumerate(names):
            tests.append(f"coalesce(trim(c{position}), '') IN (?, ?)")
            bare = "" if name == f"unnamed{position}" else name.rpartition("_")[0] or name
            values += [name, bare]
        query = f"SELECT rowid FROM data WHERE {' AND '.join(tests)} ORDER BY rowid"
        repeated = self.connection.execute(query, values).fetchall()
        certain = len(names) > 1
        return [SuspectRow(int(row), "header", certain, "the header again") for (row,) in repeated]

    def _rows(self, condition: str) -> list[Row]:
        query = f"SELECT rowid, * FROM data WHERE {condition} ORDER BY rowid"
        fetched = self.connection.execute(query).fetchall()
        return [
            (int(row[0]), ["" if cell is None else cell for cell in row[1:]]) for row in fetched
        ]

    def _count(self, condition: str) -> int:
        row = self.connection.execute(f"SELECT count(*) FROM data WHERE {condition}").fetchone()
        return 0 if row is None else int(row[0])

    def _sum(self, position: int, ignored: Sequence[int]) -> tuple[float, int]:
        """The sum of a column without some rows, by the decimal mark of the file."""
        bare = f"regexp_replace(c{position}, '[^0-9.,eE+-]', '', 'g')"
        plain = f"replace({bare}, ',', '')"
        if self.dialect.decimal == ",":
            plain = f"replace(replace({bare}, '.', ''), ',', '.')"
        listed = ", ".join(str(row) for row in ignored)
        row = self.connection.execute(
            f"SELECT coalesce(sum(number), 0), count(number) FROM (SELECT try_cast({plain} AS DOUBLE) "
            f"AS number FROM data WHERE rowid NOT IN ({listed}))"
        ).fetchone()
        return (0.0, 0) if row is None else (float(row[0]), int(row[1]))

    def _lines(self, wanted: Sequence[int]) -> dict[int, int]:
        """The lines in the file of these rows."""
        last = max(wanted, default=-1)
        lines: dict[int, int] = {}
        irregular = Irregular(self.source, len(self.dialect.names))
        for number, record in enumerate(rows(self.data, self.dialect, irregular)):
            if number in wanted:
                lines[number] = record.line
            if number >= last:
                break
        return lines
