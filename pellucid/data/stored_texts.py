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
        grouped = "regexp_full_match(v, '[+-]?[1-9][0-9]{0,2}[.][0-9]{3}')"
        code = "regexp_matches(v, '^[+-]?0[0-9]')"
        letter_code = "regexp_full_match(v, '[0-9]+E[0-9]+')"
        row = self.connection.execute(
            "SELECT count(v), count(n), min(n), max(n), "
            "count_if(contains(v, '_') OR starts_with(v, '+-')), "
            "count_if(contains(v, '.') OR contains(v, 'e') OR contains(v, 'E')), "
            f"count_if(CASE WHEN strlen(v) <= 8 THEN {grouped} END), "
            f"count_if(CASE WHEN substr(v, 1, 1) IN ('0', '-', '+') AND {code} THEN true "
            f"WHEN contains(v, 'E') THEN {letter_code} END), "
            f"count_if(CASE WHEN substr(v, 5, 1) = '-' THEN {_is_date('v')} END), "
            "count_if(raw = 'NA') "
            f"FROM (SELECT v, raw, try_cast(v AS DOUBLE) AS n FROM {self._values(missing)})"
        ).fetchone()
        assert row is not None
        present, numbers, low, high, odd, *counts = row
        return PlainFacts(present, 0 if odd else numbers, low or 0.0, high or 0.0, *counts)

    def plain_numbers(self, missing: Sequence[str], fractions: bool) -> Plain:
        """Plain numbers, NaN where missing or otherwise written."""
        is_plain = "NOT (contains(v, '_') OR starts_with(v, '+-'))"
        if not fractions:
            is_plain = "regexp_full_match(v, '[+-]?[0-9]+')"
        number = f"CASE WHEN {is_plain} THEN try_cast(v AS DOUBLE) END"
        return self._plain(number, "'nan'::DOUBLE", np.float64, missing)

    def plain_dates(self, missing: Sequence[str]) -> Plain:
        """Seconds of ISO dates, `MISSING_DATE` where missing or otherwise written."""
        date = f"CASE WHEN {_is_date('v')} THEN try_cast(v AS TIMESTAMP) END"
        seconds = f"CAST(floor(epoch({date})) AS BIGINT)"
        return self._plain(seconds, str(MISSING_DATE), np.int64, missing)

    def _plain(
        self, value: str, default: str, dtype: type[np.generic], missing: Sequence[str]
    ) -> Plain:
        """The values of an expression of the text `v`, and the texts for which it is NULL."""
        columns = self.connection.execute(
            f"SELECT coalesce(x, {default}) AS x, v IS NOT NULL AND x IS NULL AS other "
            f"FROM (SELECT v, {value} AS x FROM {self._values(missing)})"
        ).fetchnumpy()
        rows = np.flatnonzero(np.asarray(columns["other"])).tolist()
        values = np.array(columns["x"], dtype)
        return Plain(values, list(zip(rows, self._texts_of(rows), strict=True)))

    def _texts_of(self, rows: list[int]) -> list[str]:
        """The texts of these rows."""
        if not rows:
            return []
        if len(rows) > self.rows // 8:
            texts = [text for chunk in self.chunks() for text in chunk]
            return [texts[row] for row in rows]
        listed = ", ".join(map(str, rows))
        query = f"SELECT {self.source} FROM {self.part} WHERE rowid IN ({listed}) ORDER BY rowid"
        return [str(row[0]) for row in self.connection.execute(query).fetchall()]

    def _values(self, missing: Sequence[str]) -> str:
        """The subquery of the trimmed texts `v`, NULL where missing, and the texts as they are."""
        return f"(SELECT {self._value(missing)} AS v, {self.source} AS raw FROM {self.part})"

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


def _is_date(text: str) -> str:
    return f"(regexp_full_match({text}, '{_ISO}') AND try_cast({text} AS TIMESTAMP) IS NOT NULL)"


def fetched(connection: "DuckDBPyConnection", query: str) -> NDArray[Any]:
    """The only column of the query's result."""
    (values,) = connection.execute(query).fetchnumpy().values()
    return np.asarray(values)
