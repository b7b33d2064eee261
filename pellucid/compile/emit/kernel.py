"""One kernel as a function of loop IR: its pointers, its tasks, its scratch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import prod

from pellucid.compile.emit.contraction import emit_contraction, scratch_elements, task_counts
from pellucid.compile.emit.draw import draw_tasks, emit_draw
from pellucid.compile.emit.layout import NestLayout, layout
from pellucid.compile.emit.nest import NestEmitter
from pellucid.compile.emit.scatter import ScatterEmitter
from pellucid.compile.emit.signature import signature
from pellucid.compile.emit.stores import Stores
from pellucid.compile.emit.winograd import emit_winograd, winograd_scratch
from pellucid.compile.loop.builder import Builder
from pellucid.compile.loop.ir import I64, PTR, Function, Value
from pellucid.compile.native.isa import Isa
from pellucid.compile.op_facts import has_buffer, own_cost
from pellucid.compile.plan.concatenation import Part
from pellucid.compile.plan.index import Index
from pellucid.compile.plan.kernels import Kernel, Member, Target, computed_nodes
from pellucid.compile.plan.planner import Plan
from pellucid.compile.tile.contraction import Contraction, contraction_of
from pellucid.compile.tile.tiles import Tiling
from pellucid.compile.tile.winograd import Winograd, winograd_of
from pellucid.graph.node import Node, State

External = Node | State | Target
"""A buffer outside a program's own memory: an input or a constant, a state, or an output."""
Buffer = External | Part
"""The target of a kernel's pointer: such a buffer, a node's memory in the arena, or a part of one."""


@dataclass(frozen=True)
class Schedule:
    """How a kernel is computed.

    tasks:   pieces of work that threads share.
    cost:    rough instructions of one lane, by which work is shared.
    scratch: bytes that a thread needs.
    layout:  its loops; for a contraction its axes and their tiling.
    """

    tasks: int
    cost: float
    scratch: int
    layout: NestLayout | tuple[Contraction, Tiling] | Winograd | None = None


@dataclass(frozen=True)
class Emitted:
    """A kernel of a program.

    signature: the hash of everything that its code depends on.
    function:  the name of its code, which kernels with the same signature share.
    buffers:   the buffer of each pointer.
    """

    kernel: Kernel
    signature: str
    function: str
    buffers: tuple[Buffer, ...]
    schedule: Schedule
    emitter: KernelEmitter = field(repr=False, compare=False)

    @property
    def tasks(self) -> int:
        """Pieces of its work."""
        return self.schedule.tasks

    @property
    def cost(self) -> float:
        """Rough instructions of one lane."""
        return self.schedule.cost

    @property
    def scratch(self) -> int:
        """Bytes that a thread needs."""
        return self.schedule.scratch

    def code(self) -> Function:
        """The kernel as a function."""
        return self.emitter.emit(self.function, self.schedule)


def emit(plan: Plan, isa: Isa) -> list[list[Emitted]]:
    """The kernels of a plan, level by level; kernels with the same signature share a function."""
    earlier: dict[str, Emitted] = {}
    levels: list[list[Emitted]] = []
    for level in plan.levels:
        row: list[Emitted] = []
        for kernel in level:
            emitter = KernelEmitter(plan, kernel, isa)
            name = emitter.signature()
            if name in earlier:
                function, schedule = earlier[name].function, earlier[name].schedule
            else:
                function, schedule = kernel.name, emitter.schedule()
            row.append(Emitted(kernel, name, function, tuple(emitter.buffers), schedule, emitter))
            earlier.setdefault(name, row[-1])
        levels.append(row)
    return levels


