"""Winograd convolutions: transform tiles and window, multiply matrices, transform back.

A block has as many tiles as the register tile has rows, so its transforms stay in the nearest caches.
A thread transforms the window once for all its consecutive tasks.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from pellucid.compile.emit.epilogue import Epilogue
from pellucid.compile.emit.panels import PanelEmitter
from pellucid.compile.emit.register_tile import RegisterTileEmitter
from pellucid.compile.emit.winograd_tiles import Tile, TileEmitter, result_stride, signal_stride
from pellucid.compile.loop.builder import Builder
from pellucid.compile.loop.ir import Type, Value
from pellucid.compile.tile.contraction import Contraction, StridedAxis
from pellucid.compile.tile.tiles import Tiling
from pellucid.compile.tile.winograd import Winograd

Range = tuple[Value, Value]


def convolution_scratch(work: Winograd) -> int:
    """Elements that a thread needs.

    The transformed window, a block's transformed signal and its products, and a packed panel of the
    window, which may have up to `lanes` extra rows.
    """
    points = work.scheme.points
    window = points * work.channel.extent * work.width * work.panel_block
    packed = (work.scheme.window**2 * work.channel.extent + work.lanes) * work.width
    return window + points * (signal_stride(work) + result_stride(work)) + packed


class ConvolutionEmitter:
    """Emits one Winograd convolution."""

    def __init__(self, b: Builder, work: Winograd, scratch: Value, epilogue: Epilogue) -> None:
        self.b = b
        self.work = work
        self.epilogue = epilogue
        self.vector = Type(work.kind, work.lanes)
        self.tiles = TileEmitter(b, work)
        self.points, self.side = work.scheme.points, work.scheme.window
        self.panel_stride = self.points * work.channel.extent * work.width
        self.window = scratch
        self.signal = b.offset(scratch, self.panel_stride * work.panel_block, work.kind)
        self.result = b.offset(self.signal, self.points * signal_stride(work), work.kind)
        self.packed = b.offset(self.result, self.points * result_stride(work), work.kind)
        row = StridedAxis(work.image.axis, work.rows, work.padded_channels, 0)
        within = (
            StridedAxis(-1, self.side, 0, work.y.b),
            StridedAxis(-1, self.side, 0, work.x.b),
            work.channel,
        )
        window = Contraction((), (), row, work.column, within, work.kind, work.lanes)
        tiling = Tiling(work.rows, work.vectors, self.side, 1, work.rows, 1, pack=True)
        self.packing = PanelEmitter(b, window, tiling)
        depth = StridedAxis(-1, work.channel.extent, 1, work.width)
        product = Contraction((), (), row, work.column, (depth,), work.kind, work.lanes)
        tiling = Tiling(work.rows, work.vectors, depth.extent, 1, work.rows, 1, pack=True)
        self.register_tile = RegisterTileEmitter(
            b, product, tiling, overwrites=True, chain=work.scheme.chain
        )

    def emit(self, signal: Value, window: Value, begin: Value, end: Value) -> None:
        """Tasks begin … end − 1: those of one group and block of columns share the window."""
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
            self._transform_window(own_window, panels)
            low = b.sub(b.maximum(begin, start), start)
            high = b.sub(b.minimum(end, b.add(start, pieces)), start)
            stop = b.minimum(b.mul(high, work.task_blocks), work.blocks)
            with b.loop(b.mul(low, work.task_blocks), stop, hint="block") as block:
                self._block(own_signal, block.variable, panels, group)

    # -- the window -----------------------------------------------------------------------------

    def _transform_window(self, window: Value, panels: Range) -> None:
        """Pack some panels, then G g Gᵀ for each pair of channels."""
        b, work = self.b, self.work
        with b.loop(*panels, hint="panel") as panel:
            local = b.mul(b.sub(panel.variable, panels[0]), self.panel_stride)
            into = b.offset(self.window, local, work.kind)
            column = b.mul(panel.variable, work.width)
            source = b.offset(window, b.mul(column, work.column.b), work.kind)
            self.packing.pack(source, column, self.side, self.packed)
            with b.loop(0, work.channel.extent * work.width, work.lanes, hint="c") as c:
                start = b.offset(self.packed, c.variable, work.kind)
                stride = work.channel.extent * work.width
                values = [
                    [
                        b.load(start, (self.side * i + j) * stride, self.vector)
                        for j in range(self.side)
                    ]
                    for i in range(self.side)
                ]
                matrices = b.offset(into, c.variable, work.kind)
                self.tiles.store(self.tiles.transforms.window, values, matrices, stride)

    # -- tiles ----------------------------------------------------------------------------------

    def _block(self, signal: Value, block: Value, panels: Range, group: Value) -> None:
        """One block of tiles.

        Between its products, the data of the next block and of the epilogue are prefetched bit by bit.
        """
        b, work = self.b, self.work
        first = b.mul(block, work.block_tiles)
        count = b.minimum(b.sub(work.tiles, first), work.block_tiles)
        with b.loop(0, count, hint="tile") as number:
            tile = self.tiles.tile(b.add(first, number.variable))
            into = b.offset(self.signal, b.mul(number.variable, work.padded_channels), work.kind)
            self.tiles.transform_signal(signal, tile, work.channel.extent, into)
        with b.loop(*panels, hint="panel") as panel:
            local = b.mul(b.sub(panel.variable, panels[0]), self.panel_stride)
            window = b.offset(self.window, local, work.kind)
            column = b.mul(panel.variable, work.width)
            with b.loop(0, self.points, hint="point") as point:
                with b.loop(point.variable, work.block_tiles, self.points, hint="ahead") as ahead:
                    following = b.add(first, ahead.variable)
                    with b.when(b.compare("==", panel.variable, panels[0])):
                        self.tiles.prefetch_signal(signal, b.add(following, work.block_tiles))
                    self._prefetch_epilogue(following, column, group)
                self.register_tile.emit(
                    b.offset(self.signal, b.mul(point.variable, signal_stride(work)), work.kind),
                    b.offset(
                        window,
                        b.mul(point.variable, work.channel.extent * work.width),
                        work.kind,
                    ),
                    work.channel.extent,
                    work.rows,
                    b.offset(self.result, b.mul(point.variable, result_stride(work)), work.kind),
                )
            self._finish(first, count, column, group)

    def _prefetch_epilogue(self, number: Value, column: Value, group: Value) -> None:
        """Prefetch the arrays of the epilogue for one tile."""
        if self.epilogue.prefetches:
            with self._results(self.tiles.tile(number), group) as (_, indices):
                self.epilogue.prefetch(indices, column, self.work.vectors)

    def _finish(self, first: Value, count: Value, column: Value, group: Value) -> None:
        """Transform the products of a block to results and hand them to the epilogue."""
        b, work = self.b, self.work
        with b.loop(0, count, hint="tile") as number:
            tile = self.tiles.tile(b.add(first, number.variable))
            start = b.offset(self.result, b.mul(number.variable, work.width), work.kind)
            for v in range(work.vectors):
                products = b.offset(start, v * work.lanes, work.kind)
                self.tiles.transform_products(
                    self.tiles.transforms.result, products, result_stride(work)
                )
            with self._results(tile, group) as (result, indices):
                sums = b.offset(start, b.mul(result, result_stride(work)), work.kind)
                self.epilogue.emit(indices, column, sums, work.vectors)

    @contextmanager
    def _results(self, tile: Tile, group: Value) -> Iterator[tuple[Value, dict[int, Value]]]:
        """A loop over the results of a tile that exist, with the number and indices of each."""
        b, work, tile_size = self.b, self.work, self.work.scheme.tile
        with b.loop(0, tile_size, hint="i") as i, b.loop(0, tile_size, hint="j") as j:
            y, x = b.add(tile.y, i.variable), b.add(tile.x, j.variable)
            indices = {work.group.axis: group, work.image.axis: tile.image}
            indices |= {work.y.axis: y, work.x.axis: x}
            with self._inside(y, x):
                yield b.add(b.mul(i.variable, tile_size), j.variable), indices

    def _inside(self, y: Value, x: Value) -> AbstractContextManager[None]:
        """A branch that is taken where the image has this element."""
        b, work = self.b, self.work
        if work.y.extent % work.scheme.tile == 0 == work.x.extent % work.scheme.tile:
            return nullcontext()
        rows, columns = b.compare("<", y, work.y.extent), b.compare("<", x, work.x.extent)
        return b.when(b.bit("and", rows, columns))
