"""How a contraction is cut: register tiles, packed panels, tasks.

C[m, n] = Σ_k A[m, k] · B[k, n]. The kernel computes `rows` × (`vectors` · lanes) elements of C at a
time in registers. Block boundaries depend on the shape and the machine, never on the number of
threads, so neither does any sum's order.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

_MAX_DEPTH = 2048
_NEAR_CACHE_BYTES = 24 * 1024
_TASK_FLOPS = 200_000
_MAX_TASKS = 32


@dataclass(frozen=True)
class Machine:
    """What the shape of a tile depends on: lanes of a vector and vector registers."""

    lanes: int
    registers: int

    def holds(self, rows: int, vectors: int) -> bool:
        """Whether a tile's sums, a row of B and an element of A fit the registers."""
        return rows * vectors + vectors + 1 <= self.registers


@dataclass(frozen=True)
class Tiling:
    """The cut of one contraction.

    rows, vectors: the register tile; depth: elements of k that are packed and summed at a time.
    row_block, panel_block: rows, and panels of vectors · lanes columns, that one task computes.
    pack: whether B is copied to panels first.
    """

    rows: int
    vectors: int
    depth: int
    row_block: int
    panel_block: int
    pack: bool


def tile_for(m: int, n: int, k: int, machine: Machine) -> tuple[int, int]:
    """The (rows, vectors) with the least estimated time for an m × n × k product.

    Per element of k a tile costs the larger of its multiply-adds (two a cycle), its loads (two a
    cycle) and the latency of its sums (4 cycles), then something for the row of B that streams in,
    more if its panel is too large for the nearest cache; and a little for the tile's start.
    """
    best: tuple[float, int, int] | None = None
    for vectors in (1, 2, 3, 4):
        for rows in range(1, 25):
            if not machine.holds(rows, vectors):
                continue
            cost = _cost(m, n, k, rows, vectors, machine.lanes)
            if best is None or cost < best[0]:
                best = (cost, rows, vectors)
    assert best is not None
    return best[1], best[2]


def _cost(m: int, n: int, k: int, rows: int, vectors: int, lanes: int) -> float:
    panels = ceil(n / (vectors * lanes))
    near = k * vectors * lanes * 4 <= _NEAR_CACHE_BYTES
    stream = vectors * (0.25 if near else 0.75)

    def tile(r: int) -> float:
        per_k = max(r * vectors / 2, (r + vectors) / 2, 4.0) + stream
        return k * per_k + 20 + 2.0 * r * vectors

    full, rest = divmod(m, rows)
    return panels * (full * tile(rows) + (tile(rest) if rest else 0))


def tiling(m: int, n: int, k: int, batch: int, transposed: bool, machine: Machine) -> Tiling:
    """The cut of a batch of m × n × k products; transposed: neighbours in B lie along k."""
    rows, vectors = tile_for(m, n, k, machine)
    width = vectors * machine.lanes
    depth = max(min(k, _MAX_DEPTH), 1)
    pack = transposed or n % width != 0 or m > 2 * rows
    row_block, panel_block = _task_shape(m, n, k, batch, rows, width)
    return Tiling(rows, vectors, depth, row_block, panel_block, pack)


def _task_shape(m: int, n: int, k: int, batch: int, rows: int, width: int) -> tuple[int, int]:
    """Tasks of a worthwhile size, cut first along n (each packs its own panels), then along m."""
    panels = max(ceil(n / width), 1)
    tiles = max(ceil(m / rows), 1)
    flops = 2 * m * n * k * batch
    wanted = max(min(flops // _TASK_FLOPS, _MAX_TASKS), 1)
    per_matrix = max(ceil(wanted / batch), 1)
    along_n = min(panels, per_matrix)
    along_m = min(max(tiles // 4, 1), max(per_matrix // along_n, 1))
    return ceil(tiles / along_m) * rows, ceil(panels / along_n)
