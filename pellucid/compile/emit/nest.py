"""Nests: loops over a domain that compute elementwise members and reductions in passes.

The lanes of a vector lie along the last loop. If that loop is reduced over, each lane has a running
result of its own and they are folded together at the end; if not, each lane is a place of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from pellucid.compile.access import DEAR, borders, fixed_axes, own_cost
from pellucid.compile.domain import LoopAxis, merged
from pellucid.compile.emit.pull import Point, Puller
from pellucid.compile.emit.reduction import Running
from pellucid.compile.index import Indices, identity, linear
from pellucid.compile.kernels import Kernel, Member
from pellucid.compile.loop.builder import Builder
from pellucid.compile.loop.ir import I64, Value
from pellucid.graph.node import Node, ordered

_TASK_ELEMENTS = 8_192
_REDUCTIONS = ("sum", "max", "argmax")


@dataclass(frozen=True)
class NestLayout:
    """The loops of a nest and its tasks.

    outer, inner: loops over places, and over what is reduced at each place.
    lanes:        of a vector along the last loop; 0 if there is no loop.
    across:       whether the lanes are places (the last loop is an outer one).
    chunk:        how far a task goes along the lanes' loop if they are places.
    rows:         how many turns of the other outer loops a task takes.
    """

    outer: tuple[LoopAxis, ...]
    inner: tuple[LoopAxis, ...]
    lanes: int
    across: bool
    chunk: int
    rows: int

    @property
    def row_loops(self) -> tuple[LoopAxis, ...]:
        """The outer loops but that of the lanes."""
        return self.outer[:-1] if self.across else self.outer

    @property
    def row_count(self) -> int:
        """Turns of the outer loops but that of the lanes."""
        return _product(self.row_loops)

    @property
    def chunks(self) -> int:
        """Chunks along the lanes' loop."""
        return -(-self.outer[-1].extent // self.chunk) if self.across else 1

    @property
    def tasks(self) -> int:
        """Pieces of work that threads share."""
        return -(-self.row_count // self.rows) * self.chunks


def _product(loops: Sequence[LoopAxis]) -> int:
    total = 1
    for loop in loops:
        total *= loop.extent
    return total


def layout(kernel: Kernel, kept: set[Node], lanes: int) -> NestLayout:
    """Loops and tasks of a nest, from its shape and what it reads alone."""
    positions = [linear(m.at, m.node.shape) for m in kernel.members]
    fixed: set[int] = set()
    for member in kernel.members:
        for access in member.reads:
            position = linear(access.at, access.node.shape)
            positions.append(position)
            if access.guarded or not position.is_affine:
                fixed |= position.axes()
        fixed |= _fixed(member, kernel, kept)
    reduced = kernel.reduced or ()
    outer = merged(kernel.shape, kernel.outer, positions, fixed)
    inner = merged(kernel.shape, reduced, positions, fixed)
    loops = sorted([*outer, *inner], key=lambda loop: loop.last)
    if not loops:
        return NestLayout((), (), 0, False, 1, 1)
    last = loops[-1]
    across = last in outer
    width = _width(last.extent, lanes, _is_dear(kernel, kept))
    width = _between_borders(width, lanes, _borders(kernel, kept, last.last))
    depth = max(_product(inner), 1)
    wanted = max(_TASK_ELEMENTS // depth, 1)
    if not across:
        return NestLayout(tuple(outer), tuple(inner), width, False, 1, wanted)
    chunk = max(min(-(-wanted // width), -(-last.extent // width)), 1) * width
    rows = max(wanted // chunk, 1)
    return NestLayout(tuple(outer), tuple(inner), width, True, chunk, rows)


def _fixed(member: Member, kernel: Kernel, kept: set[Node]) -> set[int]:
    node = member.node
    if kernel.copies is not None:  # its value is only read
        return set()
    if node.op in _REDUCTIONS:
        source = node.inputs[0]
        if node.op == "argmax":
            return fixed_axes(source, identity(kernel.shape), kept) | set(kernel.reduced or ())
        return fixed_axes(source, identity(kernel.shape), kept)
    return fixed_axes(node, member.at, kept - {node})


def _is_dear(kernel: Kernel, kept: set[Node]) -> bool:
    nodes = ordered([member.node for member in kernel.members])
    return any(
        own_cost(node) >= DEAR for node in nodes if node not in kept or node in kernel.nodes()
    )


def _width(extent: int, lanes: int, dear: bool) -> int:
    """Lanes of a vector: several registers at once hide latency, where the loop is long enough."""
    if extent < lanes:
        return 1 << max((extent - 1).bit_length(), 1)
    most = lanes * (2 if dear else 4)
    width = lanes
    while width < most and extent >= 2 * width:
        width *= 2
    return width


def _borders(kernel: Kernel, kept: set[Node], axis: int) -> set[int]:
    found: set[int] = set()
    for member in () if kernel.copies is not None else kernel.members:
        node = member.node
        if node.op in _REDUCTIONS:
            found |= borders(node.inputs[0], identity(kernel.shape), kept, axis)
        else:
            found |= borders(node, member.at, kept - {node}, axis)
    return found


def _between_borders(width: int, lanes: int, found: set[int]) -> int:
    """A shorter vector if it then lies between borders, at least half a register."""
    fitting = width
    while fitting > max(lanes // 2, 2) and any(border % fitting for border in found):
        fitting //= 2
    return width if any(border % fitting for border in found) else fitting


Store = Callable[[Puller, Member, Value], None]
Known = tuple[Node, Indices]


class NestWriter:
    """Writes one nest into a builder."""

    def __init__(
        self,
        b: Builder,
        kernel: Kernel,
        plan: NestLayout,
        buffers: Mapping[Node, Value],
        store: Store,
    ) -> None:
        self.b = b
        self.kernel = kernel
        self.plan = plan
        self.puller = Puller(b, buffers)
        self.store = store
        zero = b.constant(I64, 0)
        self.axes: dict[int, Value] = dict.fromkeys(range(len(kernel.shape)), zero)

    def write(self, begin: Value, end: Value) -> None:
        """Tasks begin … end − 1."""
        b, plan = self.b, self.plan
        with b.loop(begin, end, hint="task") as task:
            chunk = b.rem(task.variable, plan.chunks)
            block = b.div(task.variable, plan.chunks)
            first = b.mul(block, plan.rows)
            last = b.minimum(b.add(first, plan.rows), plan.row_count)
            with b.loop(first, last, hint="row") as row:
                self._set_rows(row.variable)
                if plan.across:
                    self._across(b.mul(chunk, plan.chunk))
                else:
                    self._place({}, -1, 0, None)

    def _set_rows(self, flat: Value) -> None:
        for loop in reversed(self.plan.row_loops):
            self.axes[loop.last] = self.b.rem(flat, loop.extent)
            flat = self.b.div(flat, loop.extent)

    def _across(self, first: Value) -> None:
        """The lanes are places: whole vectors, then the ragged end."""
        b, plan = self.b, self.plan
        loop, lanes = plan.outer[-1], plan.lanes
        whole = loop.extent - loop.extent % lanes
        end = b.add(first, plan.chunk)
        if whole:
            with b.loop(first, b.minimum(end, whole), lanes, hint="x") as x:
                self.axes[loop.last] = x.variable
                self._place({}, loop.last, lanes, None)
        if whole < loop.extent:
            with b.when(b.compare("<=", b.constant(I64, loop.extent), end)):
                self.axes[loop.last] = b.constant(I64, whole)
                self._place({}, loop.last, lanes, self._ragged(loop.extent - whole))

    def _ragged(self, count: int) -> Value:
        return self.b.compare("<", self.b.lane_numbers(self.plan.lanes, "i32"), count)

    # -- one place ------------------------------------------------------------------------------

    def _place(
        self,
        known: dict[Known, Value],
        vector: int,
        lanes: int,
        mask: Value | None,
    ) -> None:
        """All passes at one place (or one vector of places)."""
        found = dict(known)
        for phase in range(1 + max(member.phase for member in self.kernel.members)):
            members = [m for m in self.kernel.members if m.phase == phase]
            loop = [m for m in members if m.place == "full" or m.node.op in _REDUCTIONS]
            rest = [m for m in members if m not in loop]
            if self.kernel.reduced is None:
                loop, rest = [], members
            if loop:
                self._pass(loop, found, vector, lanes, mask)
            if rest:
                self._at(found, vector, lanes, mask)
                self._compute(rest, found)

    def _at(
        self, known: Mapping[Known, Value], vector: int, lanes: int, mask: Value | None
    ) -> None:
        self.puller.at(Point(dict(self.axes), vector, lanes, mask, dict(known)))

    def _compute(self, members: Sequence[Member], known: dict[Known, Value]) -> None:
        """Compute members at the puller's point, all of them before any is stored."""
        values = []
        for member in members:
            copies = self.kernel.copies is not None
            compute = self.puller.pull if copies else self.puller.fresh
            value = compute(member.node, member.at)
            self.puller.know(member.node, member.at, value)
            known[member.node, member.at] = value
            values.append(value)
        for member, value in zip(members, values, strict=True):
            self.store(self.puller, member, value)

    def _pass(
        self,
        members: Sequence[Member],
        found: dict[Known, Value],
        vector: int,
        lanes: int,
        mask: Value | None,
    ) -> None:
        """One pass over the reduced axes."""
        b, plan = self.b, self.plan
        reductions = [m for m in members if m.node.op in _REDUCTIONS]
        inside = lanes if plan.across else plan.lanes
        running = [Running(b, m.node, inside, self.kernel) for m in reductions]
        start = [value for r in running for value in r.initial()]
        results = self._inner(0, members, running, start, found, (vector, lanes, mask))
        for member, r in zip(reductions, running, strict=True):
            values, results = results[: r.count], results[r.count :]
            total = r.finish(values, folded=not plan.across and bool(plan.inner))
            found[member.node, member.at] = total
            self._at(found, vector, lanes, mask)
            self.store(self.puller, member, total)

    def _inner(
        self,
        depth: int,
        members: Sequence[Member],
        running: Sequence[Running],
        carried: Sequence[Value],
        found: Mapping[Known, Value],
        lanes_of: tuple[int, int, Value | None],
    ) -> list[Value]:
        """The inner loops from `depth` on; returns the running values after them."""
        b, plan = self.b, self.plan
        if depth == len(plan.inner):
            self._at(found, *lanes_of)
            return self._turn(members, running, carried, found, lanes_of[2])
        loop = plan.inner[depth]
        if plan.across or depth < len(plan.inner) - 1:
            with b.loop(0, loop.extent, 1, carried, hint="k") as k:
                self.axes[loop.last] = k.variable
                k.carry(self._inner(depth + 1, members, running, k.carried, found, lanes_of))
            return list(k.results)
        lanes = plan.lanes
        whole = loop.extent - loop.extent % lanes
        values = list(carried)
        if whole:
            with b.loop(0, whole, lanes, values, hint="k") as k:
                self.axes[loop.last] = k.variable
                lane_point = (loop.last, lanes, None)
                k.carry(self._inner(depth + 1, members, running, k.carried, found, lane_point))
            values = list(k.results)
        if whole < loop.extent:
            self.axes[loop.last] = b.constant(I64, whole)
            ragged = (loop.last, lanes, self._ragged(loop.extent - whole))
            values = self._inner(depth + 1, members, running, values, found, ragged)
        return values

    def _turn(
        self,
        members: Sequence[Member],
        running: Sequence[Running],
        carried: Sequence[Value],
        found: Mapping[Known, Value],
        mask: Value | None,
    ) -> list[Value]:
        """One turn of the innermost loop."""
        self._compute([m for m in members if m.node.op not in _REDUCTIONS], dict(found))
        after: list[Value] = []
        rest = list(carried)
        for r in running:
            source = r.node.inputs[0]
            value = self.puller.pull_lanes(source, identity(self.kernel.shape))
            ragged = None if self.plan.across else mask
            after += r.step(rest[: r.count], value, ragged, self._position(r))
            rest = rest[r.count :]
        return after

    def _position(self, running: Running) -> Value | None:
        """For argmax, where along its axis this turn is."""
        if running.node.op != "argmax":
            return None
        index = identity(self.kernel.shape)[running.node.attrs["axis"]]
        return self.puller.widen(self.puller.index_value(index))
