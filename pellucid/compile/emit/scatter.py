"""Scatter-add: elements added at indexed rows, in the order of the index."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod

from pellucid.compile.element import kind_of, stored_kind
from pellucid.compile.emit.expression import ExpressionEmitter
from pellucid.compile.emit.index_value import lanes_below, unravelled
from pellucid.compile.emit.point import SCALAR, Point, Vector
from pellucid.compile.loop.builder import Builder
from pellucid.compile.loop.ir import I64, Type, Value
from pellucid.compile.plan.index import identity
from pellucid.graph.node import Node

_CHUNK_VECTORS = 4


class ScatterEmitter:
    """Emits one scatter kernel.

    A task is one index of the axes before the indexed one and a chunk of the axes after it, so no two
    tasks add to the same element.

    lead, tail: elements of the axes before and after the indexed one.
    """

    def __init__(self, node: Node, lanes: int) -> None:
        self.node = node
        self.source, self.index = node.inputs
        self.axis: int = node.attrs["axis"]
        self.after = self.axis + len(self.index.shape)
        self.lead = prod(self.source.shape[: self.axis])
        self.tail = prod(self.source.shape[self.after :])
        self.lanes = min(lanes, 1 << max(self.tail - 1, 0).bit_length()) if self.tail > 1 else 1

    @property
    def chunks(self) -> int:
        """Chunks of the axes after the indexed one."""
        return max(-(-self.tail // (self.lanes * _CHUNK_VECTORS)), 1)

    @property
    def tasks(self) -> int:
        """Pieces of work."""
        return self.lead * self.chunks

    def emit(
        self,
        b: Builder,
        buffers: Mapping[Node, Value],
        pointers: Sequence[Value],
        span: tuple[Value, Value],
    ) -> None:
        """The tasks of a span; every pointer gets the result."""
        self.b = b
        self.expressions = ExpressionEmitter(b, buffers)
        with b.loop(*span, hint="task") as task:
            lead = b.div(task.variable, self.chunks)
            first = b.mul(b.rem(task.variable, self.chunks), self.lanes * _CHUNK_VECTORS)
            stop = b.minimum(b.add(first, self.lanes * _CHUNK_VECTORS), self.tail)
            with b.loop(first, stop, self.lanes, hint="tail") as tail:
                for pointer in pointers:
                    self._clear(pointer, lead, tail.variable)
                with b.loop(0, prod(self.index.shape), hint="j") as j:
                    self._add(pointers, lead, j.variable, tail.variable)

    def _vector(self) -> Type:
        return Type(kind_of(self.node.dtype), self.lanes if self.tail > 1 else 0)

    def _ragged(self, tail: Value) -> Value | None:
        if self.tail % self.lanes == 0 or self.tail == 1:
            return None
        return lanes_below(self.b, self.lanes, tail, self.tail)

    def _clear(self, pointer: Value, lead: Value, tail: Value) -> None:
        b = self.b
        length = self.node.attrs["length"]
        zero = b.constant(self._stored_type(), 0)
        with b.loop(0, length, hint="k") as k:
            row = b.add(b.mul(lead, length), k.variable)
            b.store(zero, pointer, b.add(b.mul(row, self.tail), tail), self._ragged(tail))

    def _stored_type(self) -> Type:
        return self._vector().of(stored_kind(self.node.dtype))

    def _add(self, pointers: Sequence[Value], lead: Value, j: Value, tail: Value) -> None:
        b = self.b
        length = self.node.attrs["length"]
        indices = unravelled(b, j, self.index.shape)
        mask = self._ragged(tail)
        self.expressions.move_to(Point(dict(enumerate(indices))))
        target = b.convert(self.expressions.value(self.index, identity(self.index.shape)), "i64")
        low, high = b.compare(">=", target, 0), b.compare("<", target, length)
        with b.when(b.bit("and", low, high)):
            value = self._value(lead, indices, tail, mask)
            row = b.add(b.mul(lead, length), target)
            position = b.add(b.mul(row, self.tail), tail)
            for pointer in pointers:
                old = b.convert(
                    b.load(pointer, position, self._stored_type(), mask), value.type.kind
                )
                total = b.add(old, value)
                b.store(b.convert(total, self._stored_type().kind), pointer, position, mask)

    def _value(self, lead: Value, indices: list[Value], tail: Value, mask: Value | None) -> Value:
        """The elements of the source: a vector if its last axes are one, else joined scalars."""
        b = self.b
        leads = unravelled(b, lead, self.source.shape[: self.axis])
        last = len(self.source.shape) - 1
        is_one_axis = prod(self.source.shape[self.after : -1]) == 1
        if self.tail <= 1 or is_one_axis:
            tails = [b.constant(I64, 0)] * (last - self.after) + [tail] * (self.tail > 1)
            axes = dict(enumerate([*leads, *indices, *tails]))
            vector = Vector(last, self.lanes, mask) if self.tail > 1 else SCALAR
            self.expressions.move_to(Point(axes, vector))
            return self.expressions.vector_value(self.source, identity(self.source.shape))
        values = []
        for lane in range(self.lanes):
            inside = b.minimum(b.add(tail, lane), self.tail - 1)
            tails = unravelled(b, inside, self.source.shape[self.after :])
            self.expressions.move_to(Point(dict(enumerate([*leads, *indices, *tails]))))
            values.append(self.expressions.value(self.source, identity(self.source.shape)))
        return b.join(values)
