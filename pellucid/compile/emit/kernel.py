"""One kernel as a function of loop IR: its pointers, its tasks, its scratch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import prod

from pellucid.compile.emit.contraction import scratch_elements, task_counts, write_contraction
from pellucid.compile.emit.draw import draw_tasks, write_draw
from pellucid.compile.emit.layout import NestLayout, layout
from pellucid.compile.emit.nest import NestWriter
from pellucid.compile.emit.scatter import ScatterWriter
from pellucid.compile.emit.signature import signature
from pellucid.compile.emit.stores import Stores
from pellucid.compile.emit.winograd import winograd_scratch, write_winograd
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
"""What lies outside a program's own memory: an input or a constant; a state; an output."""
Buffer = External | Part
"""What a pointer points to: that, a node's room, or a part of one."""


@dataclass(frozen=True)
class Extent:
    """How much work a kernel is.

    tasks: pieces of its work. cost: rough instructions of one lane, to share work by. scratch:
    bytes that a thread needs.
    """

    tasks: int
    cost: float
    scratch: int
    layout: NestLayout | tuple[Contraction, Tiling] | Winograd | None = None


@dataclass(frozen=True)
class Emitted:
    """A kernel's place in a program. buffers: what each of its pointers is.

    function: the name of its code, which kernels with the same signature share.
    """

    kernel: Kernel
    signature: str
    function: str
    buffers: tuple[Buffer, ...]
    extent: Extent
    writer: KernelWriter = field(repr=False, compare=False)

    @property
    def tasks(self) -> int:
        """Pieces of its work."""
        return self.extent.tasks

    @property
    def cost(self) -> float:
        """Rough instructions of one lane."""
        return self.extent.cost

    @property
    def scratch(self) -> int:
        """Bytes that a thread needs."""
        return self.extent.scratch

    def code(self) -> Function:
        """The kernel as a function."""
        return self.writer.write(self.function, self.extent)


def emit(plan: Plan, isa: Isa) -> list[list[Emitted]]:
    """The kernels of a plan, level by level, the same ones sharing a function."""
    first: dict[str, Emitted] = {}
    levels: list[list[Emitted]] = []
    for level in plan.levels:
        row: list[Emitted] = []
        for kernel in level:
            writer = KernelWriter(plan, kernel, isa)
            name = writer.signature()
            if name in first:
                function, extent = first[name].function, first[name].extent
            else:
                function, extent = kernel.name, writer.extent()
            row.append(Emitted(kernel, name, function, tuple(writer.buffers), extent, writer))
            first.setdefault(name, row[-1])
        levels.append(row)
    return levels


