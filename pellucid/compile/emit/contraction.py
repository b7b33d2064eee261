"""The contraction generator: loop IR for sums of products over shared axes.

Operands are addressed by strides, so transposed, sliced and windowed operands are never copied
first. B is packed into panels as wide as a register tile (transposed on the way where its
neighbours lie along the sum); a tile of C is summed in registers, then handed row by row to the
epilogue, which applies whatever elementwise ops follow and stores.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from pellucid.compile.access import Access
from pellucid.compile.contraction import Contraction, Line, operand_position, operands
from pellucid.compile.emit.nest import Store
from pellucid.compile.emit.panels import PanelWriter, column_mask, panel_elements
from pellucid.compile.emit.pull import Point, Puller
from pellucid.compile.emit.scalar_ops import kind_of
from pellucid.compile.emit.sums import Count
from pellucid.compile.emit.tile import TileWriter
from pellucid.compile.index import Indices, linear
from pellucid.compile.kernels import Kernel
from pellucid.compile.loop.builder import Builder
from pellucid.compile.loop.ir import I64, Type, Value
from pellucid.compile.tiles import Tiling
from pellucid.graph.node import Node

Epilogue = Callable[[Mapping[int, Value], Value, Value | None], None]
"""(place by axis, its last the first of the columns; sums; columns that exist) → writes results."""
Ahead = Callable[[Mapping[int, Value]], None]
"""place by axis → asks for what the epilogue will read there."""
Range = tuple[Value, Value]
_FAR = 262_144
"""Bytes from which on an array is not in the nearest caches."""


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
        ahead: Ahead | None = None,
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
        self.ahead = ahead
        self.packing = PanelWriter(b, work, cut)
        self.tile = TileWriter(b, work, cut, self.single)

    def write(self, a: Value, other: Value, begin: Value, end: Value) -> None:
        """Tasks begin … end − 1 of the contraction of `a` with `other`."""
        b, work, cut = self.b, self.work, self.cut
        outer_blocks, row_blocks, column_blocks = task_counts(work, cut)
        panels = -(-work.column.extent // self.width)
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

    def _range(self, number: Value, block: int, extent: int) -> Range:
        first = self.b.mul(number, block)
        return first, self.b.minimum(self.b.add(first, block), extent)

    def _indices(self, flat: Value, lines: Sequence[Line]) -> dict[int, Value]:
        found: dict[int, Value] = {}
        for line in reversed(lines):
            found[line.axis] = self.b.rem(flat, line.extent)
            flat = self.b.div(flat, line.extent)
        return found

    def _moved(
        self, pointer: Value, place: Mapping[int, Value], lines: Sequence[Line], first: bool
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
            source = b.offset(other, b.mul(column, work.column.b), work.kind)
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
        if self.ahead is None:
            return
        b, work = self.b, self.work
        with b.loop(0, count, hint="r") as r:
            rows = {work.row.axis: b.add(row, r.variable)}
            for v in range(self.cut.vectors):
                self.ahead({**place, **rows, work.column.axis: b.add(column, v * work.lanes)})

    def _hand_over(
        self, place: Mapping[int, Value], row: Value, count: Value, column: Value, tile: Value
    ) -> None:
        b, work = self.b, self.work
        vector = Type(work.kind, work.lanes)
        with b.loop(0, count, hint="r") as r:
            rows = {work.row.axis: b.add(row, r.variable)}
            for v in range(self.cut.vectors):
                at = b.add(b.mul(r.variable, self.width), v * work.lanes)
                start = b.add(column, v * work.lanes)
                here = {**place, **rows, work.column.axis: start}
                if work.column.extent % self.width == 0:
                    self.epilogue(here, b.load(tile, at, vector), None)
                    continue
                with b.when(b.compare("<", start, work.column.extent)):
                    mask = column_mask(b, work, start)
                    self.epilogue(here, b.load(tile, at, vector), mask)


def write_contraction(
    b: Builder,
    kernel: Kernel,
    shape_of: tuple[Contraction, Tiling],
    buffers: Mapping[Node, Value],
    store: Store,
    scratch: Value,
    span: Range,
) -> None:
    """Tasks of a contraction kernel and its epilogue."""
    anchor = kernel.members[0]
    work, cut = shape_of
    puller = Puller(b, buffers)
    zero = b.constant(I64, 0)
    nowhere = dict.fromkeys(range(len(kernel.shape)), zero)

    def epilogue(place: Mapping[int, Value], sums: Value, mask: Value | None) -> None:
        if work.column.extent == 1:
            point = Point({**nowhere, **place, work.column.axis: zero})
            sums = b.lane(sums, 0)
        else:
            point = Point({**nowhere, **place}, work.column.axis, work.lanes, mask)
        puller.at(point)
        puller.know(anchor.node, anchor.at, sums)
        values = [sums]
        for member in kernel.members[1:]:
            value = puller.fresh(member.node, member.at)
            puller.know(member.node, member.at, value)
            values.append(value)
        for member, value in zip(kernel.members, values, strict=True):
            store(puller, member, value)

    own = kernel.nodes()
    reads = (access for member in kernel.members[1:] for access in member.reads)
    far = [access for access in reads if access.node not in own and _is_far(access, work)]

    def ahead(place: Mapping[int, Value]) -> None:
        puller.at(Point({**nowhere, **place}, work.column.axis, work.lanes))
        for access in far:
            puller.prefetch(access.node, access.at)

    places = operands(anchor.node)[:2]
    first, second = (
        _pointer(b, operand, at, buffers)
        for operand, at in zip(anchor.node.inputs, places, strict=True)
    )
    writer = ContractionWriter(b, work, cut, scratch, epilogue, ahead if far else None)
    writer.write(first, second, *span)


def _is_far(access: Access, work: Contraction) -> bool:
    """Whether every row of a tile reads another part of an array that is not in a near cache.

    Rows lie far apart, so the processor does not guess what is read next.
    """
    node = access.node
    position = linear(access.at, node.shape)
    each = position.factor(work.row.axis) and position.factor(work.column.axis) == 1
    return bool(each) and not access.guarded and node.size * node.dtype.itemsize >= _FAR


def _pointer(b: Builder, operand: Node, at: Indices, buffers: Mapping[Node, Value]) -> Value:
    """Where the first element that is read of an operand lies."""
    base, position = operand_position(operand, at)
    return b.offset(buffers[base], position.constant, kind_of(operand.dtype))
