"""How a contraction is cut: register tiles, packed panels, tasks.

C[m, n] = Σ_k A[m, k] · B[k, n]. The kernel computes `rows` × (`vectors` · lanes) elements of C at a
time in registers. Block boundaries depend on the shape and the machine, never on the number of
threads, so neither does any sum's order.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from pellucid.compile.machine import CACHE_BYTES, MAX_DEPTH, NEAR_CACHE_BYTES, Machine, collides

_TASK_FLOPS = 100_000
_MAX_TASKS = 32


@dataclass(frozen=True)
class Tiling:
    """The cut of one contraction.

    rows, vectors: the register tile. block: iterations of the outermost sum that are packed and
    summed at a time. outer_block, row_block, panel_block: outer rows, rows, and panels of vectors ·
    lanes columns that one task computes. pack: whether B is copied to panels first. coalesced:
    whether neighbouring tasks, which then are rows alone, are done as if they were one.
    """

    rows: int
    vectors: int
    block: int
    outer_block: int
    row_block: int
    panel_block: int
    pack: bool
    coalesced: bool = False


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

    rows_of: outer rows, rows, columns. sums: iterations of the outermost sum and of all within it.
    b_steps: elements between neighbouring columns of B, and between iterations of its sums (−1 if they
    are not even). after: instructions that follow for each element of C.
    """
    outer, m, n = rows_of
    first, inner = sums
    depth = first * inner
    rows, vectors = machine.tile(m, n, min(depth, MAX_DEPTH), row_bytes)
    width = vectors * machine.lanes
    block = max(min(first, MAX_DEPTH // max(inner, 1)), 1)
    column_step, sum_step = b_steps
    is_panel = column_step == 1 and sum_step == width == n
    loose = column_step != 1 or n % width != 0
    far = depth * n * 4 > NEAR_CACHE_BYTES or collides(depth, abs(sum_step) * 4)
    reuses = outer * m / rows
    pack = loose or (not is_panel and reuses > (2 if far else 8))
    blocks = _task_shape(outer, m, n, (depth + after) * batch, batch, rows, width, block * inner)
    return Tiling(rows, vectors, block, *blocks, pack)


def panel_tiling(
    rows_of: tuple[int, int],
    depth: int,
    row_bytes: int,
    vectors: int,
    row_block: int,
    machine: Machine,
) -> Tiling:
    """The cut of a product that reads panels packed before.

    row_block: rows of a task if the product is partitioned by rows, else 0. rows_of: rows, columns.
    depth: products in each sum, and instructions that follow it.
    """
    m, n = rows_of
    width = vectors * machine.lanes
    if row_block:
        return Tiling(
            row_block, vectors, depth, 1, row_block, ceil(n / width), False, coalesced=True
        )
    rows, _ = machine.tile(m, n, min(depth, MAX_DEPTH), row_bytes, (vectors,))
    blocks = _task_shape(1, m, n, depth, 1, rows, width, depth)
    return Tiling(rows, vectors, depth, *blocks, False)


def _task_shape(
    outer: int, m: int, n: int, products: int, batch: int, rows: int, width: int, block: int
) -> tuple[int, int, int]:
    """Outer rows, rows and panels of tasks that are large enough to be worth sharing.

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
    fitting = max(CACHE_BYTES // (4 * rows * block), 1)
    least_m = ceil(tiles / fitting) if outer == 1 else 1
    along_n = min(panels, max(wanted // least_m, 1))
    along_m = min(max(tiles // 4, 1), max(wanted // along_n, 1))
    return ceil(outer / along_outer), ceil(tiles / along_m) * rows, ceil(panels / along_n)
