"""A checker of plans: every value is where it is looked for, from its making to its last reading.

It goes through the levels with nothing but the list of rooms in hand, and knows nothing of how they
were chosen. Kernels of one level run side by side, so none may touch what another one writes.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from pellucid.compile.op_facts import has_buffer
from pellucid.compile.plan.assemble import Part
from pellucid.compile.plan.index import linear
from pellucid.compile.plan.kernels import Kernel, Member
from pellucid.compile.plan.planner import ALIGN, Plan
from pellucid.graph.node import Node, State
from pellucid.graph.op import Array


def verify(plan: Plan) -> None:
    """Raise ValueError naming the kernel and the value if a plan loses or mixes up anything."""
    _Checker(plan).check()


@dataclass
class _Touched:
    """What a kernel reads and writes. Rooms are (first byte, last byte + 1, node)."""

    kernel: Kernel
    reads: list[tuple[int, int, Node]] = field(default_factory=list)
    writes: list[tuple[int, int, Node]] = field(default_factory=list)
    old: set[State] = field(default_factory=set)
    new: set[State] = field(default_factory=set)


class _Checker:
    """Goes through the levels.

    held: what lies in the rooms. changed: states that have their new value. made: nodes so far.
    begun: the rooms of wholes of which some parts are written. missing: the parts that are not.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.held: list[tuple[int, int, Node]] = []
        self.changed: dict[State, Node] = {}
        self.made: set[Node] = set()
        self.stored: set[str] = set()
        self.begun: dict[Node, tuple[int, int]] = {}
        self.missing = _parts_by_whole(plan)

    def check(self) -> None:
        for level in self.plan.levels:
            touched = [self._touched(kernel) for kernel in level]
            for one in touched:
                self._may_read(one)
                for other in touched:
                    self._may_run_beside(one, other)
            for one in touched:
                self._ran(one)
        self._is_complete()

    def _room(self, node: Node) -> tuple[int, int, Node]:
        start = self.plan.rooms[node]
        stop = start + node.size * node.dtype.itemsize
        if start % ALIGN or start < 0 or stop > self.plan.room_bytes:
            raise ValueError(f"the room of {node!r} is not within the memory of the plan")
        return start, stop, node

    def _touched(self, kernel: Kernel) -> _Touched:
        found = _Touched(kernel)
        own = kernel.nodes() if kernel.copies is None else set()
        for member in kernel.members:
            nodes = [access.node for access in member.reads]
            for node in [member.node] if kernel.copies is not None else nodes:
                if node in own and not has_buffer(node):
                    continue
                if node in self.plan.rooms and (kernel.copies is not None or node.op != "state"):
                    found.reads.append(self._room(node))
                elif node.op == "state":
                    found.old.add(node.attrs["state"])
                elif not has_buffer(node):
                    raise ValueError(f"{kernel.name} reads {node!r}, which is not kept")
            if kernel.copies is not None:
                continue
            parts = [part.whole for part in self.plan.parts.get(member.node, [])]
            rooms = (node for node in (member.node, *parts) if node in self.plan.rooms)
            found.writes += [self._room(node) for node in rooms]
        found.new = set(self._written(kernel))
        return found

    def _written(self, kernel: Kernel) -> dict[State, Node]:
        if kernel.copies is not None:
            return {kernel.copies: kernel.members[0].node}
        pairs = [
            (t.state, m.node) for m in kernel.members for t in self.plan.targets.get(m.node, [])
        ]
        return {state: node for state, node in pairs if state is not None}

    def _may_read(self, one: _Touched) -> None:
        for room in one.reads:
            if room not in self.held:
                raise ValueError(f"{one.kernel.name} reads {room[2]!r}, which is not in its room")
        for state in one.old & set(self.changed):
            raise ValueError(f"{one.kernel.name} reads {state.name!r}, which has been overwritten")
        for member in one.kernel.members:
            for target in self.plan.targets.get(member.node, []):
                if target.state in one.old and one.kernel.copies is None:
                    _in_place(one.kernel, member, target.state)

    def _may_run_beside(self, one: _Touched, other: _Touched) -> None:
        """Neither may read or write what the other writes; nor a kernel its own operands' rooms."""
        apart = one is not other
        for start, stop, node in one.writes:
            against = [*other.reads, *(other.writes if apart else [])]
            if any(start < end and first < stop and it is not node for first, end, it in against):
                raise ValueError(f"{one.kernel.name} writes {node!r} over what is still in use")
        if apart and one.new & (other.old | other.new):
            raise ValueError(f"{one.kernel.name} changes a state beside {other.kernel.name}")

    def _ran(self, one: _Touched) -> None:
        written = {p for m in one.kernel.members for p in self.plan.parts.get(m.node, [])}
        for start, stop, node in one.writes:
            self.held = [(a, b, it) for a, b, it in self.held if b <= start or stop <= a]
            for whole, (a, b) in self.begun.items():
                if whole is not node and a < stop and start < b:
                    raise ValueError(f"{one.kernel.name} writes {node!r} over parts of {whole!r}")
            self.begun[node] = start, stop
            self.missing[node] = self.missing.get(node, set()) - written
            if not self.missing[node]:
                del self.begun[node]
                self.held.append((start, stop, node))
        for state, node in self._written(one.kernel).items():
            if state in self.changed:
                raise ValueError(f"{state.name!r} is written twice")
            self.changed[state] = node
        if one.kernel.copies is not None:
            return
        for member in one.kernel.members:
            if member.node in self.made:
                raise ValueError(f"{member.node!r} is computed twice")
            self.made.add(member.node)
            self.stored |= {t.name for t in self.plan.targets.get(member.node, []) if not t.state}

    def _is_complete(self) -> None:
        if self.stored != set(self.plan.graph.outputs):
            raise ValueError("an output is not stored")
        if self.changed != dict(self.plan.graph.updates):
            raise ValueError("a state does not get its new value")


def _parts_by_whole(plan: Plan) -> dict[Node, set[Part]]:
    """The parts of each whole; ValueError unless they are all of it, each element once."""
    found: dict[Node, set[Part]] = {}
    times: dict[Node, Array] = {}
    for value, parts in plan.parts.items():
        for part in parts:
            found.setdefault(part.whole, set()).add(part)
            lengths = [1 if axis is None else value.shape[axis] for axis, _ in part.axes]
            box = (slice(s, s + n) for n, (_, s) in zip(lengths, part.axes, strict=True))
            times.setdefault(part.whole, np.zeros(part.whole.shape, int))[tuple(box)] += 1
    for whole, count in times.items():
        if (count != 1).any():
            raise ValueError(f"the parts of {whole!r} do not make it whole")
    return found


def _in_place(kernel: Kernel, writer: Member, state: State | None) -> None:
    """A state may be overwritten while it is read if each turn reads what it alone writes."""
    place = linear(writer.at, writer.node.shape)
    for number, member in enumerate(kernel.members):
        reads = [a for a in member.reads if a.node.op == "state" and a.node.attrs["state"] is state]
        in_turn = number > 0 or kernel.kind in ("nest", "draw")
        timely = member.phase <= writer.phase and member.place == writer.place
        if reads and not (in_turn and timely):
            raise ValueError(f"{kernel.name} reads a state that it has begun to overwrite")
        for access in reads:
            if linear(access.at, access.node.shape) != place:
                raise ValueError(f"{kernel.name} reads elements of a state that it overwrites")
