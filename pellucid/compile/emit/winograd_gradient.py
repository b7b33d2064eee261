"""Gradients by the windows of convolutions, by squares (see `compile.winograd`).

A block of squares of the signal and of ∂y is mapped; each point's matrices are multiplied and added up
in scratch; after the last block the sums are mapped to a window.
"""

from __future__ import annotations

from pellucid.compile.convolution import WINDOW
from pellucid.compile.emit.epilogue import Epilogue
from pellucid.compile.emit.panels import lanes_below
from pellucid.compile.emit.sums import Count
from pellucid.compile.emit.tile import TileWriter
from pellucid.compile.emit.winograd_maps import of_result, to_window
from pellucid.compile.emit.winograd_squares import Square, SquareWriter, points_step
from pellucid.compile.loop.builder import Builder
from pellucid.compile.loop.ir import I1, Type, Value
from pellucid.compile.tile.contraction import Contraction, StridedAxis
from pellucid.compile.tile.tiles import Tiling
from pellucid.compile.tile.winograd import POINTS, TILE, Winograd

Range = tuple[Value, Value]


def gradient_scratch(work: Winograd) -> int:
    """Elements that a thread needs: a block's mapped signal and ∂y, and the sums."""
    panels = work.panel_block
    one = _signal_step(work) + (_result_step(work) + _sum_step(work)) * panels
    return POINTS * one


def _signal_step(work: Winograd) -> int:
    return points_step(work.block_tiles, work.padded_channels, work.lanes)


def _result_step(work: Winograd) -> int:
    return points_step(work.block_tiles, work.width, work.lanes)


def _sum_step(work: Winograd) -> int:
    return points_step(work.padded_channels, work.width, work.lanes)


