"""Tiles of an image: their addresses, and their transforms, stored as one matrix for each point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pellucid.compile.emit.index_value import lanes_below
from pellucid.compile.emit.winograd_transforms import TRANSFORMS, Transform, transformed
from pellucid.compile.loop.builder import Builder
from pellucid.compile.loop.ir import BITS, Type, Value
from pellucid.compile.tile.contraction import StridedAxis
from pellucid.compile.tile.winograd import Winograd

_LINE_BYTES = 64


@dataclass(frozen=True)
class Tile:
    """The image of a tile, and its first row and column."""

    image: Value
    y: Value
    x: Value


def signal_stride(work: Winograd) -> int:
    """Elements from one point's matrix of a transformed signal to the next."""
    return matrix_stride(work.block_tiles, work.padded_channels, work.lanes)


def result_stride(work: Winograd) -> int:
    """Elements from one point's matrix of results, or of a transformed ∂y, to the next."""
    return matrix_stride(work.block_tiles, work.width, work.lanes)


def matrix_stride(rows: int, width: int, lanes: int) -> int:
    """Elements from one matrix to the next: one vector of padding avoids conflicts in the cache."""
    return rows * width + lanes


class TileEmitter:
    """Emits the addresses and transforms of tiles."""

    def __init__(self, b: Builder, work: Winograd) -> None:
        self.b = b
        self.work = work
        self.vector = Type(work.kind, work.lanes)
        self.transforms = TRANSFORMS[work.scheme.window]

    def tile(self, number: Value) -> Tile:
        """A tile by its number: along rows, then down, then through the images."""
        b, work = self.b, self.work
        x, rest = b.rem(number, work.tile_columns), b.div(number, work.tile_columns)
        y, image = b.rem(rest, work.tile_rows), b.div(rest, work.tile_rows)
        return Tile(image, b.mul(y, work.scheme.tile), b.mul(x, work.scheme.tile))

    def transform_signal(
        self, signal: Value, tile: Tile, channels: Value | int, into: Value
    ) -> None:
        """Bᵀ d B of one tile. channels: their number from `signal` on."""
        b, work = self.b, self.work
        start = self.address(signal, tile, (work.image.a, work.y.a, work.x.a))
        rows = self._offsets(tile.y, work.y, work.y.a)
        columns = self._offsets(tile.x, work.x, work.x.a)
        with b.loop(0, work.padded_channels, work.lanes, hint="c") as c:
            mask = None
            if work.channel.extent % work.padded_channels:
                mask = lanes_below(b, work.lanes, c.variable, channels)
            at = b.offset(start, c.variable, work.kind)
            values = [
                [b.load(at, b.add(row, column), self.vector, mask) for column in columns]
                for row in rows
            ]
            matrices = b.offset(into, c.variable, work.kind)
            self.store(self.transforms.signal, values, matrices, signal_stride(work))

    def prefetch_signal(self, signal: Value, number: Value) -> None:
        """Prefetch the columns of a tile's signal that the tile before it does not read."""
        work = self.work
        start = self.address(
            signal, self._existing_tile(number), (work.image.a, work.y.a, work.x.a)
        )
        span, window = work.scheme.span, work.scheme.window
        offsets = [
            i * work.y.a + j * work.x.a for i in range(span) for j in range(window - 1, span)
        ]
        self._prefetch(start, offsets, work.padded_channels)

    def prefetch_result(self, result: Value, number: Value) -> None:
        """Prefetch ∂y of a tile."""
        work = self.work
        start = self.address(
            result, self._existing_tile(number), (work.image.b, work.y.b, work.x.b)
        )
        tile = range(work.scheme.tile)
        offsets = [i * work.y.b + j * work.x.b for i in tile for j in tile]
        self._prefetch(start, offsets, work.panel_block * work.width)

    def _existing_tile(self, number: Value) -> Tile:
        """A tile, or the last one if there are fewer."""
        return self.tile(self.b.minimum(number, self.work.tiles - 1))

    def _prefetch(self, start: Value, offsets: Sequence[int], elements: int) -> None:
        """Prefetch `elements` elements at each offset."""
        b, kind = self.b, self.work.kind
        with b.loop(0, elements, _LINE_BYTES * 8 // BITS[kind], hint="line") as line:
            at = b.offset(start, line.variable, kind)
            for offset in offsets:
                b.prefetch(b.offset(at, offset, kind))

    def store(
        self, transform: Transform, values: list[list[Value]], into: Value, stride: int
    ) -> None:
        """Transform a tile and store each point in its matrix."""
        points = [value for row in transformed(self.b, transform, values) for value in row]
        for number, value in enumerate(points):
            self.b.store(value, into, number * stride)

    def transform_products(self, transform: Transform, products: Value, stride: int) -> None:
        """Transform a vector of one tile's products, in place."""
        span = self.work.scheme.span
        values = [
            [self.b.load(products, (span * i + j) * stride, self.vector) for j in range(span)]
            for i in range(span)
        ]
        self.store(transform, values, products, stride)

    def address(self, pointer: Value, tile: Tile, strides: tuple[int, int, int]) -> Value:
        """The address of a tile's first element."""
        b = self.b
        for index, stride in zip((tile.image, tile.y, tile.x), strides, strict=True):
            pointer = b.offset(pointer, b.mul(index, stride), self.work.kind)
        return pointer

    def _offsets(self, first: Value, line: StridedAxis, stride: int) -> list[Value | int]:
        """Offsets of the rows or columns of the signal of a tile that begins at `first`.

        Those beyond the first window may lie outside the image; then they are replaced by the last
        one, since no result needs them.
        """
        b, scheme = self.b, self.work.scheme
        if line.extent % scheme.tile == 0:
            return [i * stride for i in range(scheme.span)]
        last = line.extent + scheme.window - 2

        def offset(row: int) -> Value:
            return b.mul(b.sub(b.minimum(b.add(first, row), last), first), stride)

        inside = [i * stride for i in range(scheme.window)]
        return [*inside, *(offset(i) for i in range(scheme.window, scheme.span))]
