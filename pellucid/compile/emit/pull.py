"""Pulling the value of a node at an index: the heart of fusion.

A kernel asks for a node at a place of its domain. Elementwise nodes ask their inputs at the same
place, movement nodes at another place, and so on down to buffers, which are loaded. What is pulled
twice is computed once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import reduce

from pellucid.compile.element import kind_of, stored_kind
from pellucid.compile.emit.scalar_ops import elementwise
from pellucid.compile.loop.builder import Builder
from pellucid.compile.loop.ir import Constant, Type, Value
from pellucid.compile.op_facts import has_buffer, role_of
from pellucid.compile.plan.index import (
    Atom,
    Axis,
    Guard,
    Index,
    Indices,
    Lookup,
    Quotient,
    is_lane_aligned,
    lane_stride,
    linear_position,
    source_indices,
)
from pellucid.graph.node import Node

Guards = tuple[Guard, ...]
_NO_AXIS = -1


@dataclass
class Point:
    """The place of the domain that code is being written for.

    axes:    the value of each axis of the domain (a scalar; for the vector axis its first lane).
    vector:  the axis whose neighbours are the lanes, and how many lanes; −1 and 0 for none.
    mask:    which lanes exist at the ragged end of the vector axis; None means all.
    known:   values already in registers at this place, by node and index.
    """

    axes: dict[int, Value]
    vector: int = _NO_AXIS
    lanes: int = 0
    mask: Value | None = None
    known: dict[tuple[Node, Indices], Value] = field(default_factory=dict)


class Fill(Constant):
    """What padding is filled with, at a place that is padding wherever it is computed."""


class Puller:
    """Writes the loop IR that computes nodes at points."""

    def __init__(self, builder: Builder, buffers: Mapping[Node, Value]) -> None:
        self.builder = builder
        self.buffers = buffers
        self._memo: dict[tuple[Node, Indices, Guards], Value] = {}
        self._index_memo: dict[Index, Value] = {}
        self._tests: dict[Guard, Value] = {}
        self._point = Point({})

    def at(self, point: Point) -> None:
        """Write what follows for another point; nothing computed before is reused."""
        self._point = point
        self._memo = {}
        self._index_memo = {}
        self._tests = {}

    def pull(self, node: Node, at: Indices, guards: Guards = ()) -> Value:
        """The value of `node` at an index: a vector if it changes along the lanes, else a scalar.

        guards: where they fail, the value is never used, and memory need not be there.
        """
        known = self._point.known.get((node, at))
        if known is not None:
            return known
        key = (node, at, guards)
        if key not in self._memo:
            self._memo[key] = self._compute(node, at, guards)
        return self._memo[key]

    def fresh(self, node: Node, at: Indices) -> Value:
        """The value of a node that this kernel is to compute, not to load."""
        if has_buffer(node):
            return self.load(node, at, ())
        return self._computed(node, at, ())

    def know(self, node: Node, at: Indices, value: Value) -> None:
        """Remember that this is the value of a node here."""
        self._point.known[node, at] = value

    def pull_lanes(self, node: Node, at: Indices) -> Value:
        """As `pull`, as a vector in any case where the point has lanes."""
        return self.widen(self.pull(node, at))

    def widen(self, value: Value) -> Value:
        """A scalar in every lane of the point."""
        return self.builder.splat(value, self._point.lanes)

    def _compute(self, node: Node, at: Indices, guards: Guards) -> Value:
        if node in self.buffers:
            return self.load(node, at, guards)
        return self._computed(node, at, guards)

    def _computed(self, node: Node, at: Indices, guards: Guards) -> Value:
        role = role_of(node)
        if node.op == "constant":
            return self._number(node)
        if node.op == "iota":
            index = self.index_value(at[node.attrs["axis"]])
            return self.builder.convert(index, kind_of(node.dtype))
        if role == "elementwise":
            parts = [self.pull(source, at, guards) for source in node.inputs]
            if node.op == "add" and any(
                isinstance(part, Fill) and not part.value for part in parts
            ):
                return parts[1] if isinstance(parts[0], Fill) else parts[0]
            if any(part.type.lanes for part in parts):
                parts = [self.widen(part) for part in parts]
            return elementwise(self.builder, node, parts)
        if node.op == "concatenate":
            return self._concatenated(node, at, guards)
        if node.op == "take":
            return self._taken(node, at, guards)
        if role == "movement":
            return self._moved(node, at, guards)
        raise ValueError(f"{node!r} has no buffer and cannot be computed in place")

    def _number(self, node: Node) -> Value:
        value = node.attrs["value"].array.reshape(()).item()
        return Constant(Type(kind_of(node.dtype)), value)

    # -- movement -----------------------------------------------------------------------------

    def _moved(self, node: Node, at: Indices, guards: Guards) -> Value:
        places, found = source_indices(node, at)
        conditions = tuple(guard.settled() for guard in found)
        conditions = tuple(guard for guard in conditions if not guard.always())
        if not conditions:
            return self.pull(node.inputs[0], places, guards)
        fill = Fill(Type(kind_of(node.dtype)), node.attrs["value"])
        if any(guard.never() for guard in conditions) or node.inputs[0].size == 0:
            return fill
        inside = self.pull(node.inputs[0], places, guards + conditions)
        return self._choose(self.holds(conditions), inside, fill)

    def _choose(self, condition: Value, x: Value, y: Value) -> Value:
        parts = [condition, x, y]
        if any(part.type.lanes for part in parts):
            parts = [self.widen(part) for part in parts]
        return self.builder.select(*parts)

    def _concatenated(self, node: Node, at: Indices, guards: Guards) -> Value:
        axis = node.attrs["axis"]
        start = 0
        result: Value | None = None
        for part in node.inputs:
            stop = start + part.shape[axis]
            guard = Guard(at[axis], start, stop)
            if part.size and not guard.never():
                places = (*at[:axis], at[axis].plus(-start), *at[axis + 1 :])
                more = () if guard.always() else (guard,)
                value = self.pull(part, places, guards + more)
                result = (
                    value if result is None else self._choose(self.holds((guard,)), value, result)
                )
            start = stop
        if result is None:
            return Constant(Type(kind_of(node.dtype)), 0)
        return result

    def _taken(self, node: Node, at: Indices, guards: Guards) -> Value:
        source, index = node.inputs
        axis = node.attrs["axis"]
        end = axis + len(index.shape)
        fill = Constant(Type(kind_of(node.dtype)), 0)
        if not source.shape[axis]:
            return fill
        places = at[axis:end]
        where = Index(0, ((Lookup(index, places, source.shape[axis]), 1),))
        inside = self.pull(source, (*at[:axis], where, *at[end:]), guards)
        raw = self.builder.convert(self.pull(index, places, guards), "i64")
        low = self.builder.compare(">=", raw, 0)
        high = self.builder.compare("<", raw, source.shape[axis])
        return self._choose(self.builder.bit("and", low, high), inside, fill)

    def holds(self, guards: Guards) -> Value:
        """The condition that all the guards hold."""
        b = self.builder
        result: Value | None = None
        for guard in guards:
            if guard not in self._tests:
                self._tests[guard] = self._test(guard)
            test = self._tests[guard]
            if result is None:
                result = test
                continue
            wide = result.type.lanes or test.type.lanes
            result = b.bit("and", *(b.splat(part, wide) for part in (result, test)))
        return result if result is not None else Constant(Type("i1"), True)

    def _test(self, guard: Guard) -> Value:
        b, index = self.builder, self._guarded(guard)
        least, most = guard.index.bounds()
        tests: list[Value] = []
        if least < guard.low:
            tests.append(b.compare(">=", index, guard.low))
        if most >= guard.high:
            tests.append(b.compare("<", index, guard.high))
        if guard.step > 1:
            tests.append(b.compare("==", b.rem(b.sub(index, guard.low), guard.step), 0))
        if not tests:
            return Constant(Type("i1"), True)
        return reduce(lambda x, y: b.bit("and", x, y), tests)

    def _guarded(self, guard: Guard) -> Value:
        """What a guard tests: one number where all lanes of a vector stand on the same side."""
        vector, lanes = self._point.vector, self._point.lanes
        if not lanes or vector not in guard.index.axes():
            return self.index_value(guard.index)
        step = lane_stride(guard.index, vector, lanes)
        bounds = guard.low % lanes == 0 == guard.high % lanes and guard.step == 1
        if step == 0 or (step == 1 and bounds and is_lane_aligned(guard.index, vector, lanes)):
            return self._at_first_lane(guard.index)
        return self.index_value(guard.index)

    # -- indices ------------------------------------------------------------------------------

    def index_value(self, index: Index) -> Value:
        """The integer that an index is here: a vector if it changes along the lanes."""
        if index not in self._index_memo:
            self._index_memo[index] = self._index_value(index)
        return self._index_memo[index]

    def _index_value(self, index: Index) -> Value:
        b = self.builder
        total: Value = b.constant(Type("i64"), index.constant)
        for atom, factor in index.terms:
            term = self._scaled(self._atom_value(atom), factor)
            if term.type.lanes != total.type.lanes:
                total, term = self.widen(total), self.widen(term)
            total = b.add(total, term)
        return total

    def _scaled(self, value: Value, factor: int) -> Value:
        return self.builder.mul(value, self.builder.constant(value.type, factor))

    def _atom_value(self, atom: Atom) -> Value:
        b = self.builder
        if isinstance(atom, Axis):
            first = self._point.axes[atom.number]
            if atom.number != self._point.vector:
                return first
            lanes = b.lane_numbers(self._point.lanes)
            return b.add(self.widen(first), lanes)
        if isinstance(atom, Lookup):
            raw = b.convert(self.pull(atom.node, atom.indices, _within(atom)), "i64")
            return b.minimum(b.maximum(raw, 0), atom.bound - 1)
        step = self._step(Index(0, ((atom, 1),)))
        if step is not None:
            first = self._atom_at_first_lane(atom)
            return b.add(self.widen(first), b.lane_numbers(self._point.lanes)) if step else first
        inner = self.index_value(atom.index)
        divisor = b.constant(inner.type, atom.divisor)
        return (b.div if isinstance(atom, Quotient) else b.rem)(inner, divisor)

    def _step(self, index: Index) -> int | None:
        """What an index changes by from lane to lane; 0 without lanes, None if unevenly."""
        if not self._point.lanes:
            return 0
        return lane_stride(index, self._point.vector, self._point.lanes)

    def _at_first_lane(self, index: Index) -> Value:
        """The integer that an index is at the first lane."""
        b = self.builder
        total: Value = b.constant(Type("i64"), index.constant)
        for atom, factor in index.terms:
            total = b.add(total, self._scaled(self._atom_at_first_lane(atom), factor))
        return total

    def _atom_at_first_lane(self, atom: Atom) -> Value:
        if isinstance(atom, Axis):
            return self._point.axes[atom.number]
        if isinstance(atom, Lookup):
            return self._atom_value(atom)
        inner = self._at_first_lane(atom.index)
        divisor = self.builder.constant(inner.type, atom.divisor)
        return (self.builder.div if isinstance(atom, Quotient) else self.builder.rem)(
            inner, divisor
        )

    # -- memory -------------------------------------------------------------------------------

    def prefetch(self, node: Node, pointer: Value, position: Index, write: bool = False) -> None:
        """Ask for the neighbours that a later `load` or `store` meets, if they are neighbours."""
        if self._step(position) == 1:
            place, kind = self._at_first_lane(position), stored_kind(node.dtype)
            self.builder.prefetch(self.builder.offset(pointer, place, kind), write)

    def load(self, node: Node, at: Indices, guards: Guards) -> Value:
        """Read a buffer: one element, neighbours, or scattered elements, as the index asks."""
        b = self.builder
        position = linear_position(at, node.shape)
        stored = stored_kind(node.dtype)
        kind = kind_of(node.dtype)
        held = kind if kind == "i1" else stored
        pointer = self.buffers[node]
        within = Guard(position, 0, node.size)
        condition = None if within.always() else self.holds(guards or (within,))
        step = self._step(position)
        if step == 0 and (condition is None or not condition.type.lanes):
            place = self._at_first_lane(position)
            if condition is not None:
                place = b.select(condition, place, 0)
            return self._held(b.load(pointer, place, Type(held)), kind)
        mask = self._lane_mask(condition)
        if step == 1:
            start = self._at_first_lane(position)
            return self._held(b.load(pointer, start, Type(held, self._point.lanes), mask), kind)
        places = self.widen(self.index_value(position))
        return self._held(b.gather(pointer, places, held, mask), kind)

    def _held(self, value: Value, kind: str) -> Value:
        return self.builder.convert(value, "i32") if kind == "i32" else value

    def _lane_mask(self, condition: Value | None) -> Value | None:
        if condition is None:
            return self._point.mask
        wide = self.widen(condition)
        if self._point.mask is None:
            return wide
        return self.builder.bit("and", wide, self._point.mask)

    def store(self, value: Value, node: Node, pointer: Value, position: Index) -> None:
        """Write a value to a buffer of `node`'s type; lanes go to neighbours."""
        b = self.builder
        kept = b.convert(value, "i8") if node.dtype.name == "uint8" else value
        if self._point.vector not in position.axes():
            b.store(kept, pointer, self.index_value(position))
            return
        if position.factor(self._point.vector) != 1:
            raise ValueError("a kernel's results lie side by side along its lanes")
        b.store(self.widen(kept), pointer, self._at_first_lane(position), self._point.mask)


def _within(lookup: Lookup) -> Guards:
    """Where the places of a look-up lie in its index.

    They do not where a guard of what is looked up fails, as in padding around a gather.
    """
    pairs = zip(lookup.indices, lookup.node.shape, strict=True)
    guards = (Guard(place, 0, extent) for place, extent in pairs)
    return tuple(guard for guard in guards if not guard.always())
