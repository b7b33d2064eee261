"""Unroll-and-jam: iterations of a nest's loops that share loads become one loop body.

A depthwise convolution reads each element of its input once for each position of its window. Four
neighbouring results that are computed together load what they share once. If every position of the
window has its own accumulator, they share the gradient that they are multiplied by. If every second
position is padding, as in the gradient of a strided convolution, the copies of the body know which.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product as combinations
from math import prod

from pellucid.compile.op_facts import is_reduction
from pellucid.compile.plan.index import Axis, Index, Indices
from pellucid.compile.plan.kernels import Kernel, Member
from pellucid.compile.plan.loop_axes import LoopAxis, iterations
from pellucid.graph.node import Node

FULL_UNROLL = 16
"""Reduced loops of at most so many iterations are unrolled completely."""
_LEAST_REUSE = 3
"""Loads per element from which on unroll-and-jam is considered."""
_MOST_ACCUMULATORS = 10
"""Positions of a window that may have an accumulator each."""
_WORTHWHILE = 0.57
"""The share of loads that may remain for unroll-and-jam to be worthwhile."""
_BETTER = 0.9
"""The share of the best choice's loads that a later choice must not exceed."""

Substitution = dict[int, Index]
"""The indices that replace axes in one copy of a loop body."""


@dataclass(frozen=True)
class Unroll:
    """A loop that is unrolled by a factor; the copies of its body are jammed.

    axis:      the axis that carries the loop's variable.
    factor:    copies of the body.
    trips:     iterations that remain.
    reduction: whether the loop is over a reduced axis.
    """

    axis: int
    factor: int
    trips: int
    reduction: bool

    def index(self, copy: int) -> Index:
        """The loop's index in one of the copies."""
        if self.trips == 1:
            return Index(copy)
        return Index(copy, ((Axis(self.axis, self.trips), self.factor),))


def substitutions(unrolls: Sequence[Unroll]) -> list[Substitution]:
    """The substitution of each copy of the body.

    An axis may occur twice: first its remaining iterations, if they are unrolled completely, then the
    jammed ones.
    """
    choices = [[(u.axis, u.index(copy)) for copy in range(u.factor)] for u in unrolls]
    return [_composed(choice) for choice in combinations(*choices)]


def _composed(indices: Sequence[tuple[int, Index]]) -> Substitution:
    substitution: Substitution = {}
    for axis, index in indices:
        substitution[axis] = index.substituted(substitution)
    return substitution


def remaining_loops(loops: Sequence[LoopAxis], unrolls: Sequence[Unroll]) -> list[LoopAxis]:
    """The loops after unrolling, without those that have no iterations left."""
    trips = {u.axis: u.trips for u in unrolls}
    shortened = [replace(loop, extent=trips.get(loop.last, loop.extent)) for loop in loops]
    return [loop for loop in shortened if loop.extent > 1 or loop.last not in trips]


def vectors_per_copy(unrolls: Sequence[Unroll], inner: Sequence[LoopAxis], registers: int) -> int:
    """How many registers wide the vectors of each copy may be, a power of two.

    An accumulator takes a register. A copy of a reduced loop's body takes one more.
    """
    accumulators = prod(u.factor for u in unrolls if not u.reduction)
    copies = prod(u.factor for u in unrolls if u.reduction)
    if copies > 1:
        needed = accumulators + 2 * copies
    else:
        needed = accumulators * (2 if iterations(inner) <= FULL_UNROLL else 1)
    vectors = 1
    while 2 * vectors * needed <= registers * 5 // 8:
        vectors *= 2
    return vectors


def choose_unrolls(
    kernel: Kernel,
    rows: Sequence[LoopAxis],
    inner: Sequence[LoopAxis],
    lane: int,
    width: tuple[int, int],
) -> tuple[Unroll, ...]:
    """The loops to unroll and jam, none if that saves too few loads.

    rows: outer loops but that of the lanes. lane: the axis of the lanes. width: registers of a vector
    without unrolling, and all registers. Neighbouring iterations are jammed only if that leaves
    vectors as wide, since contiguous memory is read best by wide vectors.
    """
    looped = [m for m in kernel.members if m.scope == "full" or is_reduction(m.node)]
    if kernel.copies is not None or any(m.node.op in ("max", "argmax") for m in looped):
        return ()
    loads = _vector_loads(kernel, looped or kernel.members, lane)
    reused = [node for node, at in loads if set().union(*(i.axes() for i in at)) != {lane}]
    if not reused or len(reused) * prod(kernel.shape) < _LEAST_REUSE * sum(
        n.size for n in set(reused)
    ):
        return ()
    is_long = iterations(inner) > FULL_UNROLL
    unrolled = [] if is_long else list(inner)
    vectors, registers = width
    best: tuple[Unroll, ...] = ()
    least = _WORTHWHILE * _loads_per_copy(loads, (), unrolled)
    for choice in _windows(rows if is_long else ()):
        count = _loads_per_copy(loads, choice, unrolled)
        if count < least:
            best, least = choice, _BETTER * count
    for choice in _neighbours(inner if is_long else rows, is_long):
        narrows = vectors_per_copy(choice, inner, registers) < vectors
        count = _loads_per_copy(loads, choice, unrolled)
        if not narrows and count < least:
            best, least = choice, _BETTER * count
    return best


def _vector_loads(
    kernel: Kernel, members: Sequence[Member], lane: int
) -> set[tuple[Node, Indices]]:
    """The vectors that members load."""
    own = kernel.nodes()
    loads = {(a.node, a.at) for m in members for a in m.reads if a.node not in own}
    return {(node, at) for node, at in loads if any(lane in index.axes() for index in at)}


def _windows(rows: Sequence[LoopAxis]) -> Iterator[tuple[Unroll, ...]]:
    """All iterations of short outer loops, such as those over a window."""
    short = [loop for loop in rows if loop.extent < _MOST_ACCUMULATORS]
    for number in range(len(short)):
        if iterations(short[number:]) <= _MOST_ACCUMULATORS:
            yield tuple(Unroll(loop.last, loop.extent, 1, False) for loop in short[number:])


def _neighbours(loops: Sequence[LoopAxis], reduction: bool) -> Iterator[tuple[Unroll, ...]]:
    """A few iterations of the innermost loops."""
    for factors in ((4,), (2,), (2, 2)):
        last = loops[-len(factors) :]
        if len(last) < len(factors):
            continue
        pairs = list(zip(last, factors, strict=True))
        if all(loop.extent % factor == 0 for loop, factor in pairs):
            yield tuple(Unroll(x.last, n, x.extent // n, reduction) for x, n in pairs)


def _loads_per_copy(
    loads: set[tuple[Node, Indices]], choice: Sequence[Unroll], unrolled: Sequence[LoopAxis]
) -> float:
    """Loads of each copy of the body, on average; a vector that several copies load counts once.

    unrolled: loops that are unrolled completely in any case.
    """
    complete = [Unroll(loop.last, loop.extent, 1, True) for loop in unrolled]
    distinct: set[tuple[Node, Indices]] = set()
    for where in substitutions([*complete, *choice]):
        distinct |= {(node, tuple(index.substituted(where) for index in at)) for node, at in loads}
    return len(distinct) / prod(u.factor for u in choice)
