"""A contraction as loops and strides: what the generator needs to know of a matmul or a convolution.

Every axis of the result or of the sum is a line: how long it is and how far each operand steps along
it. Lines along which only the first operand steps are rows, the last axis is the columns, lines
along which both step are batches. A convolution differs from a matmul in its strides alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from pellucid.compile.element import ElementKind, kind_of
from pellucid.compile.machine import Machine
from pellucid.compile.op_facts import own_cost
from pellucid.compile.plan.access import unmergeable_axes
from pellucid.compile.plan.index import Index, linear_position
from pellucid.compile.plan.kernels import Kernel, computed_nodes
from pellucid.compile.plan.loop_axes import merge_axes
from pellucid.compile.plan.operands import operand_position, operands
from pellucid.compile.tile.tiles import Tiling, panel_tiling, tiling
from pellucid.graph.node import Node


@dataclass(frozen=True)
class StridedAxis:
    """One loop. axis: of the kernel's domain; a, b: elements that the operands step by."""

    axis: int
    extent: int
    a: int
    b: int


@dataclass(frozen=True)
class Contraction:
    """C[batch, outer, row, column] = Σ A[batch, outer, row, sums] · B[batch, sums, column].

    outer: rows beyond those of the register tile. sums: outermost first, never empty.
    columns: its neighbours lie side by side in C. panel: elements from one panel of B to the next
    where they were packed before, else 0.
    """

    batch: tuple[StridedAxis, ...]
    outer: tuple[StridedAxis, ...]
    row: StridedAxis
    column: StridedAxis
    sums: tuple[StridedAxis, ...]
    kind: ElementKind
    lanes: int
    panel: int = 0

    @property
    def batches(self) -> int:
        """Turns of the batch lines."""
        return prod(line.extent for line in self.batch)

    @property
    def outer_rows(self) -> int:
        """Turns of the outer row lines."""
        return prod(line.extent for line in self.outer)

    @property
    def depth(self) -> int:
        """Products in each sum."""
        return prod(line.extent for line in self.sums)


def contraction_of(
    kernel: Kernel, kept: set[Node], lanes: int, registers: int, parts: Sequence[Index] = ()
) -> tuple[Contraction, Tiling]:
    """The loops and the cut of a contraction kernel.

    parts: where its members are written as parts of something else.
    """
    node = kernel.members[0].node
    a_at, b_at, summed = operands(node)
    a = operand_position(node.inputs[0], a_at)[1]
    machine = Machine(lanes, registers).of(node.dtype)
    if kernel.panels is not None:
        return _of_panels(kernel, kernel.panels, a, machine)
    b = operand_position(node.inputs[1], b_at)[1]

    def line(axis: int, extent: int) -> StridedAxis:
        return StridedAxis(axis, extent, a.factor(axis) or 0, b.factor(axis) or 0)

    last = len(node.shape) - 1
    column = line(last, node.shape[-1])
    stepping = [axis for axis in range(last) if b.factor(axis)]
    batch = tuple(line(axis, node.shape[axis]) for axis in stepping)
    row_axes = [axis for axis in range(last) if axis not in stepping]
    rows = _rows(kernel, kept, [a, *parts], row_axes)
    sums = _merged_sums([line(last + 1 + i, extent) for i, extent in enumerate(summed)])
    count = prod(row.extent for row in rows)
    row = min(rows, key=lambda r: machine.cost(r.extent, column.extent, r.a) * (count // r.extent))
    work = Contraction(
        batch,
        tuple(r for r in rows if r is not row),
        row,
        column,
        sums,
        kind_of(node.dtype),
        machine.lanes,
    )
    after = sum(own_cost(inner) for inner in computed_nodes(kernel))
    return work, _cut(work, machine, after)


def _of_panels(
    kernel: Kernel, panels: Node, a: Index, machine: Machine
) -> tuple[Contraction, Tiling]:
    """A product of matrices whose second factor was packed before."""
    node = kernel.members[0].node
    m, n = node.shape
    _, depth, width = panels.shape
    work = Contraction(
        (),
        (),
        StridedAxis(0, m, a.factor(0) or 0, 0),
        StridedAxis(1, n, 0, 1),
        (StridedAxis(2, depth, a.factor(2) or 0, width),),
        kind_of(node.dtype),
        machine.lanes,
        depth * width,
    )
    row_bytes = work.row.a * node.dtype.itemsize
    vectors = width // machine.lanes
    return work, panel_tiling((m, n), depth, row_bytes, vectors, kernel.row_block, machine)


def _rows(
    kernel: Kernel, kept: set[Node], positions: list[Index], axes: list[int]
) -> list[StridedAxis]:
    """The lines of rows, merged where everything that is read and written allows.

    positions: of the first operand, then of parts.
    """
    a = positions[0]
    fixed: set[int] = set()
    for number, member in enumerate(kernel.members):
        positions.append(linear_position(member.at, member.node.shape))
        if not number:
            continue
        fixed |= unmergeable_axes(member.node, member.at, kept - {member.node})
        for access in member.reads:
            position = linear_position(access.at, access.node.shape)
            positions.append(position)
            if access.guarded or not position.is_affine:
                fixed |= position.axes()
    loops = merge_axes(kernel.shape, axes, positions, fixed)
    if not loops:
        return [StridedAxis(-1, 1, 0, 0)]
    return [StridedAxis(loop.last, loop.extent, a.factor(loop.last) or 0, 0) for loop in loops]


def _merged_sums(lines: list[StridedAxis]) -> tuple[StridedAxis, ...]:
    """Sums as few as they can be, the longest steps outermost."""
    found: list[StridedAxis] = []
    for line in sorted(lines, key=lambda s: (abs(s.b), abs(s.a)), reverse=True):
        if line.extent == 1:
            continue
        before = found[-1] if found else None
        if before and before.a == line.extent * line.a and before.b == line.extent * line.b:
            found[-1] = StridedAxis(line.axis, before.extent * line.extent, line.a, line.b)
        else:
            found.append(line)
    return tuple(found) or (StridedAxis(-1, 1, 0, 0),)


def _cut(work: Contraction, machine: Machine, after: int) -> Tiling:
    inner = prod(line.extent for line in work.sums[1:])
    width_of_b = abs(work.sums[-1].b)
    contiguous = all(
        line.b == inner_line.b * inner_line.extent
        for line, inner_line in zip(work.sums, work.sums[1:], strict=False)
    )
    return tiling(
        (work.outer_rows, work.row.extent, work.column.extent),
        (work.sums[0].extent, inner),
        work.batches,
        work.row.a * (8 if work.kind == "f64" else 4),
        (work.column.b, width_of_b if contiguous else -1),
        machine,
        after,
    )
