"""Accumulators of reductions in registers."""

from __future__ import annotations

from collections.abc import Sequence

from pellucid.compile.element import kind_of
from pellucid.compile.loop.builder import Builder
from pellucid.compile.loop.ir import Type, Value
from pellucid.compile.plan.kernels import Kernel
from pellucid.graph.node import Node

_LOWEST = {"i32": -(2**31), "i64": -(2**63)}


class Accumulator:
    """The values that one reduction carries from iteration to iteration.

    They are the result so far and, for argmax, its position. count: how many.
    """

    def __init__(self, b: Builder, node: Node, lanes: int, kernel: Kernel) -> None:
        self.b = b
        self.node = node
        self.type = Type(kind_of(node.inputs[0].dtype), lanes)
        self.is_sum = node.op == "sum"
        self.count = 2 if node.op == "argmax" else 1
        self.extent = kernel.shape[node.attrs["axis"]] if node.op == "argmax" else 0

    def initial(self) -> list[Value]:
        """The values before the first iteration."""
        b = self.b
        if self.is_sum:
            return [b.constant(self.type, 0)]
        lowest = float("-inf") if self.type.is_float else _LOWEST[self.type.kind]
        first = b.constant(self.type, lowest)
        if self.node.op == "max":
            return [first]
        # Greater than every position, so the first value always wins.
        return [first, b.constant(Type("i64", self.type.lanes), self.extent)]

    def step(
        self, old: Sequence[Value], value: Value, mask: Value | None, position: Value | None
    ) -> list[Value]:
        """The values after an iteration; lanes outside the mask stay as they were."""
        b = self.b
        if self.node.op == "argmax":
            assert position is not None
            return self._step_argmax(old, value, mask, position)
        combine = b.add if self.is_sum else b.maximum
        new = combine(old[0], value)
        return [new if mask is None else b.select(mask, new, old[0])]

    def _step_argmax(
        self, old: Sequence[Value], value: Value, mask: Value | None, position: Value
    ) -> list[Value]:
        wins = self._precedes(value, position, old[0], old[1])
        if mask is not None:
            wins = self.b.bit("and", wins, mask)
        return [self.b.select(wins, value, old[0]), self.b.select(wins, position, old[1])]

    def _precedes(self, x: Value, x_position: Value, y: Value, y_position: Value) -> Value:
        """Whether x precedes y: NaN precedes numbers, larger precedes smaller; of equals, the first."""
        b = self.b
        larger = b.compare(">", x, y)
        tie = b.compare("==", x, y)
        if x.type.is_float:
            x_nan, y_nan = b.compare("!=", x, x), b.compare("!=", y, y)
            larger = b.bit("or", larger, b.bit("and", x_nan, b.invert(y_nan)))
            tie = b.bit("or", tie, b.bit("and", x_nan, y_nan))
        earlier = b.compare("<", x_position, y_position)
        return b.bit("or", larger, b.bit("and", tie, earlier))

    def finish(self, values: Sequence[Value], folded: bool) -> Value:
        """The result. folded: the lanes are iterations of one reduction, so they are combined."""
        b = self.b
        if self.node.op != "argmax":
            wide = folded and values[0].type.lanes
            result = b.reduce("add" if self.is_sum else "max", values[0]) if wide else values[0]
            return b.bit("and", result, 255) if self.node.dtype.name == "uint8" else result
        best, position = values
        if folded and best.type.lanes:
            lanes = best.type.lanes
            pairs = [(b.lane(best, i), b.lane(position, i)) for i in range(lanes)]
            best, position = pairs[0]
            for value, index in pairs[1:]:
                wins = self._precedes(value, index, best, position)
                best, position = b.select(wins, value, best), b.select(wins, index, position)
        return b.convert(position, "i32")