class WindowGradientWriter:
    """Writes one kernel into a builder."""

    def __init__(self, b: Builder, work: Winograd, scratch: Value, epilogue: Epilogue) -> None:
        self.b = b
        self.work = work
        self.epilogue = epilogue
        self.vector = Type(work.kind, work.lanes)
        self.squares = SquareWriter(b, work)
        self.signal = scratch
        self.result = b.offset(scratch, POINTS * _signal_step(work), work.kind)
        room = POINTS * _result_step(work) * work.panel_block
        self.sums = b.offset(self.result, room, work.kind)
        depth = StridedAxis(-1, work.block_tiles, work.padded_channels, work.width)
        row = StridedAxis(work.channel.axis, work.channel_block, 1, 0)
        product = Contraction((), (), row, work.column, (depth,), work.kind, work.lanes)
        cut = Tiling(work.rows, work.vectors, depth.extent, 1, work.padded_channels, 1, pack=True)
        self.tile = TileWriter(b, product, cut, fresh=False)

    def write(self, signal: Value, result: Value, begin: Value, end: Value) -> None:
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
                left = b.sub(work.channel.extent, channel)
                self._map_squares(own_signal, own_result, start, count, left, panels)
                self._add(own_signal, own_result, start, count, panels)
            self._finish(channel, panels, group)

    def _clear(self) -> None:
        b, work = self.b, self.work
        room = POINTS * _sum_step(work) * work.panel_block
        with b.loop(0, room, work.lanes, hint="clear") as clear:
            b.store(b.constant(self.vector, 0.0), self.sums, clear.variable)

    # -- squares --------------------------------------------------------------------------------

    def _map_squares(
        self,
        signal: Value,
        result: Value,
        first: Value,
        count: Count,
        channels: Value,
        panels: Range,
    ) -> None:
        b, work = self.b, self.work
        with b.loop(0, count, hint="square") as number:
            square = self.squares.place(b.add(first, number.variable))
            into = b.offset(self.signal, b.mul(number.variable, work.padded_channels), work.kind)
            self.squares.map_signal(signal, square, channels, into, _signal_step(work))
            origin = self.squares.origin(result, square, (work.image.b, work.y.b, work.x.b))
            with b.loop(*panels, hint="panel") as panel:
                local = b.mul(b.sub(panel.variable, panels[0]), POINTS * _result_step(work))
                at = b.add(local, b.mul(number.variable, work.width))
                column = b.mul(panel.variable, work.width)
                for v in range(work.vectors):
                    into = b.offset(self.result, b.add(at, v * work.lanes), work.kind)
                    self._map_result(origin, square, b.add(column, v * work.lanes), into)

    def _map_result(self, origin: Value, square: Square, column: Value, into: Value) -> None:
        """A ∂y Aᵀ; what is beyond the picture is 0."""
        b, work = self.b, self.work
        mask = None
        if work.column.extent % work.width:
            mask = lanes_below(b, work.lanes, column, work.column.extent)
        here = b.offset(origin, column, work.kind)

        def taken(i: int, j: int) -> Value:
            exists = mask
            for ahead, first, line in ((i, square.y, work.y), (j, square.x, work.x)):
                if ahead and line.extent % TILE:
                    inside = b.compare("<", b.add(first, ahead), line.extent)
                    wide = b.splat(inside, work.lanes, I1)
                    exists = wide if exists is None else b.bit("and", exists, wide)
            return b.load(here, i * work.y.b + j * work.x.b, self.vector, exists)

        of_square = [[taken(i, j) for j in range(TILE)] for i in range(TILE)]
        self.squares.store(of_result, of_square, into, _result_step(work))

    def _add(self, signal: Value, result: Value, first: Value, count: Count, panels: Range) -> None:
        """Each point's product of matrices, added to its sums; asks for the next block meanwhile."""
        b, work = self.b, self.work
        following = b.add(first, work.block_tiles)
        with b.loop(0, POINTS, hint="point") as point:
            with b.loop(point.variable, work.block_tiles, POINTS, hint="ahead") as ahead:
                self.squares.ask_signal(signal, b.add(following, ahead.variable))
                self.squares.ask_result(result, b.add(following, ahead.variable))
            mapped = b.mul(point.variable, _signal_step(work))
            rows = b.offset(self.signal, mapped, work.kind)
            with b.loop(*panels, hint="panel") as panel:
                local = b.mul(b.sub(panel.variable, panels[0]), POINTS)
                number = b.add(local, point.variable)
                columns = b.offset(self.result, b.mul(number, _result_step(work)), work.kind)
                sums = b.offset(self.sums, b.mul(number, _sum_step(work)), work.kind)
                self._add_point(rows, columns, count, sums)

    def _add_point(self, signal: Value, result: Value, count: Count, sums: Value) -> None:
        b, work = self.b, self.work
        full, rest = divmod(work.channel_block, work.rows)
        with b.loop(0, full * work.rows, work.rows, hint="c") as c:
            into = b.offset(sums, b.mul(c.variable, work.width), work.kind)
            rows = b.offset(signal, c.variable, work.kind)
            self.tile.write(rows, result, count, work.rows, into)
        if rest:
            into = b.offset(sums, full * work.rows * work.width, work.kind)
            rows = b.offset(signal, full * work.rows, work.kind)
            self.tile.write(rows, result, count, rest, into)

    # -- the window -----------------------------------------------------------------------------

    def _finish(self, channel: Value, panels: Range, group: Value) -> None:
        """Map the sums of each channel to windows and hand them to the epilogue."""
        b, work = self.b, self.work
        count = b.minimum(b.sub(work.channel.extent, channel), work.channel_block)
        with b.loop(*panels, hint="panel") as panel, b.loop(0, count, hint="c") as c:
            local = b.mul(b.sub(panel.variable, panels[0]), POINTS * _sum_step(work))
            at = b.add(local, b.mul(c.variable, work.width))
            here = b.offset(self.sums, at, work.kind)
            for v in range(work.vectors):
                at = b.offset(here, v * work.lanes, work.kind)
                self.squares.map_back(to_window, at, _sum_step(work))
            with b.loop(0, WINDOW, hint="i") as i, b.loop(0, WINDOW, hint="j") as j:
                number = b.add(b.mul(i.variable, WINDOW), j.variable)
                sums = b.offset(here, b.mul(number, _sum_step(work)), work.kind)
                place = {
                    work.group.axis: group,
                    work.channel.axis: b.add(channel, c.variable),
                    work.y.axis: i.variable,
                    work.x.axis: j.variable,
                }
                column = b.mul(panel.variable, work.width)
                self.epilogue.finish(place, column, sums, work.vectors)
