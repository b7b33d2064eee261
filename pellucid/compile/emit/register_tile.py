"""The register tile: rows × vectors sums that stay in registers over a chain of products.

A running sum loses a little to rounding with every product. So long sums are made of chains of at most
`CHAIN` products, whose totals are added in memory (blocked summation; Higham 1993).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from pellucid.compile.emit.reduction_loops import Count, Run, reduction_loops
from pellucid.compile.loop.builder import Builder
from pellucid.compile.loop.ir import Type, Value
from pellucid.compile.tile.contraction import Contraction
from pellucid.compile.tile.tiles import Tiling

_UNROLL = 4
_FULL_UNROLL = 16
CHAIN = 256


class RegisterTileEmitter:
    """Emits the sums of one tile.

    overwrites: whether the sums replace the tile in memory; else they are added to it.
    chain:      products that are summed in registers, at most.
    """

    def __init__(
        self,
        b: Builder,
        work: Contraction,
        tiling: Tiling,
        overwrites: bool,
        chain: int = CHAIN,
    ) -> None:
        self.b = b
        self.work = work
        self.tiling = tiling
        self.overwrites = overwrites
        self.chain = chain
        self.vector = Type(work.kind, work.lanes)

    def emit(self, a: Value, source: Value, iterations: Count, rows: int, tile: Value) -> None:
        """Sum `rows` rows over `iterations` of the outermost sum, into the tile at `tile`."""
        b, outermost = self.b, self.work.sums[0]
        inner = prod(line.extent for line in self.work.sums[1:])
        length = max(self.chain // max(inner, 1), 1)
        if isinstance(iterations, int) and iterations <= length:
            self._chain(a, source, iterations, rows, tile, added=not self.overwrites)
            return
        if self.overwrites:
            for offset in self._offsets(rows):
                b.store(b.constant(self.vector, 0.0), tile, offset)
        equal = _equal_length(iterations, length) if isinstance(iterations, int) else 0
        with b.loop(0, iterations, equal or length, hint="chain") as chain:
            begin = chain.variable
            count = equal or b.minimum(b.sub(iterations, begin), length)
            a_start = b.offset(a, b.mul(begin, outermost.a), self.work.kind)
            step = (
                inner * self.tiling.vectors * self.work.lanes if self.tiling.pack else outermost.b
            )
            b_start = b.offset(source, b.mul(begin, step), self.work.kind)
            self._chain(a_start, b_start, count, rows, tile, added=True)

    def _offsets(self, rows: int) -> list[int]:
        return [number * self.work.lanes for number in range(rows * self.tiling.vectors)]

    def _chain(
        self, a: Value, source: Value, length: Count, rows: int, tile: Value, added: bool
    ) -> None:
        """The sums over one chain, stored in the tile or added to it."""
        b, offsets = self.b, self._offsets(rows)

        def one(run: Run, old: Sequence[Value]) -> Sequence[Value]:
            return self._run(a, source, run, rows, old)

        zeros = [b.constant(self.vector, 0.0) for _ in offsets]
        for offset, total in zip(
            offsets, reduction_loops(b, self.work, length, zeros, one), strict=True
        ):
            whole = b.add(b.load(tile, offset, self.vector), total) if added else total
            b.store(whole, tile, offset)

    def _run(
        self, a: Value, source: Value, run: Run, rows: int, sums: Sequence[Value]
    ) -> Sequence[Value]:
        b, work, tiling = self.b, self.work, self.tiling
        a_start = b.offset(a, run.a, work.kind)
        width = tiling.vectors * work.lanes
        b_offset = b.mul(run.flat, width) if tiling.pack else run.b
        b_start = b.offset(source, b_offset, work.kind)
        step = width if tiling.pack else work.sums[-1].b

        def iteration(k: Value | int, old: Sequence[Value]) -> list[Value]:
            columns = [
                b.load(b_start, b.add(b.mul(k, step), v * work.lanes), self.vector)
                for v in range(tiling.vectors)
            ]
            new: list[Value] = []
            for r in range(rows):
                offset = b.add(b.mul(k, work.sums[-1].a), r * work.row.a)
                element = b.splat(b.load(a_start, offset, Type(work.kind)), work.lanes)
                totals = old[r * tiling.vectors : (r + 1) * tiling.vectors]
                new += [
                    b.fma(element, column, total)
                    for column, total in zip(columns, totals, strict=True)
                ]
            return new

        count = run.count
        if isinstance(count, int) and count <= _FULL_UNROLL:
            for k in range(count):
                sums = iteration(k, sums)
            return sums
        whole = (
            count - count % _UNROLL
            if isinstance(count, int)
            else b.mul(b.div(count, _UNROLL), _UNROLL)
        )
        with b.loop(0, whole, _UNROLL, sums, hint="k") as main:
            values: Sequence[Value] = main.carried
            for i in range(_UNROLL):
                values = iteration(b.add(main.variable, i), values)
            main.carry(values)
        values = main.results
        if isinstance(count, int):
            for k in range(count - count % _UNROLL, count):
                values = iteration(k, values)
            return values
        with b.loop(whole, count, 1, values, hint="k") as rest:
            rest.carry(iteration(rest.variable, rest.carried))
        return rest.results


def _equal_length(length: int, most: int) -> int:
    """The greatest divisor of `iterations` in (most / 2, most]; 0 if there is none."""
    return next((part for part in range(most, most // 2, -1) if length % part == 0), 0)
