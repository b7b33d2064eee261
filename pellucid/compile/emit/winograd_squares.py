"""Squares of a picture: where they lie, and their maps written side by side, one matrix a point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pellucid.compile.emit.panels import lanes_below
from pellucid.compile.emit.winograd_maps import Map, both_ways, of_signal
from pellucid.compile.loop.builder import Builder
from pellucid.compile.loop.ir import BITS, Type, Value
from pellucid.compile.tile.contraction import StridedAxis
from pellucid.compile.tile.winograd import TILE, Winograd

_LINE_BYTES = 64


@dataclass(frozen=True)
class Square:
    """The image of a square and its first row and column."""

    image: Value
    y: Value
    x: Value


def points_step(rows: int, width: int, lanes: int) -> int:
    """Elements from one point's matrix to the next.

    A vector more than it has, so that equal places do not share a place of the cache.
    """
    return rows * width + lanes


class SquareWriter:
    """Writes the code that finds and maps squares."""

    def __init__(self, b: Builder, work: Winograd) -> None:
        self.b = b
        self.work = work
        self.vector = Type(work.kind, work.lanes)

    def place(self, number: Value) -> Square:
        """The square of a number, counted along rows, then down, then through the images."""
        b, work = self.b, self.work
        x, rest = b.rem(number, work.tile_columns), b.div(number, work.tile_columns)
        y, image = b.rem(rest, work.tile_rows), b.div(rest, work.tile_rows)
        return Square(image, b.mul(y, TILE), b.mul(x, TILE))

    def map_signal(
        self, signal: Value, square: Square, channels: Value | int, into: Value, step: int
    ) -> None:
        """Bᵀ d B of one square; channels: how many there are from `signal` on."""
        b, work = self.b, self.work
        here = self.origin(signal, square, (work.image.a, work.y.a, work.x.a))
        rows = self._steps(square.y, work.y, work.y.a)
        columns = self._steps(square.x, work.x, work.x.a)
        with b.loop(0, work.padded_channels, work.lanes, hint="c") as c:
            mask = None
            if work.channel.extent % work.lanes:
                mask = lanes_below(b, work.lanes, c.variable, channels)
            at = b.offset(here, c.variable, work.kind)
            square_of = [
                [b.load(at, b.add(row, column), self.vector, mask) for column in columns]
                for row in rows
            ]
            self.store(of_signal, square_of, b.offset(into, c.variable, work.kind), step)

    def ask_signal(self, signal: Value, number: Value) -> None:
        """Ask for what `map_signal` reads of a square, but for what the one before it reads too."""
        work = self.work
        here = self.origin(signal, self._existing(number), (work.image.a, work.y.a, work.x.a))
        places = [i * work.y.a + j * work.x.a for i in range(4) for j in (2, 3)]
        self._ask(here, places, work.padded_channels)

    def ask_result(self, result: Value, number: Value) -> None:
        """Ask for ∂y of a square."""
        work = self.work
        here = self.origin(result, self._existing(number), (work.image.b, work.y.b, work.x.b))
        places = [i * work.y.b + j * work.x.b for i in range(TILE) for j in range(TILE)]
        self._ask(here, places, work.panel_block * work.width)

    def _existing(self, number: Value) -> Square:
        """A square, or the last if there are fewer."""
        return self.place(self.b.minimum(number, self.work.tiles - 1))

    def _ask(self, here: Value, places: Sequence[int], room: int) -> None:
        """Ask for `room` elements at each place."""
        b, kind = self.b, self.work.kind
        with b.loop(0, room, _LINE_BYTES * 8 // BITS[kind], hint="line") as line:
            at = b.offset(here, line.variable, kind)
            for place in places:
                b.prefetch(b.offset(at, place, kind))

    def store(self, one: Map, square: list[list[Value]], into: Value, step: int) -> None:
        """A map of a square, a point in each matrix."""
        mapped = [value for row in both_ways(self.b, one, square) for value in row]
        for number, value in enumerate(mapped):
            self.b.store(value, into, number * step)

    def map_back(self, one: Map, products: Value, step: int) -> None:
        """A map of a vector of one square's products, written in the place of the first of them."""
        square = [
            [self.b.load(products, (4 * i + j) * step, self.vector) for j in range(4)]
            for i in range(4)
        ]
        self.store(one, square, products, step)

    def origin(self, pointer: Value, square: Square, steps: tuple[int, int, int]) -> Value:
        """Where a square begins."""
        b = self.b
        for place, step in zip((square.image, square.y, square.x), steps, strict=True):
            pointer = b.offset(pointer, b.mul(place, step), self.work.kind)
        return pointer

    def _steps(self, first: Value, line: StridedAxis, step: int) -> list[Value | int]:
        """Elements to each of the four places of a square that begins at `first`.

        Where the last is beyond the picture, the one before stands for it: no result needs it.
        """
        b = self.b
        if line.extent % TILE == 0:
            return [i * step for i in range(4)]
        last = b.sub(b.minimum(b.add(first, 3), line.extent + 1), first)
        return [0, step, 2 * step, b.mul(last, step)]
