"""The processor as the planner sees it: registers, vectors, and what a register tile costs in cycles.

C[m, n] = Σ_k A[m, k] · B[k, n]. A tile is `rows` × (`vectors` · lanes) elements of C, held in registers.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, gcd
from typing import Any

import numpy as np

MAX_DEPTH = 2048
"""Products of a sum that are packed and summed at a time, at most."""
NEAR_CACHE_BYTES = 24 * 1024
CACHE_BYTES = 600 * 1024
_PAGE = 4096
_WAYS = 8
_NEAR_BYTES = 512
_APART = 0.04
_VECTORS = (1, 2, 3, 4)
_LEAST_ROWS = 4


@dataclass(frozen=True)
class Machine:
    """What the shape of a tile depends on: float32 lanes of a vector, and vector registers."""

    lanes: int
    registers: int

    def holds(self, rows: int, vectors: int) -> bool:
        """Whether a tile's accumulators, a row of B and an element of A fit the registers."""
        return rows * vectors + vectors + 1 <= self.registers

    def of(self, dtype: np.dtype[Any]) -> Machine:
        """The machine for elements of this type: half as many of 8 bytes fit a vector."""
        return Machine(self.lanes // 2, self.registers) if dtype.itemsize == 8 else self

    def row_block(self, m: int) -> int:
        """Rows of the blocks into which m rows are partitioned among threads; 0 if they are too few.

        So many that a tile of them is fast, and that two or four threads get equal shares.
        """
        best: tuple[float, int] | None = None
        for rows in range(_LEAST_ROWS, 25):
            if not self.holds(rows, 2) or m < 2 * rows:
                continue
            blocks = ceil(m / rows)
            longest = sum(ceil(blocks / threads) * threads * rows for threads in (2, 4))
            cost = longest * _cycles_of_depth(rows, 2, True) / rows
            if best is None or cost < best[0]:
                best = (cost, rows)
        return best[1] if best else 0

    def panel(self, m: int, n: int, k: int) -> int:
        """Vectors of a row of the panels of B by which blocks of m rows are multiplied."""
        rows = self.row_block(m)
        able = (vectors for vectors in _VECTORS if self.holds(rows, vectors))
        return min(able, key=lambda vectors: _cost(rows, n, k, rows, vectors, self.lanes, 0))

    def cost(self, m: int, n: int, row_bytes: int) -> float:
        """Estimated time of the best tile's m × n products for each element of k."""
        rows, vectors = self.tile(m, n, MAX_DEPTH, row_bytes)
        return _cost(m, n, MAX_DEPTH, rows, vectors, self.lanes, row_bytes)

    def tile(
        self, m: int, n: int, k: int, row_bytes: int = 0, wide: tuple[int, ...] = _VECTORS
    ) -> tuple[int, int]:
        """The (rows, vectors) with the least estimated time for an m × n × k product.

        row_bytes: from one row of A to the next. wide: how many vectors there may be.
        """
        best: tuple[float, int, int] | None = None
        for vectors in wide:
            for rows in range(1, 25):
                if not self.holds(rows, vectors):
                    continue
                cost = _cost(m, n, k, rows, vectors, self.lanes, row_bytes)
                if best is None or cost < best[0]:
                    best = (cost, rows, vectors)
        assert best is not None
        return best[1], best[2]


def _cost(m: int, n: int, k: int, rows: int, vectors: int, lanes: int, row_bytes: int) -> float:
    """Cycles of an m × n × k product, roughly.

    Per element of k a tile costs the larger of its multiply-adds (two a cycle), its loads (two a
    cycle) and the latency of its sums (4 cycles); then something for the row of B that streams in,
    more if its panel is too large for the nearest cache; for A if every panel reads it anew from
    far; more if the rows of A lie far apart, each on a page of its own, or so that they evict each
    other from the cache; and a little for the tile's start.
    """
    panels = ceil(n / (vectors * lanes))
    near = k * vectors * lanes * 4 <= NEAR_CACHE_BYTES
    reread = 0.2 if panels > 1 and m * k * 4 > CACHE_BYTES else 0.0

    def tile(r: int) -> float:
        per_k = _cycles_of_depth(r, vectors, near) + reread * r
        far = 2.0 if collides(r, row_bytes) else 1.1 if row_bytes >= _PAGE else 1.0
        far += _APART if row_bytes > _NEAR_BYTES else 0.0
        return k * per_k * far + 20 + 2.0 * r * vectors

    full, rest = divmod(m, rows)
    return panels * (full * tile(rows) + (tile(rest) if rest else 0))


def _cycles_of_depth(rows: int, vectors: int, near: bool) -> float:
    """Cycles of a tile for one element of k."""
    stream = vectors * (0.25 if near else 0.75)
    return max(rows * vectors / 2, (rows + vectors) / 2, 4.0) + stream


def collides(rows: int, row_bytes: int) -> bool:
    """Whether rows so far apart fall on the same few sets of the nearest cache.

    Its sets repeat every page, so rows that are a multiple of a large power of two apart share few.
    """
    if row_bytes < 64:
        return False
    sets = _PAGE // gcd(row_bytes, _PAGE)
    return rows > _WAYS * sets
