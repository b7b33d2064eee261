"""The contraction generator: loop IR for sums of products over shared axes.

Operands are addressed by strides, so transposed, sliced and windowed operands are never copied
first. B is packed into panels as wide as a register tile (transposed on the way where its
neighbours lie along the sum); a tile of C is summed in registers, then handed row by row to the
epilogue, which applies whatever elementwise ops follow and stores.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pellucid.compile.emit.epilogue import Epilogue, operand_pointer
from pellucid.compile.emit.panels import PanelWriter, panel_elements
from pellucid.compile.emit.stores import Stores
from pellucid.compile.emit.sums import Count
from pellucid.compile.emit.tile import TileWriter
from pellucid.compile.loop.builder import Builder
from pellucid.compile.loop.ir import Type, Value
from pellucid.compile.plan.kernels import Kernel
from pellucid.compile.tile.contraction import Contraction, StridedAxis
from pellucid.compile.tile.tiles import Tiling
from pellucid.graph.node import Node

Range = tuple[Value, Value]
_NEAR = 24_576
"""Bytes up to which a panel stays in the nearest cache."""


def task_counts(work: Contraction, cut: Tiling) -> tuple[int, int, int]:
    """Blocks of outer rows, of rows and of columns."""
    panels = -(-work.column.extent // (cut.vectors * work.lanes))
    return (
        max(-(-work.outer_rows // cut.outer_block), 1),
        max(-(-work.row.extent // cut.row_block), 1),
        max(-(-panels // cut.panel_block), 1),
    )


def scratch_elements(work: Contraction, cut: Tiling) -> int:
    """Room that a thread needs: packed panels, then tiles of sums."""
    return panel_elements(work, cut) * cut.panel_block + _sum_elements(work, cut)


def _is_single(work: Contraction, cut: Tiling) -> bool:
    """Whether a tile's sums are finished in one go."""
    return cut.block >= work.sums[0].extent


