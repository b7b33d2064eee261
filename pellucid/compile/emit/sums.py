"""Loops over the summed axes of a contraction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod

from pellucid.compile.loop.builder import Builder
from pellucid.compile.loop.ir import Value
from pellucid.compile.tile.contraction import Contraction

Count = Value | int


@dataclass(frozen=True)
class Run:
    """One run along the innermost sum, where the outer ones stand still.

    a, b: elements from the block's start in each operand. flat: runs' products before it.
    count: its length, a number if it is known beforehand.
    """

    a: Value | int
    b: Value | int
    flat: Value | int
    count: Count


Body = Callable[[Run, Sequence[Value]], Sequence[Value]]


def over_sums(
    builder: Builder, work: Contraction, first: Count, carried: Sequence[Value], body: Body
) -> Sequence[Value]:
    """Write the loops over all sums but the innermost; `first` turns of the outermost."""
    lines = work.sums

    def level(depth: int, indices: list[Value], values: Sequence[Value]) -> Sequence[Value]:
        count = first if depth == 0 else lines[depth].extent
        if depth == len(lines) - 1:
            return body(_run(builder, work, indices, count), values)
        with builder.loop(0, count, 1, values, hint="k") as loop:
            loop.carry(level(depth + 1, [*indices, loop.variable], loop.carried))
        return list(loop.results)

    return level(0, [], carried)


def _run(b: Builder, work: Contraction, indices: list[Value], count: Count) -> Run:
    first: Value | int = 0
    second: Value | int = 0
    flat: Value | int = 0
    for number, index in enumerate(indices):
        line = work.sums[number]
        within = prod(inner.extent for inner in work.sums[number + 1 :])
        first = b.add(first, b.mul(index, line.a))
        second = b.add(second, b.mul(index, line.b))
        flat = b.add(flat, b.mul(index, within))
    return Run(first, second, flat, count)
