"""Scatter-add: elements added at indexed places, in the order of the index."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod

from pellucid.compile.element import kind_of, stored_kind
from pellucid.compile.emit.pull import Point, Puller
from pellucid.compile.loop.builder import Builder
from pellucid.compile.loop.ir import I64, Type, Value
from pellucid.compile.plan.index import identity
from pellucid.graph.node import Node

_CHUNK_LANES = 4


class ScatterWriter:
    """Writes one scatter kernel.

    A task is one place of the axes before the indexed one and a chunk of those after it, so no two
    tasks add to the same element.
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
        return max(-(-self.tail // (self.lanes * _CHUNK_LANES)), 1)

    @property
    def tasks(self) -> int:
        """Pieces of work."""
        return self.lead * self.chunks

    def write(
        self,
        b: Builder,
        buffers: Mapping[Node, Value],
        pointers: Sequence[Value],
        span: tuple[Value, Value],
    ) -> None:
        """The tasks of a span, to each of the pointers."""
        self.b = b
        self.puller = Puller(b, buffers)
        with b.loop(*span, hint="task") as task:
            lead = b.div(task.variable, self.chunks)
            first = b.mul(b.rem(task.variable, self.chunks), self.lanes * _CHUNK_LANES)
            stop = b.minimum(b.add(first, self.lanes * _CHUNK_LANES), self.tail)
            with b.loop(first, stop, self.lanes, hint="tail") as tail:
                for pointer in pointers:
                    self._clear(pointer, lead, tail.variable)
                with b.loop(0, prod(self.index.shape), hint="j") as j:
                    self._add(pointers, lead, j.variable, tail.variable)

    def _vector(self) -> Type:
        return Type(kind_of(self.node.dtype), self.lanes if self.tail > 1 else 0)

    def _mask(self, tail: Value) -> Value | None:
        if self.tail % self.lanes == 0 or self.tail == 1:
            return None
        numbers = self.b.add(self.b.lane_numbers(self.lanes), self.b.splat(tail, self.lanes))
        return self.b.compare("<", numbers, self.tail)

    def _clear(self, pointer: Value, lead: Value, tail: Value) -> None:
        b = self.b
        length = self.node.attrs["length"]
        zero = b.constant(self._held(), 0)
        with b.loop(0, length, hint="k") as k:
            row = b.add(b.mul(lead, length), k.variable)
            b.store(zero, pointer, b.add(b.mul(row, self.tail), tail), self._mask(tail))

    def _held(self) -> Type:
        return self._vector().of(stored_kind(self.node.dtype))

    def _add(self, pointers: Sequence[Value], lead: Value, j: Value, tail: Value) -> None:
        b = self.b
        length = self.node.attrs["length"]
        places = self._split(j, self.index.shape)
        mask = self._mask(tail)
        self.puller.at(Point(dict(enumerate(places))))
        at = b.convert(self.puller.pull(self.index, identity(self.index.shape)), "i64")
        low, high = b.compare(">=", at, 0), b.compare("<", at, length)
        with b.when(b.bit("and", low, high)):
            value = self._value(lead, places, tail, mask)
            row = b.add(b.mul(lead, length), at)
            position = b.add(b.mul(row, self.tail), tail)
            for pointer in pointers:
                before = b.convert(b.load(pointer, position, self._held(), mask), value.type.kind)
                total = b.add(before, value)
                b.store(b.convert(total, self._held().kind), pointer, position, mask)

    def _value(self, lead: Value, places: list[Value], tail: Value, mask: Value | None) -> Value:
        """The elements of the source; along the lanes if its last axes are one row of memory."""
        b = self.b
        leads = self._split(lead, self.source.shape[: self.axis])
        last = len(self.source.shape) - 1
        one_axis = prod(self.source.shape[self.after : -1]) == 1
        if self.tail <= 1 or one_axis:
            tails = [b.constant(I64, 0)] * (last - self.after) + [tail] * (self.tail > 1)
            axes = dict(enumerate([*leads, *places, *tails]))
            vector = (last, self.lanes, mask) if self.tail > 1 else (-1, 0, None)
            self.puller.at(Point(axes, *vector))
            value = self.puller.pull(self.source, identity(self.source.shape))
            return self.puller.widen(value)
        values = []
        for lane in range(self.lanes):
            inside = b.minimum(b.add(tail, lane), self.tail - 1)
            tails = self._split(inside, self.source.shape[self.after :])
            self.puller.at(Point(dict(enumerate([*leads, *places, *tails]))))
            values.append(self.puller.pull(self.source, identity(self.source.shape)))
        return b.join(values)

    def _split(self, flat: Value, shape: Sequence[int]) -> list[Value]:
        found: list[Value] = []
        for n in reversed(shape):
            found.append(self.b.rem(flat, n))
            flat = self.b.div(flat, n)
        return found[::-1]
