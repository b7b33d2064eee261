"""Packing: B is copied to panels as wide as a register tile, so that it is read in order."""

from __future__ import annotations

from collections.abc import Sequence

from pellucid.compile.emit.index_value import lanes_below
from pellucid.compile.emit.reduction_loops import Count, Run, reduction_loops
from pellucid.compile.loop.builder import Builder
from pellucid.compile.loop.ir import Type, Value
from pellucid.compile.tile.contraction import Contraction, StridedAxis
from pellucid.compile.tile.tiles import Tiling


def panel_elements(work: Contraction, tiling: Tiling) -> int:
    """Elements of one panel; a transposed block may write up to `lanes` rows beyond the last."""
    if not tiling.pack:
        return 0
    deep = tiling.block * work.depth // work.sums[0].extent if work.depth else 0
    return (deep + work.lanes) * tiling.vectors * work.lanes


def column_mask(b: Builder, column: StridedAxis, lanes: int, first: Value) -> Value | None:
    """The lanes from column `first` on that are columns of the result; None if all are."""
    return lanes_below(b, lanes, first, column.extent) if column.extent % lanes else None


class PanelEmitter:
    """Emits the packing of a panel of B."""

    def __init__(self, b: Builder, work: Contraction, tiling: Tiling) -> None:
        self.b = b
        self.work = work
        self.width = tiling.vectors * work.lanes
        self.vectors = tiling.vectors
        self.vector = Type(work.kind, work.lanes)
        self.ragged = work.column.extent % self.width != 0

    def pack(self, source: Value, column: Value, iterations: Count, panel: Value) -> None:
        """Copy `iterations` of the outermost sum × width columns; columns beyond the last are 0."""

        def one(run: Run, carried: Sequence[Value]) -> Sequence[Value]:
            for number in range(self.vectors):
                self._pack_run(source, column, number, run, panel)
            return carried

        reduction_loops(self.b, self.work, iterations, (), one)

    def _pack_run(self, source: Value, column: Value, number: int, run: Run, panel: Value) -> None:
        b, work = self.b, self.work
        at = b.add(column, number * work.lanes)
        offset = b.add(run.b, number * work.lanes * work.column.b)
        moved = b.offset(source, offset, work.kind)
        into = b.offset(panel, b.add(b.mul(run.flat, self.width), number * work.lanes), work.kind)
        if work.column.b == 1 or work.sums[-1].b != 1:
            self._pack_rows(moved, at, run.count, into)
        else:
            self._pack_transposed(moved, at, run.count, into)

    def _pack_rows(self, source: Value, column: Value, count: Count, into: Value) -> None:
        b, work = self.b, self.work
        mask = column_mask(b, work.column, work.lanes, column) if self.ragged else None
        if self.ragged and mask is None:
            inside = b.compare("<", column, work.column.extent)
            mask = b.splat(inside, work.lanes)
        with b.loop(0, count, hint="k") as k:
            at = b.mul(k.variable, work.sums[-1].b)
            if work.column.b == 1:
                row = b.load(source, at, self.vector, mask)
            else:
                offsets = b.mul(b.lane_numbers(work.lanes), work.column.b)
                row = b.gather(b.offset(source, at, work.kind), offsets, work.kind, mask)
            b.store(row, into, b.mul(k.variable, self.width))

    def _pack_transposed(self, source: Value, column: Value, count: Count, into: Value) -> None:
        """Blocks of lanes × lanes, transposed in registers."""
        b, work = self.b, self.work
        lanes = work.lanes
        if isinstance(count, int):
            whole: Count = count - count % lanes
            if count >= lanes:
                self._blocks(source, column, whole, into)
            if count % lanes:
                few = b.compare("<", b.lane_numbers(lanes), count % lanes)
                self._block(source, column, b.add(whole, 0), few, into)
            return
        whole = b.mul(b.div(count, lanes), lanes)
        self._blocks(source, column, whole, into)
        with b.when(b.compare("<", whole, count)):
            ahead = b.add(b.lane_numbers(lanes), b.splat(whole, lanes))
            self._block(source, column, whole, b.compare("<", ahead, b.splat(count, lanes)), into)

    def _blocks(self, source: Value, column: Value, whole: Count, into: Value) -> None:
        with self.b.loop(0, whole, self.work.lanes, hint="k") as k:
            self._block(source, column, k.variable, None, into)

    def _block(
        self, source: Value, column: Value, k: Value, mask: Value | None, into: Value
    ) -> None:
        b, work = self.b, self.work
        rows: list[Value] = []
        for lane in range(work.lanes):
            at = b.add(k, lane * work.column.b)
            lanes = mask
            if self.ragged:
                exists = b.compare("<", b.add(column, lane), work.column.extent)
                at = b.select(exists, at, 0)
                wide = b.splat(exists, work.lanes)
                lanes = wide if mask is None else b.bit("and", wide, mask)
            rows.append(b.load(source, at, self.vector, lanes))
        for i, row in enumerate(transposed(b, rows)):
            b.store(row, into, b.mul(b.add(k, i), self.width))


def transposed(b: Builder, rows: list[Value]) -> list[Value]:
    """A block of lanes × lanes transposed in registers.

    Rows i and i + lanes/2 are interleaved, log₂ lanes times (Stone 1971).
    """
    lanes = len(rows)
    half = lanes // 2
    low = [i // 2 + (i % 2) * lanes for i in range(lanes)]
    high = [half + i // 2 + (i % 2) * lanes for i in range(lanes)]
    rounds = lanes.bit_length() - 1
    for _ in range(rounds):
        shuffled: list[Value] = []
        for i in range(half):
            shuffled.append(b.shuffle(rows[i], rows[i + half], low))
            shuffled.append(b.shuffle(rows[i], rows[i + half], high))
        rows = shuffled
    return rows
