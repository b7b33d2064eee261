"""What follows a contraction, applied while its sums are in registers or in the nearest cache."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from pellucid.compile.element import kind_of
from pellucid.compile.emit.panels import column_mask
from pellucid.compile.emit.pull import Point, Puller
from pellucid.compile.emit.stores import Stores
from pellucid.compile.loop.builder import Builder
from pellucid.compile.loop.ir import I64, Type, Value
from pellucid.compile.plan.index import Indices, linear_position
from pellucid.compile.plan.kernels import Kernel
from pellucid.compile.plan.operands import operand_position, operands
from pellucid.compile.tile.contraction import StridedAxis
from pellucid.graph.node import Node

Place = Mapping[int, Value]
"""A value for each axis; of the columns the first."""
_FAR = 262_144
"""Bytes from which on an array is not in the nearest caches."""


class Epilogue:
    """Writes the code of a contraction kernel's members, given the sums of neighbouring columns."""

    def __init__(
        self,
        b: Builder,
        kernel: Kernel,
        buffers: Mapping[Node, Value],
        stores: Stores,
        lines: tuple[StridedAxis, StridedAxis],
        lanes: int,
    ) -> None:
        """lines: of the rows and the columns of a tile."""
        self.b = b
        self.kernel = kernel
        self.kind = kind_of(kernel.members[0].node.dtype)
        self.stores = stores
        self.row, self.column = lines
        self.lanes = lanes
        self.buffers = buffers
        self.puller = Puller(b, buffers)
        self.nowhere = dict.fromkeys(range(len(kernel.shape)), b.constant(I64, 0))
        own = kernel.nodes()
        reads = (access for member in kernel.members[1:] for access in member.reads)
        self._read = [
            a for a in reads if a.node not in own and not a.guarded and self._is_far(a.node, a.at)
        ]
        self._written = [
            member for member in kernel.members if self._is_far(member.node, member.at)
        ]

    @property
    def is_far(self) -> bool:
        """Whether there is anything to ask for ahead."""
        return bool(self._read or self._written)

    def finish(self, place: Place, column: Value, sums: Value, vectors: int) -> None:
        """Members for `vectors` vectors of columns from `column` on, whose sums lie at `sums`."""
        b, extent = self.b, self.column.extent
        for v in range(vectors):
            start = b.add(column, v * self.lanes)
            here = {**place, self.column.axis: start}
            taken = partial(b.load, sums, v * self.lanes, Type(self.kind, self.lanes))
            if extent % (vectors * self.lanes) == 0:
                self._write(here, taken(), None)
                continue
            with b.when(b.compare("<", start, extent)):
                self._write(here, taken(), column_mask(b, self.column, self.lanes, start))

    def ask(self, place: Place, column: Value, vectors: int) -> None:
        """Ask for what `finish` will read and write far away."""
        b = self.b
        for v in range(vectors):
            here = {**place, self.column.axis: b.add(column, v * self.lanes)}
            self.puller.at(Point({**self.nowhere, **here}, self.column.axis, self.lanes))
            for access in self._read:
                position = linear_position(access.at, access.node.shape)
                self.puller.prefetch(access.node, self.buffers[access.node], position)
            for member in self._written:
                for pointer, position in self.stores.of(member):
                    self.puller.prefetch(member.node, pointer, position, write=True)

    def _write(self, place: Place, sums: Value, mask: Value | None) -> None:
        """All members where these sums are; mask: which columns exist, None if all do."""
        b, anchor = self.b, self.kernel.members[0]
        if self.column.extent == 1:
            zero = b.constant(I64, 0)
            point = Point({**self.nowhere, **place, self.column.axis: zero})
            sums = b.lane(sums, 0)
        else:
            point = Point({**self.nowhere, **place}, self.column.axis, self.lanes, mask)
        puller = self.puller
        puller.at(point)
        puller.know(anchor.node, anchor.at, sums)
        values = [sums]
        for member in self.kernel.members[1:]:
            value = puller.fresh(member.node, member.at)
            puller.know(member.node, member.at, value)
            values.append(value)
        for member, value in zip(self.kernel.members, values, strict=True):
            self.stores.write(puller, member, value)

    def _is_far(self, node: Node, at: Indices) -> bool:
        """Whether every row of a tile meets another part of an array that is not in a near cache.

        Rows lie far apart, so the processor does not guess what is read next.
        """
        position = linear_position(at, node.shape)
        each = position.factor(self.row.axis) and position.factor(self.column.axis) == 1
        return bool(each) and node.size * node.dtype.itemsize >= _FAR


def operand_pointer(
    b: Builder, kernel: Kernel, number: int, buffers: Mapping[Node, Value]
) -> Value:
    """Where the first element that is read of an operand of the contraction lies."""
    node = kernel.members[0].node
    operand = node.inputs[number]
    a_at, b_at, _ = operands(node)
    base, position = operand_position(operand, b_at if number else a_at)
    return b.offset(buffers[base], position.constant, kind_of(operand.dtype))
