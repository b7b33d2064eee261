"""How a nest is looped over: which loops, where the lanes lie, what one task is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pellucid.compile.emit.beside import STRAIGHT, Beside, beside, left, places, vectors_beside
from pellucid.compile.op_facts import EXPENSIVE, is_reduction, own_cost
from pellucid.compile.plan.access import lane_boundaries, unmergeable_axes
from pellucid.compile.plan.index import Index, identity, linear_position
from pellucid.compile.plan.kernels import Kernel, Member, computed_nodes
from pellucid.compile.plan.loop_axes import LoopAxis, iterations, merge_axes
from pellucid.graph.node import Node

_TASK_COST = 131_072
"""Rough instructions (see `own_cost`) of a task."""
_PLACES = 16
"""Of so many places or more each may be a task of its own."""


@dataclass(frozen=True)
class NestLayout:
    """The loops of a nest and its tasks.

    outer, inner: loops over places, and over what is reduced at each place.
    lanes:        of a vector along the last loop; 0 if there is no loop.
    across:       whether the lanes are places (the last loop is an outer one).
    chunk:        how far a task goes along the lanes' loop if they are places.
    rows:         how many turns of the other outer loops a task takes.
    beside:       loops whose turns are written side by side, some or all of them; what is left of
                  them is among outer and inner.
    """

    outer: tuple[LoopAxis, ...]
    inner: tuple[LoopAxis, ...]
    lanes: int
    across: bool
    chunk: int
    rows: int
    beside: tuple[Beside, ...] = ()

    @property
    def row_loops(self) -> tuple[LoopAxis, ...]:
        """The outer loops but that of the lanes."""
        return self.outer[:-1] if self.across else self.outer

    @property
    def row_count(self) -> int:
        """Turns of the outer loops but that of the lanes."""
        return iterations(self.row_loops)

    @property
    def chunks(self) -> int:
        """Chunks along the lanes' loop."""
        return -(-self.outer[-1].extent // self.chunk) if self.across else 1

    @property
    def tasks(self) -> int:
        """Pieces of work that threads share."""
        return -(-self.row_count // self.rows) * self.chunks


def layout(
    kernel: Kernel, kept: set[Node], lanes: int, registers: int, parts: Sequence[Index]
) -> NestLayout:
    """Loops and tasks of a nest, from its shape and what it reads alone.

    parts: where its members are written as parts of something else.
    """
    positions = [*parts, *(linear_position(m.at, m.node.shape) for m in kernel.members)]
    fixed: set[int] = set()
    for member in kernel.members:
        for access in member.reads:
            position = linear_position(access.at, access.node.shape)
            positions.append(position)
            if access.guarded or not position.is_affine:
                fixed |= position.axes()
        fixed |= _fixed(member, kernel, kept)
    if kernel.row_block:
        fixed.add(0)
    reduced = kernel.reduced or ()
    outer = merge_axes(kernel.shape, kernel.outer, positions, fixed)
    inner = merge_axes(kernel.shape, reduced, positions, fixed)
    loops = sorted([*outer, *inner], key=lambda loop: loop.last)
    if not loops:
        return NestLayout((), (), 0, False, 1, 1)
    last = loops[-1]
    across = last in outer
    costs = (
        [0] if kernel.copies is not None else [own_cost(node) for node in computed_nodes(kernel)]
    )
    width = _width(last.extent, lanes, max(costs, default=0) >= EXPENSIVE)
    width = _between_borders(width, lanes, _borders(kernel, kept, last.last))
    if kernel.row_block:
        within = iterations(outer[1:-1] if across else outer[1:])
        chunk = -(-last.extent // width) * width if across else 1
        return NestLayout(
            tuple(outer), tuple(inner), width, across, chunk, kernel.row_block * within
        )
    depth = max(iterations(inner), 1)
    wanted = max(_TASK_COST // max(depth * sum(costs), 16), 1)
    if not across:
        return NestLayout(tuple(outer), tuple(inner), width, False, 1, wanted)
    sums = _only_sums(kernel) if iterations(inner) > STRAIGHT else 0
    if sums and iterations(outer[:-1]) >= _PLACES:
        while 2 * width * sums <= registers // 2 * lanes and 2 * width <= last.extent:
            width *= 2
    together = beside(kernel, outer[:-1], inner, last.last, (width // lanes, registers))
    if together:
        width = min(width, lanes * vectors_beside(together, inner, registers))
        outer, inner = left(outer, together), left(inner, together)
        wanted = max(wanted // len(places(together)), 1)
    chunk = max(min(-(-wanted // width), -(-last.extent // width)), 1) * width
    rows = max(wanted // chunk, 1)
    return NestLayout(tuple(outer), tuple(inner), width, True, chunk, rows, together)


def _only_sums(kernel: Kernel) -> int:
    """How many sums a nest computes, if that and what follows from them is all that it does."""
    loops = [m for m in kernel.members if m.scope == "full" or is_reduction(m.node)]
    return len(loops) if all(m.node.op == "sum" and not m.phase for m in loops) else 0


def _fixed(member: Member, kernel: Kernel, kept: set[Node]) -> set[int]:
    node = member.node
    if kernel.copies is not None:  # its value is only read
        return set()
    if is_reduction(node):
        source = node.inputs[0]
        if node.op == "argmax":
            return unmergeable_axes(source, identity(kernel.shape), kept) | set(
                kernel.reduced or ()
            )
        return unmergeable_axes(source, identity(kernel.shape), kept)
    return unmergeable_axes(node, member.at, kept - {node})


def _width(extent: int, lanes: int, dear: bool) -> int:
    """Lanes of a vector: several registers at once hide latency, where the loop is long enough."""
    if extent < lanes:
        return 1 << max((extent - 1).bit_length(), 1)
    most = lanes * (2 if dear else 4)
    width = lanes
    while width < most and extent >= 2 * width:
        width *= 2
    return width


def _borders(kernel: Kernel, kept: set[Node], axis: int) -> set[int]:
    found: set[int] = set()
    for member in () if kernel.copies is not None else kernel.members:
        node = member.node
        if is_reduction(node):
            found |= lane_boundaries(node.inputs[0], identity(kernel.shape), kept, axis)
        else:
            found |= lane_boundaries(node, member.at, kept - {node}, axis)
    return found


def _between_borders(width: int, lanes: int, found: set[int]) -> int:
    """A shorter vector if it then lies between borders, at least half a register."""
    fitting = width
    while fitting > max(lanes // 2, 2) and any(border % fitting for border in found):
        fitting //= 2
    return width if any(border % fitting for border in found) else fitting
