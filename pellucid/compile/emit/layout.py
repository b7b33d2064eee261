"""The layout of a nest: its loops, the loop that is vectorised, and its tasks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pellucid.compile.emit.unroll_and_jam import (
    FULL_UNROLL,
    Unroll,
    choose_unrolls,
    remaining_loops,
    substitutions,
    vectors_per_copy,
)
from pellucid.compile.op_facts import EXPENSIVE, is_reduction, own_cost
from pellucid.compile.plan.access import lane_boundaries, unmergeable_axes
from pellucid.compile.plan.index import Index, identity, linear_position
from pellucid.compile.plan.kernels import Kernel, Member, computed_nodes
from pellucid.compile.plan.loop_axes import LoopAxis, iterations, merge_axes
from pellucid.graph.node import Node

_TASK_COST = 131_072
"""Rough instructions (see `own_cost`) of a task."""
_MANY_ROWS = 16
"""From so many iterations of the row loops on there are enough tasks without short vectors."""


@dataclass(frozen=True)
class NestLayout:
    """The loops of a nest and its tasks.

    outer, inner:  loops over axes that are not reduced, and over those that are.
    lanes:         elements of a vector along the last loop; 0 if there is no loop.
    is_outer_last: whether the last loop, that of the lanes, is an outer one.
    chunk:         iterations of the lanes' loop in a task, if that loop is an outer one.
    rows:          iterations of the other outer loops in a task.
    unrolls:       loops that are unrolled and jammed; their remaining iterations are in outer and inner.
    """

    outer: tuple[LoopAxis, ...]
    inner: tuple[LoopAxis, ...]
    lanes: int
    is_outer_last: bool
    chunk: int
    rows: int
    unrolls: tuple[Unroll, ...] = ()

    @property
    def row_loops(self) -> tuple[LoopAxis, ...]:
        """The outer loops but that of the lanes."""
        return self.outer[:-1] if self.is_outer_last else self.outer

    @property
    def row_count(self) -> int:
        """Iterations of the row loops together."""
        return iterations(self.row_loops)

    @property
    def chunks(self) -> int:
        """Chunks of the lanes' loop."""
        return -(-self.outer[-1].extent // self.chunk) if self.is_outer_last else 1

    @property
    def tasks(self) -> int:
        """Pieces of work that threads share."""
        return -(-self.row_count // self.rows) * self.chunks


def layout(
    kernel: Kernel, materialised: set[Node], lanes: int, registers: int, parts: Sequence[Index]
) -> NestLayout:
    """The layout of a nest, from its shape and accesses alone.

    parts: positions of members that are stored as parts of a whole.
    """
    positions = [*parts, *(linear_position(m.at, m.node.shape) for m in kernel.members)]
    fixed: set[int] = set()
    for member in kernel.members:
        for access in member.reads:
            position = linear_position(access.at, access.node.shape)
            positions.append(position)
            if access.guarded or not position.is_affine:
                fixed |= position.axes()
        fixed |= _fixed(member, kernel, materialised)
    if kernel.row_block:
        fixed.add(0)
    reduced = kernel.reduced or ()
    outer = merge_axes(kernel.shape, kernel.outer, positions, fixed)
    inner = merge_axes(kernel.shape, reduced, positions, fixed)
    loops = sorted([*outer, *inner], key=lambda loop: loop.last)
    if not loops:
        return NestLayout((), (), 0, False, 1, 1)
    last = loops[-1]
    is_outer_last = last in outer
    costs = (
        [0] if kernel.copies is not None else [own_cost(node) for node in computed_nodes(kernel)]
    )
    width = _width(last.extent, lanes, max(costs, default=0) >= EXPENSIVE)
    width = _within_borders(width, lanes, _borders(kernel, materialised, last.last))
    if kernel.row_block:
        within = iterations(outer[1:-1] if is_outer_last else outer[1:])
        chunk = -(-last.extent // width) * width if is_outer_last else 1
        rows = kernel.row_block * within
        return NestLayout(tuple(outer), tuple(inner), width, is_outer_last, chunk, rows)
    depth = max(iterations(inner), 1)
    task_points = max(_TASK_COST // max(depth * sum(costs), 16), 1)
    if not is_outer_last:
        return NestLayout(tuple(outer), tuple(inner), width, False, 1, task_points)
    sums = _sums(kernel) if iterations(inner) > FULL_UNROLL else 0
    if sums and iterations(outer[:-1]) >= _MANY_ROWS:
        while 2 * width * sums <= registers // 2 * lanes and 2 * width <= last.extent:
            width *= 2
    unrolls = choose_unrolls(kernel, outer[:-1], inner, last.last, (width // lanes, registers))
    if unrolls:
        width = min(width, lanes * vectors_per_copy(unrolls, inner, registers))
        outer, inner = remaining_loops(outer, unrolls), remaining_loops(inner, unrolls)
        task_points = max(task_points // len(substitutions(unrolls)), 1)
    chunk = max(min(-(-task_points // width), -(-last.extent // width)), 1) * width
    rows = max(task_points // chunk, 1)
    return NestLayout(tuple(outer), tuple(inner), width, True, chunk, rows, unrolls)


def _sums(kernel: Kernel) -> int:
    """The number of sums of a nest whose only loops are sums in a single pass; else 0."""
    looped = [m for m in kernel.members if m.scope == "full" or is_reduction(m.node)]
    return len(looped) if all(m.node.op == "sum" and not m.phase for m in looped) else 0


def _fixed(member: Member, kernel: Kernel, materialised: set[Node]) -> set[int]:
    """Axes that cannot be merged with others."""
    node = member.node
    if kernel.copies is not None:  # its value is only read
        return set()
    if is_reduction(node):
        source = node.inputs[0]
        fixed = unmergeable_axes(source, identity(kernel.shape), materialised)
        return fixed | set(kernel.reduced or ()) if node.op == "argmax" else fixed
    return unmergeable_axes(node, member.at, materialised - {node})


def _width(extent: int, lanes: int, is_expensive: bool) -> int:
    """Elements of a vector: where the loop is long, several registers, which hides latency."""
    if extent < lanes:
        return 1 << max((extent - 1).bit_length(), 1)
    most = lanes * (2 if is_expensive else 4)
    width = lanes
    while width < most and extent >= 2 * width:
        width *= 2
    return width


def _borders(kernel: Kernel, materialised: set[Node], axis: int) -> set[int]:
    """Positions along an axis that no vector should cross."""
    positions: set[int] = set()
    for member in () if kernel.copies is not None else kernel.members:
        node = member.node
        if is_reduction(node):
            positions |= lane_boundaries(node.inputs[0], identity(kernel.shape), materialised, axis)
        else:
            positions |= lane_boundaries(node, member.at, materialised - {node}, axis)
    return positions


def _within_borders(width: int, lanes: int, positions: set[int]) -> int:
    """A vector that crosses no border, if at least half a register wide; else the same."""
    fitting = width
    while fitting > max(lanes // 2, 2) and any(border % fitting for border in positions):
        fitting //= 2
    return width if any(border % fitting for border in positions) else fitting
