"""Indices and guards as integers and conditions of loop IR."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce

from pellucid.compile.emit.point import Point
from pellucid.compile.loop.builder import Builder
from pellucid.compile.loop.ir import I64, Constant, Type, Value
from pellucid.compile.plan.index import (
    Atom,
    Axis,
    Guard,
    Index,
    Lookup,
    Quotient,
    Remainder,
    is_lane_aligned,
    lane_stride,
)

Guards = tuple[Guard, ...]


class IndexEmitter:
    """Emits the indices and guards of one point, each once.

    look_up: emits the element of an index tensor that a look-up reads.
    """

    def __init__(self, builder: Builder, point: Point, look_up: Callable[[Lookup], Value]) -> None:
        self.builder = builder
        self._axes = point.axes
        self._vector = point.vector
        self._look_up = look_up
        self._values: dict[Index, Value] = {}
        self._conditions: dict[Guard, Value] = {}

    def value(self, index: Index) -> Value:
        """The integer that an index is here: a vector if it changes along the lanes."""
        if index not in self._values:
            self._values[index] = self._sum(index)
        return self._values[index]

    def step(self, index: Index) -> int | None:
        """The difference from lane to lane; 0 without lanes, None if it is not constant."""
        if not self._vector.lanes:
            return 0
        return lane_stride(index, self._vector.axis, self._vector.lanes)

    def first_lane(self, index: Index) -> Value:
        """The integer that an index is in the first lane."""
        b = self.builder
        total: Value = b.constant(Type("i64"), index.constant)
        for atom, factor in index.terms:
            total = b.add(total, self._scaled(self._atom_in_first_lane(atom), factor))
        return total

    def condition(self, guards: Guards) -> Value:
        """The condition that all the guards hold."""
        b = self.builder
        result: Value | None = None
        for guard in guards:
            if guard not in self._conditions:
                self._conditions[guard] = self._guard_condition(guard)
            one = self._conditions[guard]
            if result is None:
                result = one
                continue
            lanes = result.type.lanes or one.type.lanes
            result = b.bit("and", *(b.splat(part, lanes) for part in (result, one)))
        return result if result is not None else Constant(Type("i1"), True)

    # -- indices ------------------------------------------------------------------------------

    def _sum(self, index: Index) -> Value:
        b = self.builder
        total: Value = b.constant(Type("i64"), index.constant)
        for atom, factor in index.terms:
            term = self._scaled(self._atom(atom), factor)
            if term.type.lanes != total.type.lanes:
                total, term = self._splat(total), self._splat(term)
            total = b.add(total, term)
        return total

    def _splat(self, value: Value) -> Value:
        return self.builder.splat(value, self._vector.lanes)

    def _scaled(self, value: Value, factor: int) -> Value:
        return self.builder.mul(value, self.builder.constant(value.type, factor))

    def _atom(self, atom: Atom) -> Value:
        b, lanes = self.builder, self._vector.lanes
        if isinstance(atom, Axis):
            first = self._axes[atom.number]
            if atom.number != self._vector.axis:
                return first
            numbers = b.lane_numbers(lanes)
            return b.add(self._splat(first), numbers)
        if isinstance(atom, Lookup):
            raw = b.convert(self._look_up(atom), "i64")
            return b.minimum(b.maximum(raw, 0), atom.bound - 1)
        step = self.step(Index(0, ((atom, 1),)))
        if step is not None:
            first = self._atom_in_first_lane(atom)
            return b.add(self._splat(first), b.lane_numbers(lanes)) if step else first
        return self._divided(atom, self.value(atom.index))

    def _atom_in_first_lane(self, atom: Atom) -> Value:
        if isinstance(atom, Axis):
            return self._axes[atom.number]
        if isinstance(atom, Lookup):
            return self._atom(atom)
        return self._divided(atom, self.first_lane(atom.index))

    def _divided(self, atom: Quotient | Remainder, dividend: Value) -> Value:
        b = self.builder
        divisor = b.constant(dividend.type, atom.divisor)
        return (b.div if isinstance(atom, Quotient) else b.rem)(dividend, divisor)

    # -- guards -------------------------------------------------------------------------------

    def _guard_condition(self, guard: Guard) -> Value:
        b, index = self.builder, self._guarded(guard)
        least, most = guard.index.bounds()
        conditions: list[Value] = []
        if least < guard.low:
            conditions.append(b.compare(">=", index, guard.low))
        if most >= guard.high:
            conditions.append(b.compare("<", index, guard.high))
        if guard.step > 1:
            conditions.append(b.compare("==", b.rem(b.sub(index, guard.low), guard.step), 0))
        if not conditions:
            return Constant(Type("i1"), True)
        return reduce(lambda x, y: b.bit("and", x, y), conditions)

    def _guarded(self, guard: Guard) -> Value:
        """The index that a guard tests: a scalar where all lanes are on the same side of its bounds."""
        axis, lanes = self._vector.axis, self._vector.lanes
        if not lanes or axis not in guard.index.axes():
            return self.value(guard.index)
        step = lane_stride(guard.index, axis, lanes)
        aligned = guard.low % lanes == 0 == guard.high % lanes and guard.step == 1
        if step == 0 or (step == 1 and aligned and is_lane_aligned(guard.index, axis, lanes)):
            return self.first_lane(guard.index)
        return self.value(guard.index)


def unravelled(b: Builder, flat: Value, extents: Sequence[int]) -> list[Value]:
    """The index along each axis of the element at a flat index, in row-major order."""
    indices: list[Value] = []
    for extent in reversed(extents):
        indices.append(b.rem(flat, extent))
        flat = b.div(flat, extent)
    return indices[::-1]


def lanes_below(b: Builder, lanes: int, first: Value, end: Value | int) -> Value:
    """The lanes whose numbers, counted from `first`, are below `end`."""
    numbers = b.add(b.lane_numbers(lanes), b.splat(first, lanes))
    return b.compare("<", numbers, b.splat(end, lanes, I64))
