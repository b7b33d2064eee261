"""Loops of a nest: neighbouring axes merged where every buffer is contiguous along both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from pellucid.compile.plan.index import Index
from pellucid.graph.op import Shape


@dataclass(frozen=True)
class LoopAxis:
    """One loop: the axes of the domain that it runs over at once, and its number of iterations.

    Its variable stands for the last of the axes; the others are 0 (see `merge_axes`).
    """

    axes: tuple[int, ...]
    extent: int

    @property
    def last(self) -> int:
        """The axis that carries the loop's variable."""
        return self.axes[-1]


def merge_axes(
    shape: Shape, axes: Sequence[int], positions: Sequence[Index], unmergeable: set[int]
) -> list[LoopAxis]:
    """Loops over `axes` of a domain, as few as the positions in memory allow.

    Two neighbouring axes of lengths n and m become one loop of n · m iterations if every position
    steps m times as far along the first as along the second: then the position is that step times
    the loop's variable. Axes of length 1 need no loop.
    """
    loops: list[LoopAxis] = []
    for axis in axes:
        n = shape[axis]
        if n == 1:
            continue
        if loops and _mergeable(loops[-1], axis, n, positions, unmergeable):
            before = loops.pop()
            loops.append(LoopAxis((*before.axes, axis), before.extent * n))
        else:
            loops.append(LoopAxis((axis,), n))
    return loops


def _mergeable(
    before: LoopAxis, axis: int, extent: int, positions: Sequence[Index], unmergeable: set[int]
) -> bool:
    if axis in unmergeable or before.last in unmergeable:
        return False
    for position in positions:
        first, second = position.factor(before.last), position.factor(axis)
        if first is None or second is None or first != second * extent:
            return False
    return True


def iterations(loops: Sequence[LoopAxis]) -> int:
    """How many iterations they have together."""
    return prod(loop.extent for loop in loops)
