"""Where a kernel writes its members."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pellucid.compile.emit.pull import Puller
from pellucid.compile.loop.ir import Value
from pellucid.compile.plan.concatenation import Part
from pellucid.compile.plan.index import Index, linear_position
from pellucid.compile.plan.kernels import Member
from pellucid.graph.node import Node


class Stores:
    """Writes members to every place that wants them.

    places: for each member a pointer and, if that is to a part of something else, which part.
    """

    def __init__(self, places: Mapping[Node, Sequence[tuple[Value, Part | None]]]) -> None:
        self._places = places

    def of(self, member: Member) -> list[tuple[Value, Index]]:
        """Pointers, and the member's position from each."""
        own = linear_position(member.at, member.node.shape)
        return [
            (pointer, own if part is None else part.position(member.at))
            for pointer, part in self._places[member.node]
        ]

    def write(self, puller: Puller, member: Member, value: Value) -> None:
        """Write its value at the puller's point."""
        for pointer, position in self.of(member):
            puller.store(value, member.node, pointer, position)