def _sum_elements(work: Contraction, cut: Tiling) -> int:
    one = cut.rows * cut.vectors * work.lanes
    if _is_single(work, cut):
        return one
    return one * cut.panel_block * cut.outer_block * -(-cut.row_block // cut.rows)


class ContractionWriter:
    """Writes one contraction kernel into a builder."""

    def __init__(
        self,
        b: Builder,
        work: Contraction,
        cut: Tiling,
        scratch: Value,
        epilogue: Epilogue,
    ) -> None:
        self.b = b
        self.work = work
        self.cut = cut
        self.width = cut.vectors * work.lanes
        self.single = _is_single(work, cut)
        self.panels = scratch
        self.panel_size = panel_elements(work, cut)
        self.sums = b.offset(scratch, self.panel_size * cut.panel_block, work.kind)
        self.epilogue = epilogue
        self.packing = PanelWriter(b, work, cut)
        self.tile = TileWriter(b, work, cut, self.single)

    def write(self, a: Value, other: Value, begin: Value, end: Value) -> None:
        """Tasks begin … end − 1 of the contraction of `a` with `other`."""
        b, work, cut = self.b, self.work, self.cut
        outer_blocks, row_blocks, column_blocks = task_counts(work, cut)
        panels = -(-work.column.extent // self.width)
        if cut.coalesced:
            self._strips(a, other, begin, end)
            return
        with b.loop(begin, end, hint="task") as task:
            columns = b.rem(task.variable, column_blocks)
            rest = b.div(task.variable, column_blocks)
            rows = b.rem(rest, row_blocks)
            rest = b.div(rest, row_blocks)
            outer = b.rem(rest, outer_blocks)
            place = self._indices(b.div(rest, outer_blocks), work.batch)
            self._task(
                self._moved(a, place, work.batch, first=True),
                self._moved(other, place, work.batch, first=False),
                self._range(outer, cut.outer_block, work.outer_rows),
                self._range(rows, cut.row_block, work.row.extent),
                self._range(columns, cut.panel_block, panels),
                place,
            )

    def _strips(self, a: Value, other: Value, begin: Value, end: Value) -> None:
        """Tasks that are rows alone, as if they were one; B lies in panels."""
        b, work, cut = self.b, self.work, self.cut
        first = b.mul(begin, cut.row_block)
        last = b.minimum(b.mul(end, cut.row_block), work.row.extent)
        panels = -(-work.column.extent // self.width)

        def tile(row: Value, panel: Value) -> None:
            column = b.mul(panel, self.width)
            count = b.minimum(b.sub(last, row), cut.rows)
            self._ask({}, row, count, column)
            here = b.offset(a, b.mul(row, work.row.a), work.kind)
            there = b.offset(other, b.mul(panel, work.panel), work.kind)
            self._tile(here, there, work.sums[0].extent, count, self.sums)
            self._hand_over({}, row, count, column, self.sums)

        # The rows of A are near for all panels, or a panel for all rows, if it is small enough.
        if work.panel * 4 > _NEAR:
            with (
                b.loop(first, last, cut.rows, hint="row") as row,
                b.loop(0, panels, hint="panel") as panel,
            ):
                tile(row.variable, panel.variable)
        else:
            with (
                b.loop(0, panels, hint="panel") as panel,
                b.loop(first, last, cut.rows, hint="row") as row,
            ):
                tile(row.variable, panel.variable)

    def _range(self, number: Value, block: int, extent: int) -> Range:
        first = self.b.mul(number, block)
        return first, self.b.minimum(self.b.add(first, block), extent)

    def _indices(self, flat: Value, lines: Sequence[StridedAxis]) -> dict[int, Value]:
        found: dict[int, Value] = {}
        for line in reversed(lines):
            found[line.axis] = self.b.rem(flat, line.extent)
            flat = self.b.div(flat, line.extent)
        return found

    def _moved(
        self, pointer: Value, place: Mapping[int, Value], lines: Sequence[StridedAxis], first: bool
    ) -> Value:
        for line in lines:
            step = line.a if first else line.b
            pointer = self.b.offset(pointer, self.b.mul(place[line.axis], step), self.work.kind)
        return pointer

    def _task(
        self,
        a: Value,
        other: Value,
        outer: Range,
        rows: Range,
        panels: Range,
        place: dict[int, Value],
    ) -> None:
        b, work, cut = self.b, self.work, self.cut
        outermost = work.sums[0]
        if self.single:
            self._block(a, other, outer, rows, panels, place, outermost.extent, None)
            return
        with b.loop(0, _sum_elements(work, cut), work.lanes) as clear:
            b.store(b.constant(Type(work.kind, work.lanes), 0.0), self.sums, clear.variable)
        with b.loop(0, outermost.extent, cut.block, hint="k0") as block:
            k0 = block.variable
            turns = b.minimum(b.sub(outermost.extent, k0), cut.block)
            last = b.compare(">=", b.add(k0, turns), outermost.extent)
            deep_a = b.offset(a, b.mul(k0, outermost.a), work.kind)
            deep_b = b.offset(other, b.mul(k0, outermost.b), work.kind)
            self._block(deep_a, deep_b, outer, rows, panels, place, turns, last)

    def _block(
        self,
        a: Value,
        other: Value,
        outer: Range,
        rows: Range,
        panels: Range,
        place: dict[int, Value],
        turns: Count,
        last: Value | None,
    ) -> None:
        """`turns` turns of the outermost sum for all tiles of a task."""
        b, work, cut = self.b, self.work, self.cut
        with b.loop(*panels, hint="panel") as panel:
            column = b.mul(panel.variable, self.width)
            local = b.sub(panel.variable, panels[0])
            beyond = (
                b.mul(panel.variable, work.panel) if work.panel else b.mul(column, work.column.b)
            )
            source = b.offset(other, beyond, work.kind)
            if cut.pack:
                packed = b.offset(self.panels, b.mul(local, self.panel_size), work.kind)
                self.packing.pack(source, column, turns, packed)
                source = packed
            with b.loop(*outer, hint="outer") as out:
                here = {**place, **self._indices(out.variable, work.outer)}
                moved = self._moved(a, here, work.outer, first=True)
                number = b.add(b.mul(local, cut.outer_block), b.sub(out.variable, outer[0]))
                with b.loop(*rows, cut.rows, hint="row") as row:
                    tile = self._tile_address(row.variable, rows[0], number)
                    first = b.offset(moved, b.mul(row.variable, work.row.a), work.kind)
                    count = b.minimum(b.sub(rows[1], row.variable), cut.rows)
                    self._ask(here, row.variable, count, column)
                    self._tile(first, source, turns, count, tile)
                    self._finish(here, row.variable, count, column, tile, last)

    def _tile_address(self, row: Value, first_row: Value, number: Value) -> Value:
        if self.single:
            return self.sums
        b, cut = self.b, self.cut
        tiles = -(-cut.row_block // cut.rows)
        at = b.add(b.mul(number, tiles), b.div(b.sub(row, first_row), cut.rows))
        return b.offset(self.sums, b.mul(at, cut.rows * self.width), self.work.kind)

    def _tile(self, a: Value, source: Value, turns: Count, count: Value, tile: Value) -> None:
        """Sums of `count` rows: the code for a full tile and for the last rows differ in height."""
        b, cut = self.b, self.cut
        full, rest = divmod(self.work.row.extent, cut.rows)
        if full and rest:
            with b.when(b.compare("==", count, cut.rows)):
                self.tile.write(a, source, turns, cut.rows, tile)
            with b.when(b.compare("!=", count, cut.rows)):
                self.tile.write(a, source, turns, rest, tile)
        else:
            self.tile.write(a, source, turns, rest or cut.rows, tile)

    def _finish(
        self,
        place: Mapping[int, Value],
        row: Value,
        count: Value,
        column: Value,
        tile: Value,
        last: Value | None,
    ) -> None:
        if last is None:
            self._hand_over(place, row, count, column, tile)
            return
        with self.b.when(last):
            self._hand_over(place, row, count, column, tile)

    def _ask(self, place: Mapping[int, Value], row: Value, count: Value, column: Value) -> None:
        """Ask for what the epilogue of a tile reads while its sums are made."""
        if not self.epilogue.is_far:
            return
        b, work = self.b, self.work
        with b.loop(0, count, hint="r") as r:
            rows = {work.row.axis: b.add(row, r.variable)}
            self.epilogue.ask({**place, **rows}, column, self.cut.vectors)

    def _hand_over(
        self, place: Mapping[int, Value], row: Value, count: Value, column: Value, tile: Value
    ) -> None:
        b, work = self.b, self.work
        with b.loop(0, count, hint="r") as r:
            here = {**place, work.row.axis: b.add(row, r.variable)}
            sums = b.offset(tile, b.mul(r.variable, self.width), work.kind)
            self.epilogue.finish(here, column, sums, self.cut.vectors)


def write_contraction(
    b: Builder,
    kernel: Kernel,
    shape_of: tuple[Contraction, Tiling],
    buffers: Mapping[Node, Value],
    stores: Stores,
    scratch: Value,
    span: Range,
) -> None:
    """Tasks of a contraction kernel and its epilogue."""
    work, cut = shape_of
    epilogue = Epilogue(b, kernel, buffers, stores, (work.row, work.column), work.lanes)
    first = operand_pointer(b, kernel, 0, buffers)
    if kernel.panels is not None:
        second = buffers[kernel.panels]
    else:
        second = operand_pointer(b, kernel, 1, buffers)
    ContractionWriter(b, work, cut, scratch, epilogue).write(first, second, *span)
