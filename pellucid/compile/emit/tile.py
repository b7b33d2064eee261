"""The register tile: rows × vectors sums that stay in registers over a whole run of products."""

from __future__ import annotations

from collections.abc import Sequence

from pellucid.compile.contraction import Contraction
from pellucid.compile.emit.sums import Count, Run, over_sums
from pellucid.compile.loop.builder import Builder
from pellucid.compile.loop.ir import Type, Value
from pellucid.compile.tiles import Tiling

_UNROLL = 4
_STRAIGHT = 8


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
        b = self.b
        places = [
            (r * self.cut.vectors + v) * self.work.lanes
            for r in range(rows)
            for v in range(self.cut.vectors)
        ]
        if self.fresh:
            sums: Sequence[Value] = [b.constant(self.vector, 0.0) for _ in places]
        else:
            sums = [b.load(tile, place, self.vector) for place in places]

        def one(run: Run, before: Sequence[Value]) -> Sequence[Value]:
            return self._run(a, source, run, rows, before)

        for place, total in zip(places, over_sums(b, self.work, first, sums, one), strict=True):
            b.store(total, tile, place)

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
