"""Recognising rows that a model was trained on.

Each training row has a 32-bit hash of its values in the used columns and the target. The model file
holds the smallest `MOST_HASHES` different ones (a bottom-k sketch: Broder 1997), so its size is bounded.
Of other rows those are compared whose hash is in that range. The hashes are keyed by a number that
differs from model to model. They hold no values, but who has the file can test whether a given row was
trained on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.data.column import Column, DateColumn, NumberColumn, TextColumn
from pellucid.data.table import Table
from pellucid.graph import Array

MOST_HASHES = 16_384
_ALL = 2**32
Hashes = NDArray[np.uint64]


@dataclass(frozen=True, eq=False)
class SeenRows:
    """Hashes of the training rows of a model.

    hashes: int32, ascending as unsigned numbers, shape (m,). limit: hashes below it were kept. key: of
    the hashes. repeated: the share of training rows with the same values as another.
    """

    hashes: Array
    limit: int
    key: int
    repeated: float

    def count(self, table: Table, names: Sequence[str]) -> tuple[int, int]:
        """How many rows of the table can be compared, and how many of these are training rows."""
        rows = _short(row_hashes(table, names, self.key))
        compared = rows[rows < self.limit]
        return len(compared), int(np.isin(compared, self.hashes.view(np.uint32)).sum())

    def to_json(self) -> dict[str, Any]:
        """All but the hashes as plain JSON values."""
        return {"limit": self.limit, "key": self.key, "repeated": self.repeated}


def seen_rows(table: Table, names: Sequence[str], seed: int) -> SeenRows:
    """The hashes of the rows of a table; the key follows from the rows and the seed."""
    plain = row_hashes(table, names, 0)
    digest = hashlib.sha256(plain.tobytes() + str(seed).encode()).digest()
    key = int.from_bytes(digest[:6], "little")
    counts = np.unique(plain, return_counts=True)[1]
    repeated = float(counts[counts > 1].sum() / len(plain))
    different = np.unique(_short(row_hashes(table, names, key)))
    limit = _ALL if len(different) <= MOST_HASHES else int(different[MOST_HASHES])
    kept = different[different < limit].astype(np.uint32)
    return SeenRows(kept.view(np.int32), limit, key, repeated)


def row_hashes(table: Table, names: Sequence[str], key: int) -> Hashes:
    """A keyed hash (uint64) of each row's values in these columns, whatever the order of the columns."""
    total = np.full(table.rows, key, np.uint64)
    for name in names:
        own = np.uint64(_text_hash(name, key))
        total += _mixed(_value_hashes(table.column(name), key) ^ own)
    return _mixed(total)


def _short(hashes: Hashes) -> Hashes:
    return hashes >> np.uint64(32)


def _value_hashes(column: Column, key: int) -> Hashes:
    if isinstance(column, TextColumn):
        levels = [_text_hash(level, key) for level in column.levels]
        return np.array([*levels, 0], np.uint64)[column.codes]
    if isinstance(column, NumberColumn):
        values = column.values.astype(np.float64) + 0.0
        bits = np.where(np.isnan(values), np.nan, values).view(np.uint64)
        return _mixed(bits)
    raw = column.seconds if isinstance(column, DateColumn) else column.states
    return _mixed(raw.astype(np.int64).view(np.uint64))


def _text_hash(text: str, key: int) -> int:
    content = text.encode("utf-8", "surrogatepass")
    digest = hashlib.blake2b(content, digest_size=8, key=key.to_bytes(8, "little")).digest()
    return int.from_bytes(digest, "little")


def _mixed(values: Hashes) -> Hashes:
    """The finalizer of SplitMix64 (Steele et al. 2014), elementwise."""
    with np.errstate(over="ignore"):
        mixed = values + np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return np.asarray(mixed ^ (mixed >> np.uint64(31)))
