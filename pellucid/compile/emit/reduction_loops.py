"""Loops over the summed axes of a contraction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod

from pellucid.compile.loop.builder import Builder
from pellucid.compile.loop.ir import Value
from pellucid.compile.tile.contraction import Contraction

Count = Value | int
"""A number of iterations, an int if it is known at compile time."""


@dataclass(frozen=True)
class Run:
    """The iterations of the innermost sum for fixed indices of the outer sums.

    a, b:  offsets in elements from the start of the block in each operand.
    flat:  products before the run.
    count: iterations.
    """

    a: Value | int
    b: Value | int
    flat: Value | int
    count: Count


Body = Callable[[Run, Sequence[Value]], Sequence[Value]]
"""(run, carried values) → carried values."""


def reduction_loops(
    builder: Builder, work: Contraction, iterations: Count, carried: Sequence[Value], body: Body
) -> Sequence[Value]:
    """Emit the loops over all sums but the innermost. iterations: of the outermost sum."""
    lines = work.sums

    def level(depth: int, indices: list[Value], values: Sequence[Value]) -> Sequence[Value]:
        count = iterations if depth == 0 else lines[depth].extent
        if depth == len(lines) - 1:
            return body(_run(builder, work, indices, count), values)
        with builder.loop(0, count, 1, values, hint="k") as loop:
            loop.carry(level(depth + 1, [*indices, loop.variable], loop.carried))
        return list(loop.results)

    return level(0, [], carried)


def _run(builder: Builder, work: Contraction, indices: list[Value], count: Count) -> Run:
    a: Value | int = 0
    b: Value | int = 0
    flat: Value | int = 0
    for number, index in enumerate(indices):
        line = work.sums[number]
        within = prod(inner.extent for inner in work.sums[number + 1 :])
        a = builder.add(a, builder.mul(index, line.a))
        b = builder.add(b, builder.mul(index, line.b))
        flat = builder.add(flat, builder.mul(index, within))
    return Run(a, b, flat, count)
