"""Convolutions by squares: map squares and window, multiply matrices, map back.

A block of squares is as many as the register tile has rows, so what is mapped stays in the nearest
caches. The window is mapped once for all tasks that a thread does in a row.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from pellucid.compile.convolution import WINDOW
from pellucid.compile.emit.epilogue import Epilogue
from pellucid.compile.emit.panels import PanelWriter
from pellucid.compile.emit.tile import TileWriter
from pellucid.compile.emit.winograd_maps import of_window, to_result
from pellucid.compile.emit.winograd_squares import Square, SquareWriter, points_step
from pellucid.compile.loop.builder import Builder
from pellucid.compile.loop.ir import Type, Value
from pellucid.compile.tile.contraction import Contraction, StridedAxis
from pellucid.compile.tile.tiles import Tiling
from pellucid.compile.tile.winograd import POINTS, TILE, Winograd

Range = tuple[Value, Value]


def filter_scratch(work: Winograd) -> int:
    """Elements that a thread needs.

    The mapped window, a block's mapped signal and its products, and a panel of the window, where
    packing may write up to `lanes` rows beyond the last.
    """
    window = POINTS * work.channel.extent * work.width * work.panel_block
    packed = (WINDOW * WINDOW * work.channel.extent + work.lanes) * work.width
    return window + POINTS * (_signal_step(work) + _result_step(work)) + packed


def _signal_step(work: Winograd) -> int:
    return points_step(work.rows, work.padded_channels, work.lanes)


def _result_step(work: Winograd) -> int:
    return points_step(work.rows, work.width, work.lanes)


class FilterWriter:
    """Writes one convolution kernel into a builder."""

    def __init__(self, b: Builder, work: Winograd, scratch: Value, epilogue: Epilogue) -> None:
        self.b = b
        self.work = work
        self.epilogue = epilogue
        self.vector = Type(work.kind, work.lanes)
        self.squares = SquareWriter(b, work)
        self.panel_step = POINTS * work.channel.extent * work.width
        self.window = scratch
        self.signal = b.offset(scratch, self.panel_step * work.panel_block, work.kind)
        self.result = b.offset(self.signal, POINTS * _signal_step(work), work.kind)
        self.packed = b.offset(self.result, POINTS * _result_step(work), work.kind)
        row = StridedAxis(work.image.axis, work.rows, work.padded_channels, 0)
        within = (
            StridedAxis(-1, WINDOW, 0, work.y.b),
            StridedAxis(-1, WINDOW, 0, work.x.b),
            work.channel,
        )
        whole = Contraction((), (), row, work.column, within, work.kind, work.lanes)
        cut = Tiling(work.rows, work.vectors, WINDOW, 1, work.rows, 1, pack=True)
        self.packing = PanelWriter(b, whole, cut)
        depth = StridedAxis(-1, work.channel.extent, 1, work.width)
        product = Contraction((), (), row, work.column, (depth,), work.kind, work.lanes)
        cut = Tiling(work.rows, work.vectors, depth.extent, 1, work.rows, 1, pack=True)
        self.tile = TileWriter(b, product, cut, fresh=True)

    def write(self, signal: Value, window: Value, begin: Value, end: Value) -> None:
        """Tasks begin … end − 1: within a group and a block of columns they share the window."""
        b, work = self.b, self.work
        pieces = work.pieces
        last = b.div(b.add(end, pieces - 1), pieces)
        with b.loop(b.div(begin, pieces), last, hint="part") as part:
            columns = b.rem(part.variable, work.column_blocks)
            group = b.div(part.variable, work.column_blocks)
            first = b.mul(columns, work.panel_block)
            panels = first, b.minimum(b.add(first, work.panel_block), work.panels)
            start = b.mul(part.variable, pieces)
            own_signal = b.offset(signal, b.mul(group, work.group.a), work.kind)
            own_window = b.offset(window, b.mul(group, work.group.b), work.kind)
            self._map_window(own_window, panels)
            low = b.sub(b.maximum(begin, start), start)
            high = b.sub(b.minimum(end, b.add(start, pieces)), start)
            stop = b.minimum(b.mul(high, work.task_blocks), work.blocks)
            with b.loop(b.mul(low, work.task_blocks), stop, hint="block") as block:
                self._block(own_signal, block.variable, panels, group)

    # -- the window -----------------------------------------------------------------------------

    def _map_window(self, window: Value, panels: Range) -> None:
        """G g Gᵀ for each pair of channels of some panels, which are packed first."""
        b, work = self.b, self.work
        with b.loop(*panels, hint="panel") as panel:
            local = b.mul(b.sub(panel.variable, panels[0]), self.panel_step)
            into = b.offset(self.window, local, work.kind)
            column = b.mul(panel.variable, work.width)
            source = b.offset(window, b.mul(column, work.column.b), work.kind)
            self.packing.pack(source, column, WINDOW, self.packed)
            with b.loop(0, work.channel.extent * work.width, work.lanes, hint="c") as c:
                here = b.offset(self.packed, c.variable, work.kind)
                step = work.channel.extent * work.width
                square = [
                    [b.load(here, (WINDOW * i + j) * step, self.vector) for j in range(WINDOW)]
                    for i in range(WINDOW)
                ]
                self.squares.store(of_window, square, b.offset(into, c.variable, work.kind), step)

    # -- squares --------------------------------------------------------------------------------

    def _block(self, signal: Value, block: Value, panels: Range, group: Value) -> None:
        """A block of squares.

        Between its products memory is asked, a little at a time, for what comes after them.
        """
        b, work = self.b, self.work
        first = b.mul(block, work.block_tiles)
        count = b.minimum(b.sub(work.tiles, first), work.block_tiles)
        with b.loop(0, count, hint="square") as number:
            square = self.squares.place(b.add(first, number.variable))
            into = b.offset(self.signal, b.mul(number.variable, work.padded_channels), work.kind)
            self.squares.map_signal(signal, square, work.channel.extent, into, _signal_step(work))
        with b.loop(*panels, hint="panel") as panel:
            local = b.mul(b.sub(panel.variable, panels[0]), self.panel_step)
            window = b.offset(self.window, local, work.kind)
            column = b.mul(panel.variable, work.width)
            with b.loop(0, POINTS, hint="point") as point:
                with b.loop(point.variable, work.block_tiles, POINTS, hint="ahead") as ahead:
                    at = b.add(first, ahead.variable)
                    with b.when(b.compare("==", panel.variable, panels[0])):
                        self.squares.ask_signal(signal, b.add(at, work.block_tiles))
                    self._ask(at, column, group)
                self.tile.write(
                    b.offset(self.signal, b.mul(point.variable, _signal_step(work)), work.kind),
                    b.offset(
                        window,
                        b.mul(point.variable, work.channel.extent * work.width),
                        work.kind,
                    ),
                    work.channel.extent,
                    work.rows,
                    b.offset(self.result, b.mul(point.variable, _result_step(work)), work.kind),
                )
            self._finish(first, count, column, group)

    def _ask(self, number: Value, column: Value, group: Value) -> None:
        """Ask for what the epilogue meets at a square."""
        if self.epilogue.is_far:
            with self._results(self.squares.place(number), group) as (_, place):
                self.epilogue.ask(place, column, self.work.vectors)

    def _finish(self, first: Value, count: Value, column: Value, group: Value) -> None:
        """Map the products of a block back and hand them to the epilogue."""
        b, work = self.b, self.work
        with b.loop(0, count, hint="square") as number:
            square = self.squares.place(b.add(first, number.variable))
            here = b.offset(self.result, b.mul(number.variable, work.width), work.kind)
            for v in range(work.vectors):
                at = b.offset(here, v * work.lanes, work.kind)
                self.squares.map_back(to_result, at, _result_step(work))
            with self._results(square, group) as (at, place):
                sums = b.offset(here, b.mul(at, _result_step(work)), work.kind)
                self.epilogue.finish(place, column, sums, work.vectors)

    @contextmanager
    def _results(self, square: Square, group: Value) -> Iterator[tuple[Value, dict[int, Value]]]:
        """What follows is done for each result of a square that exists: its number and place."""
        b, work = self.b, self.work
        with b.loop(0, TILE, hint="i") as i, b.loop(0, TILE, hint="j") as j:
            y, x = b.add(square.y, i.variable), b.add(square.x, j.variable)
            place = {work.group.axis: group, work.image.axis: square.image}
            place |= {work.y.axis: y, work.x.axis: x}
            with self._inside(y, x):
                yield b.add(b.mul(i.variable, TILE), j.variable), place

    def _inside(self, y: Value, x: Value) -> AbstractContextManager[None]:
        """What follows is done where the picture has this place."""
        b, work = self.b, self.work
        if work.y.extent % TILE == 0 and work.x.extent % TILE == 0:
            return nullcontext()
        rows, columns = b.compare("<", y, work.y.extent), b.compare("<", x, work.x.extent)
        return b.when(b.bit("and", rows, columns))
