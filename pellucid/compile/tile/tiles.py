"""How a contraction is cut: register tiles, packed panels, tasks.

C[m, n] = Σ_k A[m, k] · B[k, n]. The kernel computes `rows` × (`vectors` · lanes) elements of C at a
time in registers. Block boundaries depend on the shape and the machine, never on the number of
threads, so neither does any sum's order.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, gcd
from typing import Any

import numpy as np

_MAX_DEPTH = 2048
_NEAR_CACHE_BYTES = 24 * 1024
_CACHE_BYTES = 600 * 1024
_PAGE = 4096
_WAYS = 8
_NEAR_BYTES = 512
_APART = 0.04
_TASK_FLOPS = 100_000
_MAX_TASKS = 32
_VECTORS = (1, 2, 3, 4)
_LEAST_STRIP = 4


@dataclass(frozen=True)
class Machine:
    """What the shape of a tile depends on: lanes of a vector and vector registers."""

    lanes: int
    registers: int

    def holds(self, rows: int, vectors: int) -> bool:
        """Whether a tile's sums, a row of B and an element of A fit the registers."""
        return rows * vectors + vectors + 1 <= self.registers

    def of(self, dtype: np.dtype[Any]) -> Machine:
        """The machine for elements of this type: half as many of 8 bytes fit a vector."""
        return Machine(self.lanes // 2, self.registers) if dtype.itemsize == 8 else self

    def strip(self, m: int) -> int:
        """How many of m rows to cut together where threads keep their rows; 0 if they are few.

        So many that a tile of them is fast, and that two or four threads get equal shares.
        """
        best: tuple[float, int] | None = None
        for rows in range(_LEAST_STRIP, 25):
            if not self.holds(rows, 2) or m < 2 * rows:
                continue
            strips = ceil(m / rows)
            longest = sum(ceil(strips / threads) * threads * rows for threads in (2, 4))
            cost = longest * _turn(rows, 2, True) / rows
            if best is None or cost < best[0]:
                best = (cost, rows)
        return best[1] if best else 0

    def panel(self, m: int, n: int, k: int) -> int:
        """Vectors of a row of the panels of B that strips of m rows are multiplied by."""
        rows = self.strip(m)
        able = (vectors for vectors in _VECTORS if self.holds(rows, vectors))
        return min(able, key=lambda vectors: _cost(rows, n, k, rows, vectors, self.lanes, 0))

    def cost(self, m: int, n: int, row_bytes: int) -> float:
        """Estimated time of the best tile's m × n products for each element of k."""
        rows, vectors = self.tile(m, n, _MAX_DEPTH, row_bytes)
        return _cost(m, n, _MAX_DEPTH, rows, vectors, self.lanes, row_bytes)

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


@dataclass(frozen=True)
class Tiling:
    """The cut of one contraction.

    rows, vectors: the register tile. block: turns of the outermost sum that are packed and summed
    at a time. outer_block, row_block, panel_block: outer rows, rows, and panels of vectors · lanes
    columns that one task computes. pack: whether B is copied to panels first. spans: whether
    neighbouring tasks, which then are rows alone, are done as if they were one.
    """

    rows: int
    vectors: int
    block: int
    outer_block: int
    row_block: int
    panel_block: int
    pack: bool
    spans: bool = False


def _cost(m: int, n: int, k: int, rows: int, vectors: int, lanes: int, row_bytes: int) -> float:
    """Cycles of an m × n × k product, roughly.

    Per element of k a tile costs the larger of its multiply-adds (two a cycle), its loads (two a
    cycle) and the latency of its sums (4 cycles); then something for the row of B that streams in,
    more if its panel is too large for the nearest cache; for A if every panel reads it anew from
    far; more if the rows of A lie far apart, each on a page of its own, or so that they drive each
    other out of the cache; and a little for the tile's start.
    """
    panels = ceil(n / (vectors * lanes))
    near = k * vectors * lanes * 4 <= _NEAR_CACHE_BYTES
    reread = 0.2 if panels > 1 and m * k * 4 > _CACHE_BYTES else 0.0

    def tile(r: int) -> float:
        per_k = _turn(r, vectors, near) + reread * r
        far = 2.0 if collides(r, row_bytes) else 1.1 if row_bytes >= _PAGE else 1.0
        far += _APART if row_bytes > _NEAR_BYTES else 0.0
        return k * per_k * far + 20 + 2.0 * r * vectors

    full, rest = divmod(m, rows)
    return panels * (full * tile(rows) + (tile(rest) if rest else 0))


def _turn(rows: int, vectors: int, near: bool) -> float:
    """Cycles of one element of k in a tile."""
    stream = vectors * (0.25 if near else 0.75)
    return max(rows * vectors / 2, (rows + vectors) / 2, 4.0) + stream


def collides(rows: int, row_bytes: int) -> bool:
    """Whether rows so far apart fall on the same few places of the nearest cache.

    Its sets repeat every page, so rows that are a multiple of a large power of two apart share few.
    """
    if row_bytes < 64:
        return False
    places = _PAGE // gcd(row_bytes, _PAGE)
    return rows > _WAYS * places


def tiling(
    rows_of: tuple[int, int, int],
    sums: tuple[int, int],
    batch: int,
    row_bytes: int,
    b_steps: tuple[int, int],
    machine: Machine,
    after: int = 0,
) -> Tiling:
    """The cut of a contraction.

    rows_of: outer rows, rows, columns. sums: turns of the outermost sum and of all within it.
    b_steps: elements between neighbouring columns of B, and between turns of its sums (−1 if they
    are not even). after: instructions that follow for each element of C.
    """
    outer, m, n = rows_of
    first, inner = sums
    depth = first * inner
    rows, vectors = machine.tile(m, n, min(depth, _MAX_DEPTH), row_bytes)
    width = vectors * machine.lanes
    block = max(min(first, _MAX_DEPTH // max(inner, 1)), 1)
    column_step, sum_step = b_steps
    is_panel = column_step == 1 and sum_step == width == n
    loose = column_step != 1 or n % width != 0
    far = depth * n * 4 > _NEAR_CACHE_BYTES or collides(depth, abs(sum_step) * 4)
    turns = outer * m / rows
    pack = loose or (not is_panel and turns > (2 if far else 8))
    blocks = _task_shape(outer, m, n, (depth + after) * batch, batch, rows, width, block * inner)
    return Tiling(rows, vectors, block, *blocks, pack)


def panel_tiling(
    rows_of: tuple[int, int], depth: int, row_bytes: int, vectors: int, strip: int, machine: Machine
) -> Tiling:
    """The cut of a product that reads panels packed before: strips of rows, or blocks if strip is 0.

    rows_of: rows, columns. depth: products in each sum, and instructions that follow it.
    """
    m, n = rows_of
    width = vectors * machine.lanes
    if strip:
        return Tiling(strip, vectors, depth, 1, strip, ceil(n / width), False, spans=True)
    rows, _ = machine.tile(m, n, min(depth, _MAX_DEPTH), row_bytes, (vectors,))
    blocks = _task_shape(1, m, n, depth, 1, rows, width, depth)
    return Tiling(rows, vectors, depth, *blocks, False)


def _task_shape(
    outer: int, m: int, n: int, products: int, batch: int, rows: int, width: int, block: int
) -> tuple[int, int, int]:
    """Outer rows, rows and panels of tasks of a worthwhile size.

    Outer rows are many and share their panels of B, so they are cut first; else columns (each task
    packs its own panels), but not so far that many rows of A that do not fit the cache are read for
    a single panel; then rows. block: products that are summed at a time.
    """
    panels = max(ceil(n / width), 1)
    tiles = max(ceil(m / rows), 1)
    flops = 2 * outer * m * n * products
    wanted = max(ceil(min(flops // _TASK_FLOPS, _MAX_TASKS) / batch), 1)
    along_outer = min(outer, wanted)
    wanted = max(wanted // along_outer, 1)
    fitting = max(_CACHE_BYTES // (4 * rows * block), 1)
    least_m = ceil(tiles / fitting) if outer == 1 else 1
    along_n = min(panels, max(wanted // least_m, 1))
    along_m = min(max(tiles // 4, 1), max(wanted // along_n, 1))
    return ceil(outer / along_outer), ceil(tiles / along_m) * rows, ceil(panels / along_n)
