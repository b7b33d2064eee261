"""The destinations of a kernel's results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pellucid.compile.emit.expression import ExpressionEmitter
from pellucid.compile.loop.ir import Value
from pellucid.compile.plan.concatenation import Part
from pellucid.compile.plan.index import Index, linear_position
from pellucid.compile.plan.kernels import Member
from pellucid.graph.node import Node


class Stores:
    """Stores members to all their destinations.

    destinations: for each member, pointers; with each the part of a whole that the member is there,
    None if it is stored as it is.
    """

    def __init__(self, destinations: Mapping[Node, Sequence[tuple[Value, Part | None]]]) -> None:
        self._destinations = destinations

    def of(self, member: Member) -> list[tuple[Value, Index]]:
        """The pointers, and the member's position relative to each."""
        own = linear_position(member.at, member.node.shape)
        return [
            (pointer, own if part is None else part.position(member.at))
            for pointer, part in self._destinations[member.node]
        ]

    def write(self, expressions: ExpressionEmitter, member: Member, value: Value) -> None:
        """Store a member's value at the point of `expressions`."""
        for pointer, position in self.of(member):
            expressions.store(value, member.node, pointer, position)
