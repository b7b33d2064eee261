"""Gradients by the windows of convolutions, by Winograd's algorithm (see `tile.winograd`).

A block of tiles of the signal and of ∂y is transformed. The matrices of each point are multiplied and
added up in scratch. After the last block the sums are transformed to windows.
"""

from __future__ import annotations

from pellucid.compile.emit.epilogue import Epilogue
from pellucid.compile.emit.index_value import lanes_below
from pellucid.compile.emit.reduction_loops import Count
from pellucid.compile.emit.register_tile import RegisterTileEmitter
from pellucid.compile.emit.winograd_tiles import (
    Tile,
    TileEmitter,
    matrix_stride,
    result_stride,
    signal_stride,
)
from pellucid.compile.loop.builder import Builder
from pellucid.compile.loop.ir import I1, Type, Value
from pellucid.compile.tile.contraction import Contraction, StridedAxis
from pellucid.compile.tile.tiles import Tiling
from pellucid.compile.tile.winograd import Winograd

Range = tuple[Value, Value]


def gradient_scratch(work: Winograd) -> int:
    """Elements that a thread needs: a block's transformed signal and ∂y, and the sums."""
    panels = work.panel_block
    point = signal_stride(work) + (result_stride(work) + _sum_stride(work)) * panels
    return work.scheme.points * point


def _sum_stride(work: Winograd) -> int:
    return matrix_stride(work.padded_channels, work.width, work.lanes)


