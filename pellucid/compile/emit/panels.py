"""Packing: B copied to panels as wide as a register tile, so that it streams in order."""

from __future__ import annotations

from collections.abc import Sequence

from pellucid.compile.emit.sums import Count, Run, over_sums
from pellucid.compile.loop.builder import Builder
from pellucid.compile.loop.ir import I64, Type, Value
from pellucid.compile.tile.contraction import Contraction, StridedAxis
from pellucid.compile.tile.tiles import Tiling


def panel_elements(work: Contraction, cut: Tiling) -> int:
    """Room for one panel; a transposed square may write up to `lanes` rows beyond the last."""
    if not cut.pack:
        return 0
    deep = cut.block * work.depth // work.sums[0].extent if work.depth else 0
    return (deep + work.lanes) * cut.vectors * work.lanes


def column_mask(b: Builder, column: StridedAxis, lanes: int, first: Value) -> Value | None:
    """Which lanes from `first` on are columns of the result; None if all are."""
    return lanes_below(b, lanes, first, column.extent) if column.extent % lanes else None


def lanes_below(b: Builder, lanes: int, first: Value, end: Value | int) -> Value:
    """Which of the lanes from `first` on come before `end`."""
    numbers = b.add(b.lane_numbers(lanes), b.splat(first, lanes))
    return b.compare("<", numbers, b.splat(end, lanes, I64))


class PanelWriter:
    """Writes the code that packs a panel of B."""

    def __init__(self, b: Builder, work: Contraction, cut: Tiling) -> None:
        self.b = b
        self.work = work
        self.width = cut.vectors * work.lanes
        self.vectors = cut.vectors
        self.vector = Type(work.kind, work.lanes)
        self.ragged = work.column.extent % self.width != 0

    def pack(self, source: Value, column: Value, first: Count, panel: Value) -> None:
        """Copy `first` turns of the outermost sum × width columns; those beyond the last are 0."""

        def one(run: Run, carried: Sequence[Value]) -> Sequence[Value]:
            for number in range(self.vectors):
                self._pack_run(source, column, number, run, panel)
            return carried

        over_sums(self.b, self.work, first, (), one)

    def _pack_run(self, source: Value, column: Value, number: int, run: Run, panel: Value) -> None:
        b, work = self.b, self.work
        at = b.add(column, number * work.lanes)
        beyond = b.add(run.b, number * work.lanes * work.column.b)
        moved = b.offset(source, beyond, work.kind)
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
                places = b.mul(b.lane_numbers(work.lanes), work.column.b)
                row = b.gather(b.offset(source, at, work.kind), places, work.kind, mask)
            b.store(row, into, b.mul(k.variable, self.width))

    def _pack_transposed(self, source: Value, column: Value, count: Count, into: Value) -> None:
        """Squares of lanes × lanes, transposed in registers."""
        b, work = self.b, self.work
        lanes = work.lanes
        if isinstance(count, int):
            whole: Count = count - count % lanes
            if count >= lanes:
                self._squares(source, column, whole, into)
            if count % lanes:
                few = b.compare("<", b.lane_numbers(lanes), count % lanes)
                self._square(source, column, b.add(whole, 0), few, into)
            return
        whole = b.mul(b.div(count, lanes), lanes)
        self._squares(source, column, whole, into)
        with b.when(b.compare("<", whole, count)):
            ahead = b.add(b.lane_numbers(lanes), b.splat(whole, lanes))
            self._square(source, column, whole, b.compare("<", ahead, b.splat(count, lanes)), into)

    def _squares(self, source: Value, column: Value, whole: Count, into: Value) -> None:
        with self.b.loop(0, whole, self.work.lanes, hint="k") as k:
            self._square(source, column, k.variable, None, into)

    def _square(
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
