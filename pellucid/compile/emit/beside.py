"""Which turns of a nest's loops are written side by side, because they share what they read.

A depthwise convolution reads each element of its input once for each place of its window. Where four
neighbouring results are computed at once, what they share is loaded once; where all places of the
window have a sum of their own, the gradient that they are multiplied by is. Where every second
place is padding, as in the gradient of a strided convolution, it is known which.
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

STRAIGHT = 16
"""Turns of inner loops that are written out one after another."""
_AGAIN = 3
"""From so many loads of each element on it is looked for turns that share them."""
_MOST = 10
"""Places of a window that may have a sum each."""
_FEWER = 0.57
"""Loads that must be left of all for turns to be put side by side."""
_BETTER = 0.9
"""The same for others than were found before."""

Where = dict[int, Index]


@dataclass(frozen=True)
class Beside:
    """`count` turns at once of the loop that carries `axis`; it is left with `turns`.

    inner: whether the loop is over what is reduced.
    """

    axis: int
    count: int
    turns: int
    inner: bool

    def at(self, number: int) -> Index:
        """The place of one of the turns that are side by side."""
        if self.turns == 1:
            return Index(number)
        return Index(number, ((Axis(self.axis, self.turns), self.count),))


def places(together: Sequence[Beside]) -> list[Where]:
    """Where all the turns are that are side by side.

    An axis may come twice: first the turns that are left of it, then those that are side by side.
    """
    each = [[(loop.axis, loop.at(i)) for i in range(loop.count)] for loop in together]
    return [_composed(found) for found in combinations(*each)]


def _composed(found: Sequence[tuple[int, Index]]) -> Where:
    where: Where = {}
    for axis, index in found:
        where[axis] = index.substituted(where)
    return where


def left(loops: Sequence[LoopAxis], together: Sequence[Beside]) -> list[LoopAxis]:
    """The loops that remain."""
    turns = {loop.axis: loop.turns for loop in together}
    found = [replace(loop, extent=turns.get(loop.last, loop.extent)) for loop in loops]
    return [loop for loop in found if loop.extent > 1 or loop.last not in turns]


def vectors_beside(together: Sequence[Beside], inner: Sequence[LoopAxis], registers: int) -> int:
    """How many vectors wide each of the turns may be, a power of two.

    A running sum takes a register, and a turn that is computed at once with others one more.
    """
    own = prod(loop.count for loop in together if not loop.inner)
    shared = prod(loop.count for loop in together if loop.inner)
    needed = own + 2 * shared if shared > 1 else own * (2 if iterations(inner) <= STRAIGHT else 1)
    vectors = 1
    while 2 * vectors * needed <= registers * 5 // 8:
        vectors *= 2
    return vectors


def beside(
    kernel: Kernel,
    rows: Sequence[LoopAxis],
    inner: Sequence[LoopAxis],
    lane: int,
    room: tuple[int, int],
) -> tuple[Beside, ...]:
    """The turns to put side by side, none if that saves little.

    rows: loops over places but that of the lanes. lane: the axis of the lanes. room: vectors that a
    turn is wide by itself, and registers. Neighbours are put side by side only if they may stay as
    wide: what lies together is read best together.
    """
    loops = [m for m in kernel.members if m.scope == "full" or is_reduction(m.node)]
    if kernel.copies is not None or any(m.node.op in ("max", "argmax") for m in loops):
        return ()
    reads = _reads(kernel, loops or kernel.members, lane)
    many = [node for node, at in reads if set().union(*(i.axes() for i in at)) != {lane}]
    if not many or len(many) * prod(kernel.shape) < _AGAIN * sum(n.size for n in set(many)):
        return ()
    looped = iterations(inner) > STRAIGHT
    straight = [] if looped else list(inner)
    vectors, registers = room
    best: tuple[Beside, ...] = ()
    least = _FEWER * _loads(reads, (), straight)
    for together in _own_sums(rows if looped else ()):
        loads = _loads(reads, together, straight)
        if loads < least:
            best, least = together, _BETTER * loads
    for together in _neighbours(inner if looped else rows, looped):
        narrow = vectors_beside(together, inner, registers) < vectors
        loads = _loads(reads, together, straight)
        if not narrow and loads < least:
            best, least = together, _BETTER * loads
    return best


def _reads(kernel: Kernel, members: Sequence[Member], lane: int) -> set[tuple[Node, Indices]]:
    """The vectors that members load."""
    own = kernel.nodes()
    found = {(a.node, a.at) for m in members for a in m.reads if a.node not in own}
    return {(node, at) for node, at in found if any(lane in index.axes() for index in at)}


def _own_sums(rows: Sequence[LoopAxis]) -> Iterator[tuple[Beside, ...]]:
    """All turns of short loops over places."""
    short = [loop for loop in rows if loop.extent < _MOST]
    for number in range(len(short)):
        if iterations(short[number:]) <= _MOST:
            yield tuple(Beside(loop.last, loop.extent, 1, False) for loop in short[number:])


def _neighbours(loops: Sequence[LoopAxis], inner: bool) -> Iterator[tuple[Beside, ...]]:
    """A few turns of the innermost loops."""
    for counts in ((4,), (2,), (2, 2)):
        last = loops[-len(counts) :]
        if len(last) < len(counts):
            continue
        pairs = list(zip(last, counts, strict=True))
        if all(loop.extent % count == 0 for loop, count in pairs):
            yield tuple(Beside(x.last, n, x.extent // n, inner) for x, n in pairs)


def _loads(
    reads: set[tuple[Node, Indices]], together: Sequence[Beside], straight: Sequence[LoopAxis]
) -> float:
    """Loads for each turn, where what is loaded twice at once is loaded once."""
    written = [Beside(loop.last, loop.extent, 1, True) for loop in straight]
    found: set[tuple[Node, Indices]] = set()
    for where in places([*written, *together]):
        found |= {(node, tuple(index.substituted(where) for index in at)) for node, at in reads}
    return len(found) / prod(loop.count for loop in together)
