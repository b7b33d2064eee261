"""The contraction generator: loop IR for sums of products over a shared axis.

Operands are addressed by strides, so transposed and sliced operands are never copied first. B is
packed into panels as wide as a register tile (transposed on the way where its neighbours lie along
k); a tile of C is summed in registers over all of k, then handed row by row to the epilogue, which
applies whatever elementwise ops follow and stores.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pellucid.compile.loop.builder import Builder
from pellucid.compile.loop.ir import Kind, Type, Value
from pellucid.compile.tiles import Tiling

Epilogue = Callable[[list[Value], Value, Value, Value, Value | None], None]
"""(batch indices, row, first column, sums, mask of the columns that exist) → writes results."""


@dataclass(frozen=True)
class Contraction:
    """C[…, m, n] = Σ_k A[…, m, k] · B[…, k, n] by strides, in elements.

    batch: lengths of the batch axes; a_batch and b_batch the operands' strides along them.
    """

    batch: tuple[int, ...]
    m: int
    n: int
    k: int
    a_batch: tuple[int, ...]
    a_row: int
    a_depth: int
    b_batch: tuple[int, ...]
    b_depth: int
    b_column: int
    kind: Kind
    lanes: int

    @property
    def batches(self) -> int:
        """Number of matrices."""
        total = 1
        for length in self.batch:
            total *= length
        return total


def task_counts(work: Contraction, cut: Tiling) -> tuple[int, int]:
    """Blocks of rows and blocks of columns."""
    width = cut.vectors * work.lanes
    panels = -(-work.n // width)
    return max(-(-work.m // cut.row_block), 1), max(-(-panels // cut.panel_block), 1)


def scratch_elements(work: Contraction, cut: Tiling) -> int:
    """Room that a thread needs: packed panels, then tiles of sums."""
    return _panel_elements(work, cut) * cut.panel_block + _sum_elements(work, cut)


def _panel_elements(work: Contraction, cut: Tiling) -> int:
    deep = -(-cut.depth // work.lanes) * work.lanes
    return deep * cut.vectors * work.lanes if cut.pack else 0


def _sum_elements(work: Contraction, cut: Tiling) -> int:
    one = cut.rows * cut.vectors * work.lanes
    if work.k <= cut.depth:
        return one
    return one * cut.panel_block * -(-cut.row_block // cut.rows)


class ContractionWriter:
    """Writes one contraction kernel into a builder."""

    def __init__(
        self, b: Builder, work: Contraction, cut: Tiling, scratch: Value, epilogue: Epilogue
    ) -> None:
        self.b = b
        self.work = work
        self.cut = cut
        self.width = cut.vectors * work.lanes
        self.vector = Type(work.kind, work.lanes)
        self.panels = scratch
        self.sums = b.offset(scratch, _panel_elements(work, cut) * cut.panel_block, work.kind)
        self.epilogue = epilogue
        self.single = work.k <= cut.depth

    def write(self, a: Value, other: Value, begin: Value, end: Value) -> None:
        """Tasks begin … end − 1 of the contraction of `a` with `other`."""
        b, work = self.b, self.work
        row_blocks, column_blocks = task_counts(work, self.cut)
        with b.loop(begin, end, hint="task") as task:
            column_block = b.rem(task.variable, column_blocks)
            rest = b.div(task.variable, column_blocks)
            row_block = b.rem(rest, row_blocks)
            batch = self._batch_indices(b.div(rest, row_blocks))
            a_here = self._shifted(a, batch, work.a_batch)
            b_here = self._shifted(other, batch, work.b_batch)
            self._task(a_here, b_here, row_block, column_block, batch)

    def _batch_indices(self, flat: Value) -> list[Value]:
        found: list[Value] = []
        for length in reversed(self.work.batch):
            found.append(self.b.rem(flat, length))
            flat = self.b.div(flat, length)
        return found[::-1]

    def _shifted(self, pointer: Value, batch: list[Value], steps: tuple[int, ...]) -> Value:
        for index, step in zip(batch, steps, strict=True):
            pointer = self.b.offset(pointer, self.b.mul(index, step), self.work.kind)
        return pointer

    def _task(
        self, a: Value, other: Value, row_block: Value, column_block: Value, batch: list[Value]
    ) -> None:
        b, work, cut = self.b, self.work, self.cut
        first_row = b.mul(row_block, cut.row_block)
        last_row = b.minimum(b.add(first_row, cut.row_block), work.m)
        first_panel = b.mul(column_block, cut.panel_block)
        all_panels = -(-work.n // self.width)
        last_panel = b.minimum(b.add(first_panel, cut.panel_block), all_panels)
        if self.single:
            depth = b.constant(Type("i64"), work.k)
            self._depth_block(
                a, other, (first_row, last_row), (first_panel, last_panel), 0, depth, batch
            )
            return
        self._clear_sums()
        with b.loop(0, work.k, cut.depth, hint="k0") as block:
            depth = b.minimum(b.sub(work.k, block.variable), cut.depth)
            self._depth_block(
                a,
                other,
                (first_row, last_row),
                (first_panel, last_panel),
                block.variable,
                depth,
                batch,
            )

    def _clear_sums(self) -> None:
        b = self.b
        zero = b.constant(self.vector, 0.0)
        with b.loop(0, _sum_elements(self.work, self.cut), self.work.lanes) as clear:
            b.store(zero, self.sums, clear.variable)

    def _depth_block(
        self,
        a: Value,
        other: Value,
        rows: tuple[Value, Value],
        panels: tuple[Value, Value],
        k0: Value | int,
        depth: Value,
        batch: list[Value],
    ) -> None:
        b, work, cut = self.b, self.work, self.cut
        a_deep = b.offset(a, b.mul(k0, work.a_depth), work.kind)
        b_deep = b.offset(other, b.mul(k0, work.b_depth), work.kind)
        last = None if self.single else b.compare(">=", b.add(k0, depth), work.k)
        with b.loop(*panels, hint="panel") as panel:
            column = b.mul(panel.variable, self.width)
            local = b.sub(panel.variable, panels[0])
            source = b.offset(b_deep, b.mul(column, work.b_column), work.kind)
            if cut.pack:
                packed = b.offset(self.panels, b.mul(local, _panel_elements(work, cut)), work.kind)
                self._pack(source, column, depth, packed)
                source, step = packed, self.width
            else:
                step = work.b_depth
            with b.loop(*rows, cut.rows, hint="row") as row:
                tile = self._tile_address(row.variable, rows[0], local)
                a_row = b.offset(a_deep, b.mul(row.variable, work.a_row), work.kind)
                count = b.minimum(b.sub(rows[1], row.variable), cut.rows)
                self._tile(a_row, source, step, depth, count, tile)
                self._finish(batch, row.variable, count, column, tile, last)

    def _tile_address(self, row: Value, first_row: Value, local_panel: Value) -> Value:
        if self.single:
            return self.sums
        b, cut = self.b, self.cut
        tiles = -(-cut.row_block // cut.rows)
        number = b.add(b.mul(local_panel, tiles), b.div(b.sub(row, first_row), cut.rows))
        return b.offset(self.sums, b.mul(number, cut.rows * self.width), self.work.kind)

    # -- packing ------------------------------------------------------------------------------

    def _pack(self, source: Value, column: Value, depth: Value, packed: Value) -> None:
        """Copy `depth` × width elements of B to a panel; columns beyond n become 0."""
        for vector in range(self.cut.vectors):
            at = self.b.add(column, vector * self.work.lanes)
            moved = self.b.offset(
                source, vector * self.work.lanes * self.work.b_column, self.work.kind
            )
            into = self.b.offset(packed, vector * self.work.lanes, self.work.kind)
            if self.work.b_column == 1 or self.work.b_depth != 1:
                self._pack_rows(moved, at, depth, into)
            else:
                self._pack_transposed(moved, at, depth, into)

    def _column_mask(self, column: Value) -> Value | None:
        if self.work.n % self.width == 0:
            return None
        b = self.b
        lanes = b.add(b.lane_numbers(self.work.lanes), b.splat(column, self.work.lanes))
        return b.compare("<", lanes, self.work.n)

    def _pack_rows(self, source: Value, column: Value, depth: Value, into: Value) -> None:
        b, work = self.b, self.work
        mask = self._column_mask(column)
        with b.loop(0, depth, hint="k") as k:
            at = b.mul(k.variable, work.b_depth)
            if work.b_column == 1:
                row = b.load(source, at, self.vector, mask)
            else:
                places = b.mul(b.lane_numbers(work.lanes), work.b_column)
                row = b.gather(b.offset(source, at, work.kind), places, work.kind, mask)
            b.store(row, into, b.mul(k.variable, self.width))

    def _pack_transposed(self, source: Value, column: Value, depth: Value, into: Value) -> None:
        """Squares of lanes × lanes, transposed in registers."""
        b, work = self.b, self.work
        lanes = work.lanes
        whole = b.mul(b.div(depth, lanes), lanes)
        with b.loop(0, whole, lanes, hint="k") as k:
            self._square(source, column, k.variable, None, into)
        with b.when(b.compare("<", whole, depth)):
            ahead = b.add(b.lane_numbers(lanes), b.splat(whole, lanes))
            mask = b.compare("<", ahead, b.splat(depth, lanes))
            self._square(source, column, whole, mask, into)

    def _square(
        self, source: Value, column: Value, k: Value, mask: Value | None, into: Value
    ) -> None:
        b, work = self.b, self.work
        ragged = work.n % self.width != 0
        rows: list[Value] = []
        for lane in range(work.lanes):
            at = b.add(k, lane * work.b_column)
            lanes = mask
            if ragged:
                exists = b.compare("<", b.add(column, lane), work.n)
                at = b.select(exists, at, 0)
                wide = b.splat(exists, work.lanes)
                lanes = wide if mask is None else b.bit("and", wide, mask)
            rows.append(b.load(source, at, self.vector, lanes))
        for i, row in enumerate(transposed(b, rows)):
            b.store(row, into, b.mul(b.add(k, i), self.width))

    # -- the register tile --------------------------------------------------------------------

    def _tile(
        self, a: Value, source: Value, step: int, depth: Value, count: Value, tile: Value
    ) -> None:
        """Sums of `count` rows; the code for a full tile and for the last rows differ in height."""
        b, cut = self.b, self.cut
        rest = self.work.m % cut.rows if cut.row_block % cut.rows == 0 else None
        assert rest is not None, "a block of rows is whole tiles"
        if rest == 0:
            self._sum(a, source, step, depth, cut.rows, tile)
            return
        if self.work.m > cut.rows:
            with b.when(b.compare("==", count, cut.rows)):
                self._sum(a, source, step, depth, cut.rows, tile)
            with b.when(b.compare("!=", count, cut.rows)):
                self._sum(a, source, step, depth, rest, tile)
            return
        self._sum(a, source, step, depth, rest, tile)

    def _sum(
        self, a: Value, source: Value, step: int, depth: Value, rows: int, tile: Value
    ) -> None:
        b, work, cut = self.b, self.work, self.cut
        lanes = work.lanes
        places = [(r, v) for r in range(rows) for v in range(cut.vectors)]

        def at(r: int, v: int) -> int:
            return (r * cut.vectors + v) * lanes

        if self.single:
            sums = [b.constant(self.vector, 0.0) for _ in places]
        else:
            sums = [b.load(tile, at(r, v), self.vector) for r, v in places]

        def turn(k: Value, before: tuple[Value, ...] | list[Value]) -> list[Value]:
            columns = [
                b.load(source, b.add(b.mul(k, step), v * lanes), self.vector)
                for v in range(cut.vectors)
            ]
            after: list[Value] = []
            for r in range(rows):
                place = b.add(b.mul(k, work.a_depth), r * work.a_row)
                element = b.splat(b.load(a, place, Type(work.kind)), lanes)
                totals = before[r * cut.vectors : (r + 1) * cut.vectors]
                after += [
                    b.fma(element, column, total)
                    for column, total in zip(columns, totals, strict=True)
                ]
            return after

        unroll = 4
        whole = b.mul(b.div(depth, unroll), unroll)
        with b.loop(0, whole, unroll, sums, hint="k") as main:
            values: tuple[Value, ...] | list[Value] = main.carried
            for i in range(unroll):
                values = turn(b.add(main.variable, i), values)
            main.carry(values)
        with b.loop(whole, depth, 1, main.results, hint="k") as rest:
            rest.carry(turn(rest.variable, rest.carried))
        for (r, v), value in zip(places, rest.results, strict=True):
            b.store(value, tile, at(r, v))

    def _finish(
        self,
        batch: list[Value],
        row: Value,
        count: Value,
        column: Value,
        tile: Value,
        last: Value | None,
    ) -> None:
        if last is None:
            self._hand_over(batch, row, count, column, tile)
            return
        with self.b.when(last):
            self._hand_over(batch, row, count, column, tile)

    def _hand_over(
        self, batch: list[Value], row: Value, count: Value, column: Value, tile: Value
    ) -> None:
        b, work = self.b, self.work
        with b.loop(0, count, hint="r") as r:
            for v in range(self.cut.vectors):
                at = b.add(b.mul(r.variable, self.width), v * work.lanes)
                start = b.add(column, v * work.lanes)
                here = b.add(row, r.variable)
                if work.n % self.width == 0:
                    self.epilogue(batch, here, start, b.load(tile, at, self.vector), None)
                    continue
                with b.when(b.compare("<", start, work.n)):
                    mask = self._column_mask(start) if work.n % work.lanes else None
                    self.epilogue(batch, here, start, b.load(tile, at, self.vector), mask)


def transposed(b: Builder, rows: list[Value]) -> list[Value]:
    """A square of lanes × lanes transposed in registers.

    Interleaving row i with row i + lanes/2, log₂ lanes times, is the transposition (Stone 1971).
    """
    lanes = len(rows)
    half = lanes // 2
    low = [i // 2 + (i % 2) * lanes for i in range(lanes)]
    high = [half + i // 2 + (i % 2) * lanes for i in range(lanes)]
    turns = lanes.bit_length() - 1
    for _ in range(turns):
        following: list[Value] = []
        for i in range(half):
            following.append(b.shuffle(rows[i], rows[i + half], low))
            following.append(b.shuffle(rows[i], rows[i + half], high))
        rows = following
    return rows
