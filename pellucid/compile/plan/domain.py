"""Loops of a nest: its axes merged where neighbours lie side by side in every buffer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from pellucid.compile.plan.index import Index
from pellucid.graph.op import Shape


@dataclass(frozen=True)
class LoopAxis:
    """One loop: the axes of the domain that it runs over at once, and how many turns it has.

    Its variable stands for the last of the axes; the others are 0 (see `merged`).
    """

    axes: tuple[int, ...]
    extent: int

    @property
    def last(self) -> int:
        """The axis that carries the loop's variable."""
        return self.axes[-1]


def merged(
    shape: Shape, axes: Sequence[int], positions: Sequence[Index], fixed: set[int]
) -> list[LoopAxis]:
    """Loops over `axes` of a domain, as few as the positions in memory allow.

    Two neighbouring axes of lengths n and m become one loop of n · m turns if every position steps m
    times as far along the first as along the second: then the position is that step times the
    loop's variable. Axes in `fixed` matter by themselves and stay. Axes of length 1 need no loop.
    """
    loops: list[LoopAxis] = []
    for axis in axes:
        n = shape[axis]
        if n == 1:
            continue
        if loops and _mergeable(loops[-1], axis, n, positions, fixed):
            before = loops.pop()
            loops.append(LoopAxis((*before.axes, axis), before.extent * n))
        else:
            loops.append(LoopAxis((axis,), n))
    return loops


def _mergeable(
    before: LoopAxis, axis: int, extent: int, positions: Sequence[Index], fixed: set[int]
) -> bool:
    if axis in fixed or before.last in fixed:
        return False
    for position in positions:
        first, second = position.factor(before.last), position.factor(axis)
        if first is None or second is None or first != second * extent:
            return False
    return True


def product(loops: Sequence[LoopAxis]) -> int:
    """How many turns they have together."""
    return prod(loop.extent for loop in loops)
