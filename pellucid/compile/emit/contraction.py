"""The contraction generator: loop IR for sums of products over shared axes.

Operands are addressed by strides, so transposed, sliced and windowed operands are never copied first.
B is packed into panels as wide as a register tile, and transposed on the way where its neighbours lie
along the sum. A tile of C is summed in registers, then handed row by row to the epilogue, which
applies the elementwise ops that follow and stores the results.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from pellucid.compile.emit.epilogue import AxisValues, Epilogue, operand_pointer
from pellucid.compile.emit.index_value import unravelled
from pellucid.compile.emit.panels import PanelEmitter, panel_elements
from pellucid.compile.emit.reduction_loops import Count
from pellucid.compile.emit.register_tile import RegisterTileEmitter
from pellucid.compile.emit.stores import Stores
from pellucid.compile.loop.builder import Builder
from pellucid.compile.loop.ir import Type, Value
from pellucid.compile.plan.kernels import Kernel
from pellucid.compile.tile.contraction import Contraction, StridedAxis
from pellucid.compile.tile.tiles import Tiling
from pellucid.graph.node import Node

Range = tuple[Value, Value]
_NEAR = 24_576
"""Bytes up to which a panel stays in the nearest cache."""


def task_counts(work: Contraction, tiling: Tiling) -> tuple[int, int, int]:
    """The number of blocks of outer rows, of rows and of columns."""
    panels = -(-work.column.extent // (tiling.vectors * work.lanes))
    return (
        max(-(-work.outer_rows // tiling.outer_block), 1),
        max(-(-work.row.extent // tiling.row_block), 1),
        max(-(-panels // tiling.panel_block), 1),
    )


def scratch_elements(work: Contraction, tiling: Tiling) -> int:
    """Elements that a thread needs: packed panels, then tiles of sums."""
    return panel_elements(work, tiling) * tiling.panel_block + _sum_elements(work, tiling)


def _is_single(work: Contraction, tiling: Tiling) -> bool:
    """Whether the outermost sum is not cut into blocks."""
    return tiling.block >= work.sums[0].extent


def _sum_elements(work: Contraction, tiling: Tiling) -> int:
    tile = tiling.rows * tiling.vectors * work.lanes
    if _is_single(work, tiling):
        return tile
    return tile * tiling.panel_block * tiling.outer_block * -(-tiling.row_block // tiling.rows)


@dataclass(frozen=True)
class _Task:
    """Operands, ranges of outer rows, rows and panels, and the indices of the batch."""

    a: Value
    b: Value
    outer: Range
    rows: Range
    panels: Range
    indices: AxisValues


class ContractionEmitter:
    """Emits one contraction kernel."""

    def __init__(
        self,
        b: Builder,
        work: Contraction,
        tiling: Tiling,
        scratch: Value,
        epilogue: Epilogue,
    ) -> None:
        self.b = b
        self.work = work
        self.tiling = tiling
        self.width = tiling.vectors * work.lanes
        self.is_single = _is_single(work, tiling)
        self.panels = scratch
        self.panel_size = panel_elements(work, tiling)
        self.sums = b.offset(scratch, self.panel_size * tiling.panel_block, work.kind)
        self.epilogue = epilogue
        self.packing = PanelEmitter(b, work, tiling)
        self.tile = RegisterTileEmitter(b, work, tiling, self.is_single)

    def emit(self, first: Value, second: Value, begin: Value, end: Value) -> None:
        """Tasks begin … end − 1 of the contraction of two operands."""
        b, work, tiling = self.b, self.work, self.tiling
        outer_blocks, row_blocks, column_blocks = task_counts(work, tiling)
        panels = -(-work.column.extent // self.width)
        if tiling.coalesced:
            self._row_blocks(first, second, begin, end)
            return
        with b.loop(begin, end, hint="task") as task:
            columns = b.rem(task.variable, column_blocks)
            rest = b.div(task.variable, column_blocks)
            rows = b.rem(rest, row_blocks)
            rest = b.div(rest, row_blocks)
            outer = b.rem(rest, outer_blocks)
            batch = self._indices(b.div(rest, outer_blocks), work.batch)
            self._task(
                _Task(
                    self._address(first, batch, [(line.axis, line.a) for line in work.batch]),
                    self._address(second, batch, [(line.axis, line.b) for line in work.batch]),
                    self._range(outer, tiling.outer_block, work.outer_rows),
                    self._range(rows, tiling.row_block, work.row.extent),
                    self._range(columns, tiling.panel_block, panels),
                    batch,
                )
            )

    def _row_blocks(self, a: Value, packed: Value, begin: Value, end: Value) -> None:
        """Tasks that are blocks of rows alone, as one range of rows; B lies in panels."""
        b, work, tiling = self.b, self.work, self.tiling
        first = b.mul(begin, tiling.row_block)
        last = b.minimum(b.mul(end, tiling.row_block), work.row.extent)
        panels = -(-work.column.extent // self.width)

        def tile(row: Value, panel: Value) -> None:
            column = b.mul(panel, self.width)
            count = b.minimum(b.sub(last, row), tiling.rows)
            self._prefetch({}, row, count, column)
            a_start = b.offset(a, b.mul(row, work.row.a), work.kind)
            b_start = b.offset(packed, b.mul(panel, work.panel), work.kind)
            self._tile(a_start, b_start, work.sums[0].extent, count, self.sums)
            self._apply_epilogue({}, row, count, column, self.sums)

        # The inner loop reads what stays in the nearest cache: a small panel, or else rows of A.
        if work.panel * 4 > _NEAR:
            with (
                b.loop(first, last, tiling.rows, hint="row") as row,
                b.loop(0, panels, hint="panel") as panel,
            ):
                tile(row.variable, panel.variable)
        else:
            with (
                b.loop(0, panels, hint="panel") as panel,
                b.loop(first, last, tiling.rows, hint="row") as row,
            ):
                tile(row.variable, panel.variable)

    def _range(self, number: Value, block: int, extent: int) -> Range:
        first = self.b.mul(number, block)
        return first, self.b.minimum(self.b.add(first, block), extent)

    def _indices(self, flat: Value, lines: Sequence[StridedAxis]) -> dict[int, Value]:
        indices = unravelled(self.b, flat, [line.extent for line in lines])
        return {line.axis: index for line, index in zip(lines, indices, strict=True)}

    def _address(
        self, pointer: Value, indices: AxisValues, strides: Sequence[tuple[int, int]]
    ) -> Value:
        for axis, stride in strides:
            offset = self.b.mul(indices[axis], stride)
            pointer = self.b.offset(pointer, offset, self.work.kind)
        return pointer

    def _task(self, task: _Task) -> None:
        b, work, tiling = self.b, self.work, self.tiling
        outermost = work.sums[0]
        if self.is_single:
            self._block(task, outermost.extent, None)
            return
        with b.loop(0, _sum_elements(work, tiling), work.lanes) as clear:
            b.store(b.constant(Type(work.kind, work.lanes), 0.0), self.sums, clear.variable)
        with b.loop(0, outermost.extent, tiling.block, hint="k0") as block:
            k0 = block.variable
            iterations = b.minimum(b.sub(outermost.extent, k0), tiling.block)
            is_last = b.compare(">=", b.add(k0, iterations), outermost.extent)
            a = b.offset(task.a, b.mul(k0, outermost.a), work.kind)
            second = b.offset(task.b, b.mul(k0, outermost.b), work.kind)
            self._block(replace(task, a=a, b=second), iterations, is_last)

    def _block(self, task: _Task, iterations: Count, is_last: Value | None) -> None:
        """One block of the outermost sum, for all tiles of a task.

        is_last: whether it is the last block; None if it is the only one.
        """
        b, work, tiling = self.b, self.work, self.tiling
        with b.loop(*task.panels, hint="panel") as panel:
            column = b.mul(panel.variable, self.width)
            local = b.sub(panel.variable, task.panels[0])
            offset = (
                b.mul(panel.variable, work.panel) if work.panel else b.mul(column, work.column.b)
            )
            source = b.offset(task.b, offset, work.kind)
            if tiling.pack:
                packed = b.offset(self.panels, b.mul(local, self.panel_size), work.kind)
                self.packing.pack(source, column, iterations, packed)
                source = packed
            with b.loop(*task.outer, hint="outer") as out:
                outer = self._indices(out.variable, work.outer)
                indices = {**task.indices, **outer}
                a = self._address(task.a, outer, [(line.axis, line.a) for line in work.outer])
                number = b.add(b.mul(local, tiling.outer_block), b.sub(out.variable, task.outer[0]))
                with b.loop(*task.rows, tiling.rows, hint="row") as row:
                    tile = self._tile_address(row.variable, task.rows[0], number)
                    first = b.offset(a, b.mul(row.variable, work.row.a), work.kind)
                    count = b.minimum(b.sub(task.rows[1], row.variable), tiling.rows)
                    self._prefetch(indices, row.variable, count, column)
                    self._tile(first, source, iterations, count, tile)
                    self._finish(indices, row.variable, count, column, tile, is_last)

    def _tile_address(self, row: Value, first_row: Value, number: Value) -> Value:
        if self.is_single:
            return self.sums
        b, tiling = self.b, self.tiling
        tiles = -(-tiling.row_block // tiling.rows)
        index = b.add(b.mul(number, tiles), b.div(b.sub(row, first_row), tiling.rows))
        return b.offset(self.sums, b.mul(index, tiling.rows * self.width), self.work.kind)

    def _tile(self, a: Value, source: Value, iterations: Count, count: Value, tile: Value) -> None:
        """Sums of `count` rows: a full tile, or the rows that are left over."""
        b, tiling = self.b, self.tiling
        full, rest = divmod(self.work.row.extent, tiling.rows)
        if full and rest:
            with b.when(b.compare("==", count, tiling.rows)):
                self.tile.emit(a, source, iterations, tiling.rows, tile)
            with b.when(b.compare("!=", count, tiling.rows)):
                self.tile.emit(a, source, iterations, rest, tile)
        else:
            self.tile.emit(a, source, iterations, rest or tiling.rows, tile)

    def _finish(
        self,
        indices: AxisValues,
        row: Value,
        count: Value,
        column: Value,
        tile: Value,
        is_last: Value | None,
    ) -> None:
        if is_last is None:
            self._apply_epilogue(indices, row, count, column, tile)
            return
        with self.b.when(is_last):
            self._apply_epilogue(indices, row, count, column, tile)

    def _prefetch(self, indices: AxisValues, row: Value, count: Value, column: Value) -> None:
        """Prefetch the arrays of a tile's epilogue, before the sums of the tile."""
        if not self.epilogue.prefetches:
            return
        b, work = self.b, self.work
        with b.loop(0, count, hint="r") as r:
            rows = {work.row.axis: b.add(row, r.variable)}
            self.epilogue.prefetch({**indices, **rows}, column, self.tiling.vectors)

    def _apply_epilogue(
        self, indices: AxisValues, row: Value, count: Value, column: Value, tile: Value
    ) -> None:
        b, work = self.b, self.work
        with b.loop(0, count, hint="r") as r:
            here = {**indices, work.row.axis: b.add(row, r.variable)}
            sums = b.offset(tile, b.mul(r.variable, self.width), work.kind)
            self.epilogue.emit(here, column, sums, self.tiling.vectors)


def emit_contraction(
    b: Builder,
    kernel: Kernel,
    schedule: tuple[Contraction, Tiling],
    buffers: Mapping[Node, Value],
    stores: Stores,
    scratch: Value,
    span: Range,
) -> None:
    """Emit the tasks of a contraction kernel, with its epilogue."""
    work, tiling = schedule
    epilogue = Epilogue(b, kernel, buffers, stores, (work.row, work.column), work.lanes)
    first = operand_pointer(b, kernel, 0, buffers)
    if kernel.panels is not None:
        second = buffers[kernel.panels]
    else:
        second = operand_pointer(b, kernel, 1, buffers)
    ContractionEmitter(b, work, tiling, scratch, epilogue).emit(first, second, *span)
