"""One kernel as a function of loop IR: its pointers, its tasks, its scratch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from pellucid.compile.access import has_buffer
from pellucid.compile.contraction import contraction_of
from pellucid.compile.emit.contraction import scratch_elements, task_counts, write_contraction
from pellucid.compile.emit.draw import draw_tasks, write_draw
from pellucid.compile.emit.nest import NestWriter, layout
from pellucid.compile.emit.pull import Puller
from pellucid.compile.emit.scatter import ScatterWriter
from pellucid.compile.index import linear
from pellucid.compile.kernels import Kernel, Member, Target
from pellucid.compile.loop.builder import Builder
from pellucid.compile.loop.ir import I64, PTR, Function, Value
from pellucid.compile.plan import Plan
from pellucid.graph.node import Node, State

Buffer = Node | State | Target
"""What a pointer points to: a node's room, an input or a constant; a state; an output."""


@dataclass(frozen=True)
class Emitted:
    """A kernel's code. buffers: what each of its pointers is. tasks: pieces of its work.

    cost: elements or multiply-adds, to share work by. scratch: bytes that a thread needs.
    """

    kernel: Kernel
    function: Function
    buffers: tuple[Buffer, ...]
    tasks: int
    cost: float
    scratch: int


class KernelWriter:
    """Writes one kernel of a plan."""

    def __init__(self, plan: Plan, kernel: Kernel, kept: set[Node], lanes: int) -> None:
        self.plan = plan
        self.kernel = kernel
        self.kept = kept
        self.lanes = lanes
        self.buffers: dict[Buffer, int] = {}
        self._count_buffers()
        pointers = [(f"p{i}", PTR) for i in range(len(self.buffers))]
        self.b = Builder(
            kernel.name, [*pointers, ("begin", I64), ("end", I64), ("scratch", PTR)], note(kernel)
        )
        self.b.contract = True

    def _count_buffers(self) -> None:
        for member in self.kernel.members:
            for access in member.reads:
                self._add(access.node)
            for place in self._places(member):
                self.buffers.setdefault(place, len(self.buffers))
            if self.kernel.copies is not None:
                self._add(member.node)

    def _add(self, node: Node) -> None:
        if node.op == "state":
            self.buffers.setdefault(node.attrs["state"], len(self.buffers))
        elif has_buffer(node) or node in self.plan.rooms:
            self.buffers.setdefault(node, len(self.buffers))

    def _places(self, member: Member) -> list[Buffer]:
        """Everywhere that a member is stored."""
        if self.kernel.copies is not None:
            return [self.kernel.copies]
        found: list[Buffer] = []
        if member.node in self.plan.rooms:
            found.append(member.node)
        targets = self.plan.targets.get(member.node, [])
        found += [target if target.state is None else target.state for target in targets]
        return found

    def _pointer(self, buffer: Buffer) -> Value:
        return self.b.parameters[self.buffers[buffer]]

    def _readable(self) -> dict[Node, Value]:
        """Pointers by the node whose values they hold."""
        found: dict[Node, Value] = {}
        nodes = {access.node for member in self.kernel.members for access in member.reads}
        if self.kernel.copies is not None:
            nodes |= {member.node for member in self.kernel.members}
        for node in nodes:
            if node.op == "state":
                found[node] = self._pointer(node.attrs["state"])
            elif node in self.buffers:
                found[node] = self._pointer(node)
        return found

    def _store(self, puller: Puller, member: Member, value: Value) -> None:
        position = linear(member.at, member.node.shape)
        for place in self._places(member):
            puller.store(value, member.node, self._pointer(place), position)

    def write(self) -> Emitted:
        """The kernel as a function."""
        kernel, b = self.kernel, self.b
        if all(member.node.size == 0 for member in kernel.members):
            return Emitted(kernel, b.function, tuple(self.buffers), 0, 1, 0)
        span = b.parameters[-3], b.parameters[-2]
        readable = self._readable()
        anchor = kernel.members[0].node
        size = anchor.size
        scratch = 0
        if kernel.kind == "contraction":
            registers = 32 if self.lanes == 16 else 16
            work, cut = contraction_of(kernel, self.kept, self.lanes, registers)
            tasks = prod(task_counts(work, cut)) * work.batches
            scratch = scratch_elements(work, cut) * anchor.dtype.itemsize
            size = anchor.size * max(work.depth, 1) // 8
            shape = work, cut
            write_contraction(b, kernel, shape, readable, self._store, b.parameters[-1], span)
        elif kernel.kind == "draw":
            tasks = draw_tasks(anchor)
            size *= 4
            write_draw(b, anchor, readable, self._pointers(), self.lanes, span)
        elif kernel.kind == "scatter":
            writer = ScatterWriter(b, anchor, readable, self.lanes)
            tasks = writer.tasks
            writer.write(self._pointers(), *span)
        else:
            loops = layout(kernel, self.kept, self.lanes)
            tasks = loops.tasks
            size = 1
            for n in kernel.shape:
                size *= n
            size *= len(kernel.members)
            NestWriter(b, kernel, loops, readable, self._store).write(*span)
        return Emitted(kernel, b.function, tuple(self.buffers), tasks, max(size, 1), scratch)

    def _pointers(self) -> Sequence[Value]:
        return [self._pointer(place) for place in self._places(self.kernel.members[0])]


def note(kernel: Kernel) -> str:
    """What a kernel computes, in words."""
    ops = [member.node.op for member in kernel.members]
    shape = "×".join(map(str, kernel.shape)) or "one number"
    return f"{kernel.kind} over {shape}: {', '.join(dict.fromkeys(ops))}"
