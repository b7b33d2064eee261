"""The plan of a program: kernels in levels, and where every value lies.

Kernels of one level need nothing of each other, so threads share them without waiting. A state is
updated in place by the kernel that computes its new value, which therefore runs after every kernel
that reads the old one; where that cannot be, the new value is copied at the end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pellucid.compile.machine import Machine
from pellucid.compile.op_facts import has_buffer
from pellucid.compile.plan.assemble import Part
from pellucid.compile.plan.fuse import Fusion
from pellucid.compile.plan.index import identity
from pellucid.compile.plan.kernels import Kernel, Member, Target, waits_for
from pellucid.compile.plan.packing import pack_once
from pellucid.compile.plan.row_blocks import RowLine, Stretch, cut_to_strips, stretches
from pellucid.compile.shapes import squeezed
from pellucid.graph.node import Node, State
from pellucid.graph.program import Graph

ALIGN = 64
_LITTLE = 65_536
_AVX2 = Machine(8, 16)


@dataclass
class Plan:
    """What a program does and where.

    kept:    nodes that are kept in memory or under their own name.
    levels:  kernels that may run side by side, level after level.
    stretches: levels between which threads do not wait for each other.
    targets: where each kept node is stored, beside its room.
    rooms:   offset in bytes of each node that has room of the program's own.
    room_bytes: how much that is in all.
    parts:   where else a value lies, as a part of wholes that are assembled.
    """

    graph: Graph
    kernels: list[Kernel]
    kept: set[Node]
    targets: dict[Node, list[Target]] = field(default_factory=dict)
    levels: list[list[Kernel]] = field(default_factory=list)
    stretches: list[Stretch] = field(default_factory=list)
    rooms: dict[Node, int] = field(default_factory=dict)
    room_bytes: int = 0
    parts: dict[Node, list[Part]] = field(default_factory=dict)


def make_plan(graph: Graph, machine: Machine = _AVX2) -> Plan:
    """Fuse a graph into kernels, order them, and give every value a place."""
    fusion = Fusion(graph)
    pack_once(fusion.kernels, fusion.kept, machine)
    plan = Plan(graph, fusion.kernels, fusion.kept)
    for parts in fusion.assembled.values():
        for value, part in parts:
            plan.parts.setdefault(value, []).append(part)
    order = _Order(plan.kernels)
    for name, node in graph.outputs.items():
        plan.targets.setdefault(node, []).append(Target("output", name))
    late: list[tuple[State, Node]] = []
    for state, node in graph.updates.items():
        if order.may_overwrite(state, node):
            order.overwrite(state, node)
            plan.targets.setdefault(node, []).append(Target("state", state=state))
        else:
            late.append((state, node))
    plan.levels = order.levels()
    cut_to_strips(plan.levels, machine)
    if late:
        plan.levels.append([_copy(plan, state, node) for state, node in late])
    plan.stretches = stretches(plan.levels, plan.targets, plan.parts)
    _place_rooms(plan, [node for _, node in late if _may_be_lost(node, graph)])
    plan.levels = [[k for k in level if k.kind != "assembly"] for level in plan.levels]
    for number, kernel in enumerate(k for level in plan.levels for k in level):
        kernel.name = f"{kernel.kind}_{number}"
    return plan


def _may_be_lost(node: Node, graph: Graph) -> bool:
    """Whether a value is gone at the end of a step unless it is kept (states may be swapped)."""
    return not has_buffer(node) or (node.op == "state" and node.attrs["state"] in graph.updates)


def _copy(plan: Plan, state: State, node: Node) -> Kernel:
    """A kernel that writes a value into a state after everything else."""
    kernel = Kernel("nest", node.shape)
    at = identity(node.shape)
    kernel.members.append(Member(node, at, "full", ()))
    kernel.copies = state
    plan.kernels.append(kernel)
    return kernel


class _Order:
    """Which kernels wait for which."""

    def __init__(self, kernels: list[Kernel]) -> None:
        self.kernels = kernels
        self.home = {node: k for k in kernels for node in k.nodes()}
        self.after: dict[int, set[int]] = {}
        self.by_id = {id(k): k for k in kernels}
        self.readers: dict[State, list[Kernel]] = {}
        for kernel in kernels:
            waits = {id(self.home[n]) for n in kernel.read_nodes() if n in self.home}
            self.after[id(kernel)] = waits - {id(kernel)}
            for member in kernel.members:
                for access in member.reads:
                    if access.node.op == "state":
                        self.readers.setdefault(access.node.attrs["state"], []).append(kernel)

    def may_overwrite(self, state: State, node: Node) -> bool:
        """Whether the kernel of `node` can write it over `state` when it computes it."""
        writer = self.home[node]
        member = writer.member(node)
        assert member is not None
        for reader in self.readers.get(state, []):
            if reader is writer:
                if not _reads_in_place(writer, member, state):
                    return False
            elif waits_for(reader, writer, self.after):
                return False
        return True

    def overwrite(self, state: State, node: Node) -> None:
        """Let the kernel of `node` wait for the other readers of `state`."""
        writer = self.home[node]
        for reader in self.readers.get(state, []):
            if reader is not writer:
                self.after[id(writer)].add(id(reader))

    def levels(self) -> list[list[Kernel]]:
        """Each kernel one level after the last that it waits for."""
        depth: dict[int, int] = {}
        for start in self.kernels:
            pending = [id(start)]
            while pending:
                here = pending[-1]
                waiting = [k for k in self.after[here] if k not in depth]
                if waiting:
                    pending.extend(waiting)
                    continue
                pending.pop()
                before = max((depth[k] for k in self.after[here]), default=-1)
                depth[here] = before + (self.by_id[here].kind != "assembly")
        count = max(depth.values(), default=-1) + 1
        waited_for = set().union(*self.after.values())
        for kernel in self.kernels:
            # What nobody waits for is pooled at the end, where threads share it best, if little
            # memory is held for it until then.
            if id(kernel) not in waited_for and _bytes_read(kernel) <= _LITTLE:
                depth[id(kernel)] = count - 1
        found: list[list[Kernel]] = [[] for _ in range(count)]
        for kernel in self.kernels:
            found[depth[id(kernel)]].append(kernel)
        return found


def _bytes_read(kernel: Kernel) -> int:
    """Bytes of the program's own values that a kernel reads."""
    return sum(_bytes(node) for node in kernel.read_nodes() if not has_buffer(node))


