"""A contraction as loops and strides: all that the generator needs of a matmul or a convolution.

Every axis of the result or of the sum has a length and the stride of each operand along it. Axes along
which only the first operand steps are rows, the last axis is the columns, axes along which both step
are batches. A convolution differs from a matmul in its strides alone.
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
    """One loop. axis: of the kernel's domain; a, b: strides of the operands, in elements."""

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
        """Iterations of the batch axes."""
        return prod(axis.extent for axis in self.batch)

    @property
    def outer_rows(self) -> int:
        """Iterations of the outer rows."""
        return prod(axis.extent for axis in self.outer)

    @property
    def depth(self) -> int:
        """Products in each sum."""
        return prod(axis.extent for axis in self.sums)


def contraction_of(
    kernel: Kernel, materialised: set[Node], lanes: int, registers: int, parts: Sequence[Index] = ()
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

    def strided(axis: int, extent: int) -> StridedAxis:
        return StridedAxis(axis, extent, a.factor(axis) or 0, b.factor(axis) or 0)

    last = len(node.shape) - 1
    column = strided(last, node.shape[-1])
    stepping = [axis for axis in range(last) if b.factor(axis)]
    batch = tuple(strided(axis, node.shape[axis]) for axis in stepping)
    row_axes = [axis for axis in range(last) if axis not in stepping]
    rows = _rows(kernel, materialised, [a, *parts], row_axes)
    sums = _merged_sums([strided(last + 1 + i, extent) for i, extent in enumerate(summed)])
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
    kernel: Kernel, materialised: set[Node], positions: list[Index], axes: list[int]
) -> list[StridedAxis]:
    """The axes of rows, merged where everything that is read and written allows.

    positions: of the first operand, then of parts.
    """
    a = positions[0]
    unmergeable: set[int] = set()
    for number, member in enumerate(kernel.members):
        positions.append(linear_position(member.at, member.node.shape))
        if not number:
            continue
        unmergeable |= unmergeable_axes(member.node, member.at, materialised - {member.node})
        for access in member.reads:
            position = linear_position(access.at, access.node.shape)
            positions.append(position)
            if access.guarded or not position.is_affine:
                unmergeable |= position.axes()
    loops = merge_axes(kernel.shape, axes, positions, unmergeable)
    if not loops:
        return [StridedAxis(-1, 1, 0, 0)]
    return [StridedAxis(loop.last, loop.extent, a.factor(loop.last) or 0, 0) for loop in loops]


def _merged_sums(axes: list[StridedAxis]) -> tuple[StridedAxis, ...]:
    """Axes of a sum, as few as they can be, the longest strides outermost."""
    merged: list[StridedAxis] = []
    for axis in sorted(axes, key=lambda s: (abs(s.b), abs(s.a)), reverse=True):
        if axis.extent == 1:
            continue
        before = merged[-1] if merged else None
        if before and before.a == axis.extent * axis.a and before.b == axis.extent * axis.b:
            merged[-1] = StridedAxis(axis.axis, before.extent * axis.extent, axis.a, axis.b)
        else:
            merged.append(axis)
    return tuple(merged) or (StridedAxis(-1, 1, 0, 0),)


def _cut(work: Contraction, machine: Machine, after: int) -> Tiling:
    inner = prod(axis.extent for axis in work.sums[1:])
    width_of_b = abs(work.sums[-1].b)
    contiguous = all(
        axis.b == inner_axis.b * inner_axis.extent
        for axis, inner_axis in zip(work.sums, work.sums[1:], strict=False)
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