class KernelEmitter:
    """Schedules and emits one kernel of a plan."""

    def __init__(self, plan: Plan, kernel: Kernel, isa: Isa) -> None:
        self.plan = plan
        self.kernel = kernel
        self.isa = isa
        self.anchor = kernel.members[0].node
        self.buffers: dict[Buffer, int] = {}
        self._number_buffers()

    def _number_buffers(self) -> None:
        for member in self.kernel.members:
            for access in member.reads:
                self._add(access.node)
            for destination in self._destinations(member):
                self.buffers.setdefault(destination, len(self.buffers))
            if self.kernel.copies is not None:
                self._add(member.node)

    def _add(self, node: Node) -> None:
        if node.op == "state" and not self._is_copied(node):
            self.buffers.setdefault(node.attrs["state"], len(self.buffers))
        elif has_buffer(node) or node in self.plan.offsets:
            self.buffers.setdefault(node, len(self.buffers))

    def _is_copied(self, node: Node) -> bool:
        """Whether a state is read from the copy of its old value in the arena."""
        return self.kernel.copies is not None and node in self.plan.offsets

    def _destinations(self, member: Member) -> list[Buffer]:
        """All buffers that a member is stored to."""
        if self.kernel.copies is not None:
            return [self.kernel.copies]
        own = [member.node] if member.node in self.plan.offsets else []
        targets = self.plan.targets.get(member.node, [])
        outside = [target if target.state is None else target.state for target in targets]
        parts = self.plan.parts.get(member.node, [])
        return [*own, *outside, *(part for part in parts if part.whole in self.plan.offsets)]

    def signature(self) -> str:
        """The hash of everything that the code depends on."""
        stores = [
            [
                (self.buffers[d], d.text if isinstance(d, Part) else "")
                for d in self._destinations(member)
            ]
            for member in self.kernel.members
        ]
        return signature(self.kernel, self.buffers, stores)

    def schedule(self) -> Schedule:
        """The kernel's schedule."""
        kernel, anchor = self.kernel, self.anchor
        if all(member.node.size == 0 for member in kernel.members):
            return Schedule(0, 1, 0)
        if kernel.kind == "contraction":
            return self._contraction_schedule()
        if kernel.kind == "draw":
            return Schedule(draw_tasks(anchor), 32 * max(anchor.size, 1), 0)
        if kernel.kind == "scatter":
            tasks = ScatterEmitter(anchor, self.isa.lanes).tasks
            return Schedule(tasks, 8 * max(anchor.size, 1), 0)
        loops = layout(
            kernel, self.plan.materialised, self.isa.lanes, self.isa.registers, self._parts()
        )
        return Schedule(loops.tasks, max(prod(kernel.shape), 1) * self._cost(), 0, loops)

    def _contraction_schedule(self) -> Schedule:
        kernel, isa, anchor = self.kernel, self.isa, self.anchor
        size = max(anchor.size, 1)
        winograd = winograd_of(kernel, isa.lanes, isa.registers)
        if winograd is not None:
            scratch = winograd_scratch(winograd) * anchor.dtype.itemsize
            cost = winograd.products + size * self._cost()
            return Schedule(winograd.tasks, cost, scratch, winograd)
        work, tiling = contraction_of(
            kernel, self.plan.materialised, isa.lanes, isa.registers, self._parts()
        )
        tasks = prod(task_counts(work, tiling)) * work.batches
        scratch = scratch_elements(work, tiling) * anchor.dtype.itemsize
        cost = size * max(work.depth, 1) + size * self._cost()
        return Schedule(tasks, cost, scratch, (work, tiling))

    def _parts(self) -> list[Index]:
        """The positions of members that are stored as parts of a whole."""
        return [
            d.position(member.at)
            for member in self.kernel.members
            for d in self._destinations(member)
            if isinstance(d, Part)
        ]

    def _cost(self) -> int:
        """Rough instructions for each element: operations, loads and stores."""
        if self.kernel.copies is not None:
            return len(self.buffers)
        return sum(own_cost(node) for node in computed_nodes(self.kernel)) + 2 * len(self.buffers)

    def emit(self, name: str, schedule: Schedule) -> Function:
        """The kernel as a function of that name."""
        pointers = [(f"p{i}", PTR) for i in range(len(self.buffers))]
        parameters = [*pointers, ("begin", I64), ("end", I64), ("scratch", PTR)]
        b = Builder(name, parameters, note(self.kernel))
        b.contract = True
        pointer_of = dict(zip(self.buffers, b.parameters, strict=False))
        span = b.parameters[-3], b.parameters[-2]
        readable = self._readable(pointer_of)
        lanes = self.isa.lanes

        if schedule.tasks == 0:
            return b.function
        stores = self._stores(pointer_of)
        destinations = [pointer_of[d] for d in self._destinations(self.kernel.members[0])]
        if isinstance(schedule.layout, tuple):
            scratch = b.parameters[-1]
            emit_contraction(b, self.kernel, schedule.layout, readable, stores, scratch, span)
        elif isinstance(schedule.layout, Winograd):
            scratch = b.parameters[-1]
            emit_winograd(b, self.kernel, schedule.layout, readable, stores, scratch, span)
        elif self.kernel.kind == "draw":
            emit_draw(b, self.anchor, readable, destinations, lanes, span)
        elif self.kernel.kind == "scatter":
            ScatterEmitter(self.anchor, lanes).emit(b, readable, destinations, span)
        elif schedule.layout is not None:
            NestEmitter(b, self.kernel, schedule.layout, readable, stores).emit(*span)
        return b.function

    def _stores(self, pointer_of: Mapping[Buffer, Value]) -> Stores:
        return Stores(
            {
                member.node: [
                    (pointer_of[d], d if isinstance(d, Part) else None)
                    for d in self._destinations(member)
                ]
                for member in self.kernel.members
            }
        )

    def _readable(self, pointer_of: dict[Buffer, Value]) -> dict[Node, Value]:
        """The pointer to each node's values."""
        nodes = {access.node for member in self.kernel.members for access in member.reads}
        if self.kernel.copies is not None:
            nodes |= {member.node for member in self.kernel.members}
        pointers: dict[Node, Value] = {}
        for node in nodes:
            if node.op == "state" and not self._is_copied(node):
                pointers[node] = pointer_of[node.attrs["state"]]
            elif node in pointer_of:
                pointers[node] = pointer_of[node]
        return pointers


def note(kernel: Kernel) -> str:
    """A description of a kernel for people to read."""
    ops: Sequence[str] = [member.node.op for member in kernel.members]
    shape = "×".join(map(str, kernel.shape)) or "one number"
    return f"{kernel.kind} over {shape}: {', '.join(dict.fromkeys(ops))}"