def _bytes(node: Node) -> int:
    return node.size * node.dtype.itemsize


def _reads_in_place(kernel: Kernel, writer: Member, state: State) -> bool:
    """Whether a kernel reads a state only at the place whose new value it writes in that turn.

    All that a turn reads is loaded before anything is stored, so the order of members is free. A
    product or a scatter reads the same elements of its operands in many turns.
    """
    for number, member in enumerate(kernel.members):
        for access in member.reads:
            if access.node.op != "state" or access.node.attrs["state"] is not state:
                continue
            same = access.at == writer.at and squeezed(access.node.shape) == squeezed(
                writer.node.shape
            )
            again = not number and kernel.kind in ("contraction", "scatter")
            if again or not same or member.place != writer.place or member.phase > writer.phase:
                return False
    return True


def _place_rooms(plan: Plan, wanted: Sequence[Node]) -> None:
    """Offsets for every value that must be kept, reusing memory whose value has been read."""
    born: dict[Node, int] = {}
    last: dict[Node, int] = {}
    for depth, level in enumerate(plan.levels):
        for kernel in level:
            if kernel.kind == "assembly":
                continue
            own = kernel.nodes()
            for node in own:
                born.setdefault(node, depth)
                for part in plan.parts.get(node, []):
                    born.setdefault(part.whole, depth)
            for member in kernel.members:
                for access in member.reads:
                    if has_buffer(access.node):
                        continue
                    if access.node not in own or _read_later(kernel, member, access.node):
                        last[access.node] = max(last.get(access.node, 0), depth)
    for node in wanted:
        last[node] = len(plan.levels)
    lives = {node: (born[node], last[node]) for node in last}
    hosts = _hosts(plan.stretches, lives)
    begin = {depth: s.first for s in plan.stretches for depth in range(s.first, s.last + 1)}
    end = {depth: s.last for s in plan.stretches for depth in range(s.first, s.last + 1)}
    taken: list[tuple[int, int, int, int]] = []
    for node in sorted(last, key=lambda n: (born[n], -n.size)):
        if node in hosts:
            plan.rooms[node] = plan.rooms[hosts[node]]
            continue
        size = max(-(-_bytes(node) // ALIGN) * ALIGN, ALIGN)
        # Where threads do not wait, one may be as late as the beginning when another is at the end.
        first, final = begin[born[node]], end.get(last[node], last[node])
        offset = _lowest(taken, size, first, final)
        taken.append((offset, offset + size, first, final))
        plan.rooms[node] = offset
        plan.room_bytes = max(plan.room_bytes, offset + size)


def _hosts(found: Sequence[Stretch], lives: Mapping[Node, tuple[int, int]]) -> dict[Node, Node]:
    """Values of strips that lie where an earlier one of the same stretch lay, which is not read again.

    Strip i of both is the same memory, so that each thread only overwrites what it has read itself.
    """
    hosts: dict[Node, Node] = {}
    for stretch in found:
        free: dict[tuple[int, int], list[Node]] = {}
        for node in sorted(_of_strips(stretch, lives), key=lambda n: lives[n]):
            rooms = free.setdefault((node.shape[0], _bytes(node)), [])
            done = next((other for other in rooms if lives[other][1] < lives[node][0]), None)
            if done is not None:
                rooms.remove(done)
                hosts[node] = done
            rooms.append(node)
    return hosts


def _of_strips(stretch: Stretch, lives: Mapping[Node, tuple[int, int]]) -> list[Node]:
    """Values that live in a stretch alone and of which strip i is rows of their own, side by side."""
    apart: dict[Node, bool] = {}
    for key, touch in stretch.touches.items():
        node = key.whole if isinstance(key, Part) else key
        if isinstance(node, Node) and node in lives and node.shape:
            by_rows = RowLine(0, node.shape[0], 0) in touch.lines
            apart[node] = apart.get(node, True) and by_rows
    inside = (n for n, by_rows in apart.items() if by_rows and stretch.first <= lives[n][0])
    return [node for node in inside if lives[node][1] <= stretch.last]


def _read_later(kernel: Kernel, reader: Member, node: Node) -> bool:
    """Whether a member of the same kernel is read again in a later pass, from memory."""
    read = kernel.member(node)
    if read is None or read.node is reader.node or read.place == "outer":
        return False
    if kernel.kind != "nest" or kernel.reduced is None:
        return False
    return reader.phase > read.phase


def _lowest(taken: list[tuple[int, int, int, int]], size: int, born: int, last: int) -> int:
    """The lowest offset where nothing lies that lives at the same time."""
    busy = sorted((a, b) for a, b, first, end in taken if first <= last and born <= end)
    offset = 0
    for start, stop in busy:
        if offset + size <= start:
            break
        offset = max(offset, stop)
    return offset
