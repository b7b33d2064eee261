"""A verifier of plans: every value is where it is read, from its computation to its last reading.

It goes through the levels with nothing but the offsets, and knows nothing of how they were chosen.
Kernels of one level run side by side, so none may touch what another one writes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from pellucid.compile.op_facts import has_buffer
from pellucid.compile.plan.arena import ALIGN
from pellucid.compile.plan.concatenation import Part
from pellucid.compile.plan.index import linear_position
from pellucid.compile.plan.kernels import Kernel, Member
from pellucid.compile.plan.planner import Plan
from pellucid.graph.node import Node, State
from pellucid.graph.op import Array


def verify(plan: Plan) -> None:
    """Raise ValueError naming the kernel and the value if a plan loses or mixes up anything."""
    _Checker(plan).check()


class _Stored(NamedTuple):
    """A node's bytes start … stop of the arena."""

    start: int
    stop: int
    node: Node


@dataclass
class _Usage:
    """What a kernel reads and writes in the arena, and the states that it reads and replaces."""

    kernel: Kernel
    reads: list[_Stored] = field(default_factory=list)
    writes: list[_Stored] = field(default_factory=list)
    old: set[State] = field(default_factory=set)
    new: set[State] = field(default_factory=set)


class _Checker:
    """Goes through the levels.

    contents: what lies in the arena. updated: states that have their new value, and the node that is.
    computed: nodes so far. outputs: those stored so far. begun: wholes of which some parts are
    written, with their first and last byte. missing: the parts that are not.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.contents: list[_Stored] = []
        self.updated: dict[State, Node] = {}
        self.computed: set[Node] = set()
        self.outputs: set[str] = set()
        self.begun: dict[Node, tuple[int, int]] = {}
        self.missing = _parts_by_whole(plan)

    def check(self) -> None:
        for level in self.plan.levels:
            usages = [self._usage(kernel) for kernel in level]
            for one in usages:
                self._may_read(one)
                for other in usages:
                    self._may_run_beside(one, other)
            for one in usages:
                self._ran(one)
        self._is_complete()

    def _stored(self, node: Node) -> _Stored:
        start = self.plan.offsets[node]
        stop = start + node.size * node.dtype.itemsize
        if start % ALIGN or start < 0 or stop > self.plan.arena_bytes:
            raise ValueError(f"{node!r} does not lie within the arena of the plan")
        return _Stored(start, stop, node)

    def _usage(self, kernel: Kernel) -> _Usage:
        usage = _Usage(kernel)
        own = kernel.nodes() if kernel.copies is None else set()
        for member in kernel.members:
            nodes = [access.node for access in member.reads]
            for node in [member.node] if kernel.copies is not None else nodes:
                if node in own and not has_buffer(node):
                    continue
                if node in self.plan.offsets and (kernel.copies is not None or node.op != "state"):
                    usage.reads.append(self._stored(node))
                elif node.op == "state":
                    usage.old.add(node.attrs["state"])
                elif not has_buffer(node):
                    raise ValueError(f"{kernel.name} reads {node!r}, which is not stored")
            if kernel.copies is not None:
                continue
            wholes = [part.whole for part in self.plan.parts.get(member.node, [])]
            nodes = [node for node in (member.node, *wholes) if node in self.plan.offsets]
            usage.writes += [self._stored(node) for node in nodes]
        usage.new = set(self._written(kernel))
        return usage

    def _written(self, kernel: Kernel) -> dict[State, Node]:
        if kernel.copies is not None:
            return {kernel.copies: kernel.members[0].node}
        pairs = [
            (t.state, m.node) for m in kernel.members for t in self.plan.targets.get(m.node, [])
        ]
        return {state: node for state, node in pairs if state is not None}

    def _may_read(self, one: _Usage) -> None:
        for stored in one.reads:
            if stored not in self.contents:
                raise ValueError(
                    f"{one.kernel.name} reads {stored.node!r}, which is not in the arena"
                )
        for state in one.old & set(self.updated):
            raise ValueError(f"{one.kernel.name} reads {state.name!r}, which has been overwritten")
        for member in one.kernel.members:
            for target in self.plan.targets.get(member.node, []):
                if target.state in one.old and one.kernel.copies is None:
                    _in_place(one.kernel, member, target.state)

    def _may_run_beside(self, one: _Usage, other: _Usage) -> None:
        """Neither may read or write what the other writes; nor a kernel write over its own operands."""
        apart = one is not other
        for start, stop, node in one.writes:
            against = [*other.reads, *(other.writes if apart else [])]
            if any(start < end and first < stop and it is not node for first, end, it in against):
                raise ValueError(f"{one.kernel.name} writes {node!r} over what is still in use")
        if apart and one.new & (other.old | other.new):
            raise ValueError(f"{one.kernel.name} changes a state beside {other.kernel.name}")

    def _ran(self, one: _Usage) -> None:
        written = {p for m in one.kernel.members for p in self.plan.parts.get(m.node, [])}
        for stored in one.writes:
            self._write(one.kernel, stored, written)
        for state, node in self._written(one.kernel).items():
            if state in self.updated:
                raise ValueError(f"{state.name!r} is written twice")
            self.updated[state] = node
        if one.kernel.copies is not None:
            return
        for member in one.kernel.members:
            if member.node in self.computed:
                raise ValueError(f"{member.node!r} is computed twice")
            self.computed.add(member.node)
            self.outputs |= {t.name for t in self.plan.targets.get(member.node, []) if not t.state}

    def _write(self, kernel: Kernel, stored: _Stored, written: set[Part]) -> None:
        """What lay there is gone; a whole is complete when its last part is written."""
        start, stop, node = stored
        self.contents = [s for s in self.contents if s.stop <= start or stop <= s.start]
        for whole, (first, end) in self.begun.items():
            if whole is not node and first < stop and start < end:
                raise ValueError(f"{kernel.name} writes {node!r} over parts of {whole!r}")
        self.begun[node] = start, stop
        self.missing[node] = self.missing.get(node, set()) - written
        if not self.missing[node]:
            del self.begun[node]
            self.contents.append(stored)

    def _is_complete(self) -> None:
        if self.outputs != set(self.plan.graph.outputs):
            raise ValueError("an output is not stored")
        if self.updated != dict(self.plan.graph.updates):
            raise ValueError("a state does not get its new value")


def _parts_by_whole(plan: Plan) -> dict[Node, set[Part]]:
    """The parts of each whole; ValueError unless they are all of it, each element once."""
    by_whole: dict[Node, set[Part]] = {}
    times: dict[Node, Array] = {}
    for value, parts in plan.parts.items():
        for part in parts:
            by_whole.setdefault(part.whole, set()).add(part)
            lengths = [1 if axis is None else value.shape[axis] for axis, _ in part.axes]
            box = (slice(s, s + n) for n, (_, s) in zip(lengths, part.axes, strict=True))
            times.setdefault(part.whole, np.zeros(part.whole.shape, int))[tuple(box)] += 1
    for whole, count in times.items():
        if (count != 1).any():
            raise ValueError(f"the parts of {whole!r} do not make it whole")
    return by_whole


def _in_place(kernel: Kernel, writer: Member, state: State | None) -> None:
    """A state may be overwritten while it is read if each iteration reads what it alone writes."""
    position = linear_position(writer.at, writer.node.shape)
    for number, member in enumerate(kernel.members):
        reads = [a for a in member.reads if a.node.op == "state" and a.node.attrs["state"] is state]
        in_turn = number > 0 or kernel.kind in ("nest", "draw")
        timely = member.phase <= writer.phase and member.scope == writer.scope
        if reads and not (in_turn and timely):
            raise ValueError(f"{kernel.name} reads a state that it has begun to overwrite")
        for access in reads:
            if linear_position(access.at, access.node.shape) != position:
                raise ValueError(f"{kernel.name} reads elements of a state that it overwrites")
