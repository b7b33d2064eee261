"""Running results of reductions in registers."""

from __future__ import annotations

from collections.abc import Sequence

from pellucid.compile.element import kind_of
from pellucid.compile.loop.builder import Builder
from pellucid.compile.loop.ir import Type, Value
from pellucid.compile.plan.kernels import Kernel
from pellucid.graph.node import Node

_LOWEST = {"i32": -(2**31), "i64": -(2**63)}


class Running:
    """The values that one reduction carries from turn to turn: its result, and for argmax a place."""

    def __init__(self, b: Builder, node: Node, lanes: int, kernel: Kernel) -> None:
        self.b = b
        self.node = node
        self.type = Type(kind_of(node.inputs[0].dtype), lanes)
        self.is_sum = node.op == "sum"
        self.count = 2 if node.op == "argmax" else 1
        self.extent = kernel.shape[node.attrs["axis"]] if node.op == "argmax" else 0

    def initial(self) -> list[Value]:
        """Before the first turn."""
        b = self.b
        if self.is_sum:
            return [b.constant(self.type, 0)]
        lowest = float("-inf") if self.type.is_float else _LOWEST[self.type.kind]
        first = b.constant(self.type, lowest)
        if self.node.op == "max":
            return [first]
        # Beyond every place, so that any turn comes before it.
        return [first, b.constant(Type("i64", self.type.lanes), self.extent)]

    def step(
        self, before: Sequence[Value], value: Value, mask: Value | None, place: Value | None
    ) -> list[Value]:
        """After a turn; lanes that the mask leaves out stay as they were."""
        b = self.b
        if self.node.op == "argmax":
            assert place is not None
            return self._step_place(before, value, mask, place)
        combine = b.add if self.is_sum else b.maximum
        after = combine(before[0], value)
        return [after if mask is None else b.select(mask, after, before[0])]

    def _step_place(
        self, before: Sequence[Value], value: Value, mask: Value | None, place: Value
    ) -> list[Value]:
        wins = self._comes_first(value, place, before[0], before[1])
        if mask is not None:
            wins = self.b.bit("and", wins, mask)
        return [self.b.select(wins, value, before[0]), self.b.select(wins, place, before[1])]

    def _comes_first(self, x: Value, x_place: Value, y: Value, y_place: Value) -> Value:
        """Whether x at x_place beats y: NaN beats numbers, larger beats smaller, then the earlier."""
        b = self.b
        larger = b.compare(">", x, y)
        tie = b.compare("==", x, y)
        if x.type.is_float:
            x_nan, y_nan = b.compare("!=", x, x), b.compare("!=", y, y)
            larger = b.bit("or", larger, b.bit("and", x_nan, b.invert(y_nan)))
            tie = b.bit("or", tie, b.bit("and", x_nan, y_nan))
        earlier = b.compare("<", x_place, y_place)
        return b.bit("or", larger, b.bit("and", tie, earlier))

    def finish(self, values: Sequence[Value], folded: bool) -> Value:
        """The result: the lanes folded together if they were turns of one place."""
        b = self.b
        if self.node.op != "argmax":
            wide = folded and values[0].type.lanes
            result = b.reduce("add" if self.is_sum else "max", values[0]) if wide else values[0]
            return b.bit("and", result, 255) if self.node.dtype.name == "uint8" else result
        best, place = values
        if folded and best.type.lanes:
            lanes = best.type.lanes
            pairs = [(b.lane(best, i), b.lane(place, i)) for i in range(lanes)]
            best, place = pairs[0]
            for value, at in pairs[1:]:
                wins = self._comes_first(value, at, best, place)
                best, place = b.select(wins, value, best), b.select(wins, at, place)
        return b.convert(place, "i32")