class KernelWriter:
    """Describes and writes one kernel of a plan."""

    def __init__(self, plan: Plan, kernel: Kernel, isa: Isa) -> None:
        self.plan = plan
        self.kernel = kernel
        self.isa = isa
        self.anchor = kernel.members[0].node
        self.buffers: dict[Buffer, int] = {}
        self._count_buffers()

    def _count_buffers(self) -> None:
        for member in self.kernel.members:
            for access in member.reads:
                self._add(access.node)
            for place in self._places(member):
                self.buffers.setdefault(place, len(self.buffers))
            if self.kernel.copies is not None:
                self._add(member.node)

    def _add(self, node: Node) -> None:
        if node.op == "state" and not self._is_copied(node):
            self.buffers.setdefault(node.attrs["state"], len(self.buffers))
        elif has_buffer(node) or node in self.plan.offsets:
            self.buffers.setdefault(node, len(self.buffers))

    def _is_copied(self, node: Node) -> bool:
        """Whether a state is read from the room that keeps its old value."""
        return self.kernel.copies is not None and node in self.plan.offsets

    def _places(self, member: Member) -> list[Buffer]:
        """Everywhere that a member is stored."""
        if self.kernel.copies is not None:
            return [self.kernel.copies]
        found: list[Buffer] = []
        if member.node in self.plan.offsets:
            found.append(member.node)
        targets = self.plan.targets.get(member.node, [])
        found += [target if target.state is None else target.state for target in targets]
        parts = self.plan.parts.get(member.node, [])
        return [*found, *(part for part in parts if part.whole in self.plan.offsets)]

    def signature(self) -> str:
        """What the code depends on."""
        stores = [
            [(self.buffers[p], p.text if isinstance(p, Part) else "") for p in self._places(member)]
            for member in self.kernel.members
        ]
        return signature(self.kernel, self.buffers, stores)

    def extent(self) -> Extent:
        """How much work it is and how it is cut."""
        kernel, anchor = self.kernel, self.anchor
        if all(member.node.size == 0 for member in kernel.members):
            return Extent(0, 1, 0)
        size: float = max(anchor.size, 1)
        if kernel.kind == "contraction":
            isa, kept = self.isa, self.plan.materialised
            squares = winograd_of(kernel, isa.lanes, isa.registers)
            if squares is not None:
                room = winograd_scratch(squares) * anchor.dtype.itemsize
                return Extent(squares.tasks, squares.products + size * self._cost(), room, squares)
            work, cut = contraction_of(kernel, kept, isa.lanes, isa.registers, self._parts())
            tasks = prod(task_counts(work, cut)) * work.batches
            scratch = scratch_elements(work, cut) * anchor.dtype.itemsize
            products = size * max(work.depth, 1)
            return Extent(tasks, products + size * self._cost(), scratch, (work, cut))
        if kernel.kind == "draw":
            return Extent(draw_tasks(anchor), 32 * size, 0)
        if kernel.kind == "scatter":
            return Extent(ScatterWriter(anchor, self.isa.lanes).tasks, 8 * size, 0)
        loops = layout(
            kernel, self.plan.materialised, self.isa.lanes, self.isa.registers, self._parts()
        )
        return Extent(loops.tasks, max(prod(kernel.shape), 1) * self._cost(), 0, loops)

    def _parts(self) -> list[Index]:
        """Where members are written as parts of something else."""
        return [
            place.position(member.at)
            for member in self.kernel.members
            for place in self._places(member)
            if isinstance(place, Part)
        ]

    def _cost(self) -> int:
        """Rough instructions for each element: what is computed, read and stored."""
        if self.kernel.copies is not None:
            return len(self.buffers)
        return sum(own_cost(node) for node in computed_nodes(self.kernel)) + 2 * len(self.buffers)

    def write(self, name: str, extent: Extent) -> Function:
        """The kernel as a function of that name."""
        pointers = [(f"p{i}", PTR) for i in range(len(self.buffers))]
        parameters = [*pointers, ("begin", I64), ("end", I64), ("scratch", PTR)]
        b = Builder(name, parameters, note(self.kernel))
        b.contract = True
        pointer_of = dict(zip(self.buffers, b.parameters, strict=False))
        span = b.parameters[-3], b.parameters[-2]
        readable = self._readable(pointer_of)
        lanes = self.isa.lanes

        if extent.tasks == 0:
            return b.function
        stores = self._stores(pointer_of)
        places = [pointer_of[place] for place in self._places(self.kernel.members[0])]
        if isinstance(extent.layout, tuple):
            scratch = b.parameters[-1]
            write_contraction(b, self.kernel, extent.layout, readable, stores, scratch, span)
        elif isinstance(extent.layout, Winograd):
            scratch = b.parameters[-1]
            write_winograd(b, self.kernel, extent.layout, readable, stores, scratch, span)
        elif self.kernel.kind == "draw":
            write_draw(b, self.anchor, readable, places, lanes, span)
        elif self.kernel.kind == "scatter":
            ScatterWriter(self.anchor, lanes).write(b, readable, places, span)
        elif extent.layout is not None:
            NestWriter(b, self.kernel, extent.layout, readable, stores).write(*span)
        return b.function

    def _stores(self, pointer_of: Mapping[Buffer, Value]) -> Stores:
        return Stores(
            {
                member.node: [
                    (pointer_of[place], place if isinstance(place, Part) else None)
                    for place in self._places(member)
                ]
                for member in self.kernel.members
            }
        )

    def _readable(self, pointer_of: dict[Buffer, Value]) -> dict[Node, Value]:
        """Pointers by the node whose values they hold."""
        nodes = {access.node for member in self.kernel.members for access in member.reads}
        if self.kernel.copies is not None:
            nodes |= {member.node for member in self.kernel.members}
        found: dict[Node, Value] = {}
        for node in nodes:
            if node.op == "state" and not self._is_copied(node):
                found[node] = pointer_of[node.attrs["state"]]
            elif node in pointer_of:
                found[node] = pointer_of[node]
        return found


def note(kernel: Kernel) -> str:
    """What a kernel computes, in words."""
    ops: Sequence[str] = [member.node.op for member in kernel.members]
    shape = "×".join(map(str, kernel.shape)) or "one number"
    return f"{kernel.kind} over {shape}: {', '.join(dict.fromkeys(ops))}"
