"""Texts in a table of DuckDB: plain numbers and ISO dates are counted and read by it."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid.data.column import MISSING_DATE
from pellucid.data.raw import CHUNK_ROWS, SAMPLE_ROWS, Plain, PlainFacts, Texts

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_TIME = r"[T ]([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,9})?)?Z?"
_ISO = rf"[12]\d{{3}}-[01]\d-[0-3]\d({_TIME})?"


class StoredTexts(Texts):
    """The texts of the expression `source` in the table `part`."""

    def __init__(
        self, connection: "DuckDBPyConnection", part: str, source: str, rows: int, written: bool
    ) -> None:
        self.connection = connection
        self.part = part
        self.source = source
        self.rows = rows
        self.written = written

    def __len__(self) -> int:
        return self.rows

    def chunks(self) -> Iterator[list[str]]:
        """The texts of all rows in order, a chunk at a time."""
        for start in range(0, self.rows, CHUNK_ROWS):
            query = (
                f"SELECT coalesce({self.source}, '') FROM {self.part} "
                f"WHERE rowid >= {start} AND rowid < {start + CHUNK_ROWS} ORDER BY rowid"
            )
            yield fetched(self.connection, query).tolist()

    def distinct(self) -> Iterator[tuple[list[str], list[int]]]:
        """Distinct texts with their counts, a chunk at a time."""
        cursor = self.connection.execute(
            f"SELECT {self.source} AS v, count(*) FROM {self.part} WHERE v IS NOT NULL "
            "GROUP BY v ORDER BY min(rowid)"
        )
        while rows := cursor.fetchmany(CHUNK_ROWS):
            yield [row[0] for row in rows], [row[1] for row in rows]

    def sample(self) -> list[str]:
        """Texts of some 2,000 rows, chosen by a hash of the row's number."""
        every = max(1, self.rows // SAMPLE_ROWS)
        query = (
            f"SELECT coalesce({self.source}, '') FROM {self.part} WHERE hash(rowid) % {every} = 0"
        )
        return [str(text) for text in fetched(self.connection, query).tolist()]

    def facts(self, missing: Sequence[str]) -> PlainFacts:
        """Counts of plainly written texts."""
        present, plain, odd, codes, fractions, na = self._one_row(
            "count(v), count(try_cast(v AS DOUBLE)), "
            "count_if(contains(v, '_') OR starts_with(v, '+-')), "
            "count_if(regexp_matches(v, '^[+-]?0[0-9]')), count_if(regexp_matches(v, '[.eE]'))",
            missing,
        )
        low = high = 0.0
        grouped = dates = 0
        if plain == present > 0 and odd == 0:
            low, high, grouped = self._one_row(
                "min(try_cast(v AS DOUBLE)), max(try_cast(v AS DOUBLE)), "
                + (
                    "count_if(regexp_full_match(v, '[+-]?[1-9][0-9]{0,2}\\.[0-9]{3}'))"
                    if 0 < fractions
                    else "0"
                ),
                missing,
            )[:3]
        elif plain == 0:
            dates = self._one_row(f"count_if({_is_date('v')})", missing)[0] if present else 0
        numbers = plain if odd == 0 else 0
        return PlainFacts(
            present, numbers, low or 0.0, high or 0.0, fractions, grouped, codes, dates, na
        )

    def plain_numbers(self, missing: Sequence[str], fractions: bool) -> Plain:
        """Plain numbers, NaN where missing or otherwise written."""
        is_plain = "NOT (contains(v, '_') OR starts_with(v, '+-'))"
        if not fractions:
            is_plain = "regexp_full_match(v, '[+-]?[0-9]+')"
        number = f"CASE WHEN {is_plain} THEN try_cast(v AS DOUBLE) END"
        values = self._column(f"coalesce({number}, 'nan'::DOUBLE)", missing)
        return Plain(np.asarray(values, np.float64), self._others(number, missing))

    def plain_dates(self, missing: Sequence[str]) -> Plain:
        """Seconds of ISO dates, `MISSING_DATE` where missing or otherwise written."""
        date = f"CASE WHEN {_is_date('v')} THEN try_cast(v AS TIMESTAMP) END"
        seconds = f"coalesce(CAST(floor(epoch({date})) AS BIGINT), {MISSING_DATE})"
        values = self._column(seconds, missing).astype(np.int64)
        return Plain(values, self._others(date, missing))

    def _value(self, missing: Sequence[str]) -> str:
        """The expression for the trimmed text, NULL where it is empty or a word for missing.

        DuckDB would make a join of `NOT IN`, which loses the order of the rows.
        """
        clean = f"nullif(trim({self.source}), '')"
        if not missing:
            return clean
        words = ", ".join("'" + word.replace("'", "''") + "'" for word in missing)
        longest = max(len(word.encode()) for word in missing)
        is_word = f"strlen({clean}) <= {longest} AND list_contains([{words}], {clean})"
        return f"(CASE WHEN {is_word} THEN NULL ELSE {clean} END)"

    def _one_row(self, what: str, missing: Sequence[str]) -> tuple[Any, ...]:
        row = self.connection.execute(
            f"SELECT {what}, count_if(raw = 'NA') FROM "
            f"(SELECT {self._value(missing)} AS v, {self.source} AS raw FROM {self.part})"
        ).fetchone()
        assert row is not None
        return tuple(row)

    def _column(self, what: str, missing: Sequence[str]) -> NDArray[Any]:
        query = f"SELECT {what} FROM (SELECT {self._value(missing)} AS v FROM {self.part})"
        return fetched(self.connection, query)

    def _others(self, value: str, missing: Sequence[str]) -> list[tuple[int, str]]:
        """The texts that the expression does not read, with their row numbers."""
        query = (
            f"SELECT rowid, v FROM (SELECT rowid, {self._value(missing)} AS v FROM {self.part}) "
            f"WHERE v IS NOT NULL AND ({value}) IS NULL"
        )
        return [(int(row), str(text)) for row, text in self.connection.execute(query).fetchall()]


def _is_date(text: str) -> str:
    return f"(regexp_full_match({text}, '{_ISO}') AND try_cast({text} AS TIMESTAMP) IS NOT NULL)"


def fetched(connection: "DuckDBPyConnection", query: str) -> NDArray[Any]:
    """The only column of the query's result."""
    (values,) = connection.execute(query).fetchnumpy().values()
    return np.asarray(values)