class WindowGradientEmitter:
    """Emits one gradient by a window."""

    def __init__(self, b: Builder, work: Winograd, scratch: Value, epilogue: Epilogue) -> None:
        self.b = b
        self.work = work
        self.epilogue = epilogue
        self.vector = Type(work.kind, work.lanes)
        self.points = work.scheme.points
        self.tiles = TileEmitter(b, work)
        self.signal = scratch
        self.result = b.offset(scratch, self.points * signal_stride(work), work.kind)
        result_elements = self.points * result_stride(work) * work.panel_block
        self.sums = b.offset(self.result, result_elements, work.kind)
        depth = StridedAxis(-1, work.block_tiles, work.padded_channels, work.width)
        row = StridedAxis(work.channel.axis, work.channel_block, 1, 0)
        product = Contraction((), (), row, work.column, (depth,), work.kind, work.lanes)
        tiling = Tiling(
            work.rows, work.vectors, depth.extent, 1, work.padded_channels, 1, pack=True
        )
        self.register_tile = RegisterTileEmitter(
            b, product, tiling, overwrites=False, chain=work.scheme.chain
        )

    def emit(self, signal: Value, result: Value, begin: Value, end: Value) -> None:
        """Tasks begin … end − 1."""
        b, work = self.b, self.work
        with b.loop(begin, end, hint="task") as task:
            channel = b.mul(b.rem(task.variable, work.pieces), work.channel_block)
            rest = b.div(task.variable, work.pieces)
            first = b.mul(b.rem(rest, work.column_blocks), work.panel_block)
            group = b.div(rest, work.column_blocks)
            panels = first, b.minimum(b.add(first, work.panel_block), work.panels)
            own_signal = b.offset(signal, b.add(b.mul(group, work.group.a), channel), work.kind)
            own_result = b.offset(result, b.mul(group, work.group.b), work.kind)
            self._clear()
            with b.loop(0, work.blocks, hint="block") as block:
                start = b.mul(block.variable, work.block_tiles)
                count: Count = work.block_tiles
                if work.tiles % work.block_tiles:
                    count = b.minimum(b.sub(work.tiles, start), work.block_tiles)
                channels = b.sub(work.channel.extent, channel)
                self._transform_tiles(own_signal, own_result, start, count, channels, panels)
                self._add(own_signal, own_result, start, count, panels)
            self._finish(channel, panels, group)

    def _clear(self) -> None:
        b, work = self.b, self.work
        elements = self.points * _sum_stride(work) * work.panel_block
        with b.loop(0, elements, work.lanes, hint="clear") as clear:
            b.store(b.constant(self.vector, 0.0), self.sums, clear.variable)

    # -- tiles ----------------------------------------------------------------------------------

    def _transform_tiles(
        self,
        signal: Value,
        result: Value,
        first: Value,
        count: Count,
        channels: Value,
        panels: Range,
    ) -> None:
        b, work = self.b, self.work
        with b.loop(0, count, hint="tile") as number:
            tile = self.tiles.tile(b.add(first, number.variable))
            into = b.offset(self.signal, b.mul(number.variable, work.padded_channels), work.kind)
            self.tiles.transform_signal(signal, tile, channels, into)
            origin = self.tiles.address(result, tile, (work.image.b, work.y.b, work.x.b))
            with b.loop(*panels, hint="panel") as panel:
                local = b.mul(b.sub(panel.variable, panels[0]), self.points * result_stride(work))
                at = b.add(local, b.mul(number.variable, work.width))
                column = b.mul(panel.variable, work.width)
                for v in range(work.vectors):
                    into = b.offset(self.result, b.add(at, v * work.lanes), work.kind)
                    self._transform_result(origin, tile, b.add(column, v * work.lanes), into)

    def _transform_result(self, origin: Value, tile: Tile, column: Value, into: Value) -> None:
        """A ∂y Aᵀ; elements outside the image are 0."""
        b, work = self.b, self.work
        mask = None
        if work.column.extent % work.width:
            mask = lanes_below(b, work.lanes, column, work.column.extent)
        here = b.offset(origin, column, work.kind)

        def element(i: int, j: int) -> Value:
            exists = mask
            for ahead, first, line in ((i, tile.y, work.y), (j, tile.x, work.x)):
                if ahead and line.extent % work.scheme.tile:
                    inside = b.compare("<", b.add(first, ahead), line.extent)
                    wide = b.splat(inside, work.lanes, I1)
                    exists = wide if exists is None else b.bit("and", exists, wide)
            return b.load(here, i * work.y.b + j * work.x.b, self.vector, exists)

        tile_size = range(work.scheme.tile)
        values = [[element(i, j) for j in tile_size] for i in tile_size]
        self.tiles.store(self.tiles.transforms.result_gradient, values, into, result_stride(work))

    def _add(self, signal: Value, result: Value, first: Value, count: Count, panels: Range) -> None:
        """Add each point's product of matrices to its sums, and prefetch the next block."""
        b, work = self.b, self.work
        following = b.add(first, work.block_tiles)
        with b.loop(0, self.points, hint="point") as point:
            with b.loop(point.variable, work.block_tiles, self.points, hint="ahead") as ahead:
                self.tiles.prefetch_signal(signal, b.add(following, ahead.variable))
                self.tiles.prefetch_result(result, b.add(following, ahead.variable))
            matrix = b.mul(point.variable, signal_stride(work))
            rows = b.offset(self.signal, matrix, work.kind)
            with b.loop(*panels, hint="panel") as panel:
                local = b.mul(b.sub(panel.variable, panels[0]), self.points)
                number = b.add(local, point.variable)
                columns = b.offset(self.result, b.mul(number, result_stride(work)), work.kind)
                sums = b.offset(self.sums, b.mul(number, _sum_stride(work)), work.kind)
                self._add_point(rows, columns, count, sums)

    def _add_point(self, signal: Value, result: Value, count: Count, sums: Value) -> None:
        b, work = self.b, self.work
        full, rest = divmod(work.channel_block, work.rows)
        with b.loop(0, full * work.rows, work.rows, hint="c") as c:
            into = b.offset(sums, b.mul(c.variable, work.width), work.kind)
            rows = b.offset(signal, c.variable, work.kind)
            self.register_tile.emit(rows, result, count, work.rows, into)
        if rest:
            into = b.offset(sums, full * work.rows * work.width, work.kind)
            rows = b.offset(signal, full * work.rows, work.kind)
            self.register_tile.emit(rows, result, count, rest, into)

    # -- the window -----------------------------------------------------------------------------

    def _finish(self, channel: Value, panels: Range, group: Value) -> None:
        """Transform the sums of each channel to windows and hand them to the epilogue."""
        b, work = self.b, self.work
        count = b.minimum(b.sub(work.channel.extent, channel), work.channel_block)
        with b.loop(*panels, hint="panel") as panel, b.loop(0, count, hint="c") as c:
            local = b.mul(b.sub(panel.variable, panels[0]), self.points * _sum_stride(work))
            at = b.add(local, b.mul(c.variable, work.width))
            here = b.offset(self.sums, at, work.kind)
            for v in range(work.vectors):
                at = b.offset(here, v * work.lanes, work.kind)
                self.tiles.transform_products(
                    self.tiles.transforms.window_gradient, at, _sum_stride(work)
                )
            side = work.scheme.window
            with b.loop(0, side, hint="i") as i, b.loop(0, side, hint="j") as j:
                number = b.add(b.mul(i.variable, side), j.variable)
                sums = b.offset(here, b.mul(number, _sum_stride(work)), work.kind)
                indices = {
                    work.group.axis: group,
                    work.channel.axis: b.add(channel, c.variable),
                    work.y.axis: i.variable,
                    work.x.axis: j.variable,
                }
                column = b.mul(panel.variable, work.width)
                self.epilogue.emit(indices, column, sums, work.vectors)
