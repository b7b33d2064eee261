"""The epilogue of a contraction, computed while its sums are in registers or in the nearest cache."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from pellucid.compile.element import kind_of
from pellucid.compile.emit.expression import ExpressionEmitter
from pellucid.compile.emit.panels import column_mask
from pellucid.compile.emit.point import Point, Vector
from pellucid.compile.emit.stores import Stores
from pellucid.compile.loop.builder import Builder
from pellucid.compile.loop.ir import I64, Type, Value
from pellucid.compile.plan.index import Indices, linear_position
from pellucid.compile.plan.kernels import Kernel
from pellucid.compile.plan.operands import operand_position, operands
from pellucid.compile.tile.contraction import StridedAxis
from pellucid.graph.node import Node

AxisValues = Mapping[int, Value]
"""The index of each axis; of the columns' axis, the first index."""
_FAR = 262_144
"""Bytes from which on an array does not fit in the nearest caches."""


class Epilogue:
    """Emits the members of a contraction kernel, given the sums of neighbouring columns."""

    def __init__(
        self,
        b: Builder,
        kernel: Kernel,
        buffers: Mapping[Node, Value],
        stores: Stores,
        lines: tuple[StridedAxis, StridedAxis],
        lanes: int,
    ) -> None:
        """lines: the lines of the rows and the columns of a tile."""
        self.b = b
        self.kernel = kernel
        self.kind = kind_of(kernel.members[0].node.dtype)
        self.stores = stores
        self.row, self.column = lines
        self.lanes = lanes
        self.buffers = buffers
        self.expressions = ExpressionEmitter(b, buffers)
        self.origin = dict.fromkeys(range(len(kernel.shape)), b.constant(I64, 0))
        own = kernel.nodes()
        reads = (access for member in kernel.members[1:] for access in member.reads)
        self._far_reads = [
            a for a in reads if a.node not in own and not a.guarded and self._is_far(a.node, a.at)
        ]
        self._far_writes = [
            member for member in kernel.members if self._is_far(member.node, member.at)
        ]

    @property
    def prefetches(self) -> bool:
        """Whether `prefetch` does anything."""
        return bool(self._far_reads or self._far_writes)

    def emit(self, indices: AxisValues, column: Value, sums: Value, vectors: int) -> None:
        """Members for `vectors` vectors of columns from `column` on, whose sums lie at `sums`."""
        b, extent = self.b, self.column.extent
        for v in range(vectors):
            start = b.add(column, v * self.lanes)
            here = {**indices, self.column.axis: start}
            load = partial(b.load, sums, v * self.lanes, Type(self.kind, self.lanes))
            if extent % (vectors * self.lanes) == 0:
                self._emit_vector(here, load(), None)
                continue
            with b.when(b.compare("<", start, extent)):
                self._emit_vector(here, load(), column_mask(b, self.column, self.lanes, start))

    def prefetch(self, indices: AxisValues, column: Value, vectors: int) -> None:
        """Prefetch the far arrays that `emit` reads and writes."""
        b = self.b
        for v in range(vectors):
            here = {**indices, self.column.axis: b.add(column, v * self.lanes)}
            vector = Vector(self.column.axis, self.lanes)
            self.expressions.move_to(Point({**self.origin, **here}, vector))
            for access in self._far_reads:
                position = linear_position(access.at, access.node.shape)
                self.expressions.prefetch(access.node, self.buffers[access.node], position)
            for member in self._far_writes:
                for pointer, position in self.stores.of(member):
                    self.expressions.prefetch(member.node, pointer, position, write=True)

    def _emit_vector(self, indices: AxisValues, sums: Value, mask: Value | None) -> None:
        """All members for one vector of sums. mask: the columns that exist, None if all do."""
        b, anchor = self.b, self.kernel.members[0]
        if self.column.extent == 1:
            zero = b.constant(I64, 0)
            point = Point({**self.origin, **indices, self.column.axis: zero})
            sums = b.lane(sums, 0)
        else:
            vector = Vector(self.column.axis, self.lanes, mask)
            point = Point({**self.origin, **indices}, vector)
        expressions = self.expressions
        expressions.move_to(point)
        expressions.define(anchor.node, anchor.at, sums)
        values = [sums]
        for member in self.kernel.members[1:]:
            value = expressions.computed(member.node, member.at)
            expressions.define(member.node, member.at, value)
            values.append(value)
        for member, value in zip(self.kernel.members, values, strict=True):
            self.stores.write(expressions, member, value)

    def _is_far(self, node: Node, at: Indices) -> bool:
        """Whether an array does not fit in a near cache, and each row of a tile reads another part.

        Rows lie so far apart that the processor's prefetcher does not follow them.
        """
        position = linear_position(at, node.shape)
        by_rows = position.factor(self.row.axis) and position.factor(self.column.axis) == 1
        return bool(by_rows) and node.size * node.dtype.itemsize >= _FAR


def operand_pointer(
    b: Builder, kernel: Kernel, number: int, buffers: Mapping[Node, Value]
) -> Value:
    """The address of the first element that a contraction reads of an operand."""
    node = kernel.members[0].node
    operand = node.inputs[number]
    a_at, b_at, _ = operands(node)
    base, position = operand_position(operand, b_at if number else a_at)
    return b.offset(buffers[base], position.constant, kind_of(operand.dtype))
