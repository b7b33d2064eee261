"""The register tile: rows × vectors sums that stay in registers over a chain of products.

A sum of many products in a row loses a little to rounding with each, and the more the longer it is.
So long sums are made of chains of at most `_CHAIN` products, whose totals are added in memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from pellucid.compile.emit.sums import Count, Run, over_sums
from pellucid.compile.loop.builder import Builder
from pellucid.compile.loop.ir import Type, Value
from pellucid.compile.tile.contraction import Contraction
from pellucid.compile.tile.tiles import Tiling

_UNROLL = 4
_STRAIGHT = 16
_CHAIN = 256


class TileWriter:
    """Writes the sums of one tile."""

    def __init__(self, b: Builder, work: Contraction, cut: Tiling, fresh: bool) -> None:
        self.b = b
        self.work = work
        self.cut = cut
        self.fresh = fresh
        self.vector = Type(work.kind, work.lanes)

    def write(self, a: Value, source: Value, first: Count, rows: int, tile: Value) -> None:
        """Sum `rows` rows over `first` turns of the outermost sum and store them at `tile`."""
        b, outermost = self.b, self.work.sums[0]
        inner = prod(line.extent for line in self.work.sums[1:])
        turns = max(_CHAIN // max(inner, 1), 1)
        if isinstance(first, int) and first <= turns:
            self._chain(a, source, first, rows, tile, added=not self.fresh)
            return
        if self.fresh:
            for place in self._places(rows):
                b.store(b.constant(self.vector, 0.0), tile, place)
        even = _even_part(first, turns) if isinstance(first, int) else 0
        with b.loop(0, first, even or turns, hint="chain") as chain:
            begin = chain.variable
            count = even or b.minimum(b.sub(first, begin), turns)
            here = b.offset(a, b.mul(begin, outermost.a), self.work.kind)
            step = inner * self.cut.vectors * self.work.lanes if self.cut.pack else outermost.b
            there = b.offset(source, b.mul(begin, step), self.work.kind)
            self._chain(here, there, count, rows, tile, added=True)

    def _places(self, rows: int) -> list[int]:
        return [number * self.work.lanes for number in range(rows * self.cut.vectors)]

    def _chain(
        self, a: Value, source: Value, turns: Count, rows: int, tile: Value, added: bool
    ) -> None:
        """The sums over one chain, stored in the tile or added to what is there."""
        b, places = self.b, self._places(rows)

        def one(run: Run, before: Sequence[Value]) -> Sequence[Value]:
            return self._run(a, source, run, rows, before)

        zeros = [b.constant(self.vector, 0.0) for _ in places]
        for place, total in zip(places, over_sums(b, self.work, turns, zeros, one), strict=True):
            whole = b.add(b.load(tile, place, self.vector), total) if added else total
            b.store(whole, tile, place)

    def _run(
        self, a: Value, source: Value, run: Run, rows: int, sums: Sequence[Value]
    ) -> Sequence[Value]:
        b, work, cut = self.b, self.work, self.cut
        here = b.offset(a, run.a, work.kind)
        width = cut.vectors * work.lanes
        beyond = b.mul(run.flat, width) if cut.pack else run.b
        there = b.offset(source, beyond, work.kind)
        step = width if cut.pack else work.sums[-1].b

        def turn(k: Value | int, before: Sequence[Value]) -> list[Value]:
            columns = [
                b.load(there, b.add(b.mul(k, step), v * work.lanes), self.vector)
                for v in range(cut.vectors)
            ]
            after: list[Value] = []
            for r in range(rows):
                place = b.add(b.mul(k, work.sums[-1].a), r * work.row.a)
                element = b.splat(b.load(here, place, Type(work.kind)), work.lanes)
                totals = before[r * cut.vectors : (r + 1) * cut.vectors]
                after += [
                    b.fma(element, column, total)
                    for column, total in zip(columns, totals, strict=True)
                ]
            return after

        count = run.count
        if isinstance(count, int) and count <= _STRAIGHT:
            for k in range(count):
                sums = turn(k, sums)
            return sums
        whole = (
            count - count % _UNROLL
            if isinstance(count, int)
            else b.mul(b.div(count, _UNROLL), _UNROLL)
        )
        with b.loop(0, whole, _UNROLL, sums, hint="k") as main:
            values: Sequence[Value] = main.carried
            for i in range(_UNROLL):
                values = turn(b.add(main.variable, i), values)
            main.carry(values)
        values = main.results
        if isinstance(count, int):
            for k in range(count - count % _UNROLL, count):
                values = turn(k, values)
            return values
        with b.loop(whole, count, 1, values, hint="k") as rest:
            rest.carry(turn(rest.variable, rest.carried))
        return rest.results


def _even_part(turns: int, most: int) -> int:
    """The largest divisor of `turns` that is more than half of `most` but no more; 0 if none is."""
    return next((part for part in range(most, most // 2, -1) if turns % part == 0), 0)
