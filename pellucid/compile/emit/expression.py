"""Fused expressions: nodes evaluated on demand at a symbolic index.

A kernel evaluates a node at a point of its domain. An elementwise node evaluates its inputs at the same
index, a movement node at another index, and so on down to buffers, which are loaded. So movements cost
address arithmetic, not memory. At each point every value is computed once.
"""

from __future__ import annotations

from collections.abc import Mapping

from pellucid.compile.element import kind_of, stored_kind
from pellucid.compile.emit.index_value import Guards, IndexEmitter
from pellucid.compile.emit.point import Point
from pellucid.compile.emit.scalar_ops import elementwise
from pellucid.compile.loop.builder import Builder
from pellucid.compile.loop.ir import Constant, Type, Value
from pellucid.compile.op_facts import has_buffer, role_of
from pellucid.compile.plan.index import (
    Guard,
    Index,
    Indices,
    Lookup,
    linear_position,
    source_indices,
)
from pellucid.graph.node import Node


class Fill(Constant):
    """The value of padding, at an index that lies in the padding at every point."""


class ExpressionEmitter:
    """Emits the loop IR that evaluates nodes at points."""

    def __init__(self, builder: Builder, buffers: Mapping[Node, Value]) -> None:
        self.builder = builder
        self.buffers = buffers
        self.move_to(Point({}))

    def move_to(self, point: Point) -> None:
        """Emit code for another point; no value is shared with the one before."""
        self._point = point
        self._values: dict[tuple[Node, Indices, Guards], Value] = {}
        self._indices = IndexEmitter(self.builder, point, self._looked_up)

    def value(self, node: Node, at: Indices, guards: Guards = ()) -> Value:
        """The value of `node` at an index: a vector if it changes along the lanes, else a scalar.

        guards: where one fails, the value is not used, and its memory need not exist.
        """
        defined = self._point.values.get((node, at))
        if defined is not None:
            return defined
        key = (node, at, guards)
        if key not in self._values:
            self._values[key] = self._evaluated(node, at, guards)
        return self._values[key]

    def computed(self, node: Node, at: Indices) -> Value:
        """The value of a node that this kernel computes, even if the node has a buffer."""
        if has_buffer(node):
            return self.load(node, at, ())
        return self._computed(node, at, ())

    def define(self, node: Node, at: Indices, value: Value) -> None:
        """Set the value of a node at an index."""
        self._point.values[node, at] = value

    def vector_value(self, node: Node, at: Indices) -> Value:
        """As `value`, but always a vector where the point has lanes."""
        return self.splat(self.value(node, at))

    def index_vector(self, index: Index) -> Value:
        """An index, as a vector where the point has lanes."""
        return self.splat(self._indices.value(index))

    def splat(self, value: Value) -> Value:
        """A scalar in every lane of the point."""
        return self.builder.splat(value, self._point.vector.lanes)

    def _evaluated(self, node: Node, at: Indices, guards: Guards) -> Value:
        if node in self.buffers:
            return self.load(node, at, guards)
        return self._computed(node, at, guards)

    def _computed(self, node: Node, at: Indices, guards: Guards) -> Value:
        role = role_of(node)
        if node.op == "constant":
            return self._number(node)
        if node.op == "iota":
            index = self._indices.value(at[node.attrs["axis"]])
            return self.builder.convert(index, kind_of(node.dtype))
        if role == "elementwise":
            return self._elementwise(node, at, guards)
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

    def _elementwise(self, node: Node, at: Indices, guards: Guards) -> Value:
        inputs = [self.value(source, at, guards) for source in node.inputs]
        if node.op == "add" and any(isinstance(x, Fill) and not x.value for x in inputs):
            return inputs[1] if isinstance(inputs[0], Fill) else inputs[0]
        return elementwise(self.builder, node, self._of_one_width(inputs))

    def _of_one_width(self, values: list[Value]) -> list[Value]:
        """All of them as vectors if one is."""
        return [*map(self.splat, values)] if any(x.type.lanes for x in values) else values

    # -- movement -----------------------------------------------------------------------------

    def _moved(self, node: Node, at: Indices, guards: Guards) -> Value:
        source_at, own_guards = source_indices(node, at)
        settled = (guard.settled() for guard in own_guards)
        uncertain = tuple(guard for guard in settled if not guard.always())
        if not uncertain:
            return self.value(node.inputs[0], source_at, guards)
        fill = Fill(Type(kind_of(node.dtype)), node.attrs["value"])
        if any(guard.never() for guard in uncertain) or node.inputs[0].size == 0:
            return fill
        inside = self.value(node.inputs[0], source_at, guards + uncertain)
        return self._select(self._indices.condition(uncertain), inside, fill)

    def _select(self, condition: Value, x: Value, y: Value) -> Value:
        return self.builder.select(*self._of_one_width([condition, x, y]))

    def _concatenated(self, node: Node, at: Indices, guards: Guards) -> Value:
        axis = node.attrs["axis"]
        start = 0
        result: Value | None = None
        for part in node.inputs:
            stop = start + part.shape[axis]
            guard = Guard(at[axis], start, stop)
            if part.size and not guard.never():
                part_at = (*at[:axis], at[axis].plus(-start), *at[axis + 1 :])
                own_guards = () if guard.always() else (guard,)
                value = self.value(part, part_at, guards + own_guards)
                if result is not None:
                    value = self._select(self._indices.condition((guard,)), value, result)
                result = value
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
        index_at = at[axis:end]
        row = Index(0, ((Lookup(index, index_at, source.shape[axis]), 1),))
        inside = self.value(source, (*at[:axis], row, *at[end:]), guards)
        raw = self.builder.convert(self.value(index, index_at, guards), "i64")
        low = self.builder.compare(">=", raw, 0)
        high = self.builder.compare("<", raw, source.shape[axis])
        return self._select(self.builder.bit("and", low, high), inside, fill)

    def _looked_up(self, lookup: Lookup) -> Value:
        return self.value(lookup.node, lookup.indices, _within(lookup))

    # -- memory -------------------------------------------------------------------------------

    def prefetch(self, node: Node, pointer: Value, position: Index, write: bool = False) -> None:
        """Prefetch for a later `load` or `store` whose lanes lie next to each other, else nothing."""
        if self._indices.step(position) == 1:
            first, kind = self._indices.first_lane(position), stored_kind(node.dtype)
            self.builder.prefetch(self.builder.offset(pointer, first, kind), write)

    def load(self, node: Node, at: Indices, guards: Guards) -> Value:
        """Read a buffer: a scalar, neighbouring elements, or a gather, depending on the index."""
        b = self.builder
        position = linear_position(at, node.shape)
        kind = kind_of(node.dtype)
        memory_kind = kind if kind == "i1" else stored_kind(node.dtype)
        pointer = self.buffers[node]
        within = Guard(position, 0, node.size)
        condition = None if within.always() else self._indices.condition(guards or (within,))
        step = self._indices.step(position)
        if step == 0 and (condition is None or not condition.type.lanes):
            first = self._indices.first_lane(position)
            if condition is not None:
                first = b.select(condition, first, 0)
            return self._in_register(b.load(pointer, first, Type(memory_kind)), kind)
        mask = self._lane_mask(condition)
        if step == 1:
            first = self._indices.first_lane(position)
            vector = Type(memory_kind, self._point.vector.lanes)
            return self._in_register(b.load(pointer, first, vector, mask), kind)
        positions = self.index_vector(position)
        return self._in_register(b.gather(pointer, positions, memory_kind, mask), kind)

    def _in_register(self, value: Value, kind: str) -> Value:
        return self.builder.convert(value, "i32") if kind == "i32" else value

    def _lane_mask(self, condition: Value | None) -> Value | None:
        mask = self._point.vector.mask
        if condition is None:
            return mask
        lanes = self.splat(condition)
        return lanes if mask is None else self.builder.bit("and", lanes, mask)

    def store(self, value: Value, node: Node, pointer: Value, position: Index) -> None:
        """Write a value to a buffer of `node`'s type; lanes go to neighbouring elements."""
        b, vector = self.builder, self._point.vector
        stored = b.convert(value, "i8") if node.dtype.name == "uint8" else value
        if vector.axis not in position.axes():
            b.store(stored, pointer, self._indices.value(position))
            return
        if position.factor(vector.axis) != 1:
            raise ValueError("the lanes of a kernel's results are neighbours in memory")
        b.store(self.splat(stored), pointer, self._indices.first_lane(position), vector.mask)


def _within(lookup: Lookup) -> Guards:
    """Guards that a look-up reads inside its index tensor.

    It may lie outside where a guard of its value fails, as in padding around a gather.
    """
    pairs = zip(lookup.indices, lookup.node.shape, strict=True)
    guards = (Guard(index, 0, extent) for index, extent in pairs)
    return tuple(guard for guard in guards if not guard.always())
