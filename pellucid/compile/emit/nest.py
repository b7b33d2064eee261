"""Nests: loops over a domain that compute elementwise members and reductions in passes.

The lanes of a vector lie along the last loop. If that loop is reduced over, each lane has a running
result of its own and they are folded together at the end; if not, each lane is a place of its own.

Long sums are made of chains whose totals are added, because a chain loses a little to rounding with
every element.

Turns that are written one after another, or side by side (see `beside`), are places of one point: what
several of them read is loaded once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from math import isqrt, prod

from pellucid.compile.emit.beside import STRAIGHT, Beside, Where, places
from pellucid.compile.emit.layout import NestLayout
from pellucid.compile.emit.pull import Point, Puller
from pellucid.compile.emit.reduction import Running
from pellucid.compile.emit.stores import Stores
from pellucid.compile.loop.builder import Builder
from pellucid.compile.loop.ir import I64, Value
from pellucid.compile.op_facts import is_reduction
from pellucid.compile.plan.index import Indices, identity
from pellucid.compile.plan.kernels import Kernel, Member, computed_nodes
from pellucid.compile.plan.loop_axes import iterations
from pellucid.graph.node import Node

_CHAIN = 64
_BRIEF = 8_192
"""A kernel of so many elements has chains of `_SHORT_CHAIN`: the last sums of parts are such."""
_SHORT_CHAIN = 8
_MANY_CHAINS = 16
"""From so many chains on their totals are added in chains too."""
_MOST_CODE = 200
_OWN_CHAIN = 32
"""From so many turns on an inner loop's sums start from 0 at each turn of the loop around it."""

Known = tuple[Node, Indices]
LanePoint = tuple[int, int, Value | None]
"""The axis of the lanes, how many, and which of them exist."""


class NestWriter:
    """Writes one nest into a builder."""

    def __init__(
        self,
        b: Builder,
        kernel: Kernel,
        plan: NestLayout,
        buffers: Mapping[Node, Value],
        stores: Stores,
    ) -> None:
        self.b = b
        self.kernel = kernel
        self.plan = plan
        self.puller = Puller(b, buffers)
        self.stores = stores
        zero = b.constant(I64, 0)
        # Short loops are written out, unless that is a lot of code.
        last_two = iterations(plan.inner[-2:])
        short = last_two <= STRAIGHT and last_two * len(computed_nodes(kernel)) <= _MOST_CODE
        self.straight = STRAIGHT if short and not plan.across else 1
        self.written = len(plan.inner)
        while short and plan.across and self._is_short(self.written - 1):
            self.written -= 1
        self.own = places([loop for loop in plan.beside if not loop.inner])
        self.shared = [loop for loop in plan.beside if loop.inner]
        straight = [Beside(x.last, x.extent, 1, True) for x in plan.inner[self.written :]]
        self.turns = places([*straight, *self.shared])
        self.axes: dict[int, Value] = dict.fromkeys(range(len(kernel.shape)), zero)

    def _is_short(self, depth: int) -> bool:
        """Whether the inner loops from `depth` on are written out."""
        return depth >= 0 and iterations(self.plan.inner[depth:]) <= STRAIGHT

    def write(self, begin: Value, end: Value) -> None:
        """Tasks begin … end − 1."""
        b, plan = self.b, self.plan
        with b.loop(begin, end, hint="task") as task:
            chunk = b.rem(task.variable, plan.chunks)
            block = b.div(task.variable, plan.chunks)
            first = b.mul(block, plan.rows)
            last = b.minimum(b.add(first, plan.rows), plan.row_count)
            with b.loop(first, last, 1, self._digits(first), hint="row") as row:
                for loop, digit in zip(plan.row_loops, row.carried, strict=True):
                    self.axes[loop.last] = digit
                if plan.across:
                    self._across(b.mul(chunk, plan.chunk))
                else:
                    self._place({}, -1, 0, None)
                row.carry(self._next(row.carried))

    def _digits(self, flat: Value) -> list[Value]:
        """The turn of each row loop in the turn `flat` of all of them."""
        found: list[Value] = []
        for loop in reversed(self.plan.row_loops[1:]):
            found.insert(0, self.b.rem(flat, loop.extent))
            flat = self.b.div(flat, loop.extent)
        return [flat, *found] if self.plan.row_loops else []

    def _next(self, digits: Sequence[Value]) -> list[Value]:
        """The digits of the next turn: counting on is cheaper than dividing.

        The first digit is 0 again after the last turn, so that each stays below its loop's extent.
        """
        b = self.b
        found: list[Value] = []
        step: Value = b.constant(I64, 1)
        for loop, digit in zip(reversed(self.plan.row_loops), reversed(digits), strict=True):
            counted = b.add(digit, step)
            within = b.compare("<", counted, loop.extent)
            found.insert(0, b.select(within, counted, 0))
            step = b.convert(b.invert(within), "i64")
        return found

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
            loop = [m for m in members if m.scope == "full" or is_reduction(m.node)]
            rest = [m for m in members if m not in loop]
            if self.kernel.reduced is None:
                loop, rest = [], members
            if loop:
                self._pass(loop, found, vector, lanes, mask)
            if rest:
                self._at(found, vector, lanes, mask)
                self._compute(rest, found, self.own)

    def _at(
        self, known: Mapping[Known, Value], vector: int, lanes: int, mask: Value | None
    ) -> None:
        self.puller.at(Point(dict(self.axes), vector, lanes, mask, dict(known)))

    def _compute(
        self, members: Sequence[Member], known: dict[Known, Value], turns: Sequence[Where]
    ) -> None:
        """Compute members at the puller's point, all of them before any is stored."""
        values = []
        for where in turns:
            for member in (_placed(member, where) for member in members):
                copies = self.kernel.copies is not None
                compute = self.puller.pull if copies else self.puller.fresh
                value = compute(member.node, member.at)
                self.puller.know(member.node, member.at, value)
                known[member.node, member.at] = value
                values.append((member, value))
        for member, value in values:
            self.stores.write(self.puller, member, value)

    def _pass(
        self,
        members: Sequence[Member],
        found: dict[Known, Value],
        vector: int,
        lanes: int,
        mask: Value | None,
    ) -> None:
        """One pass over the reduced axes."""
        reductions = [
            _placed(m, where) for where in self.own for m in members if is_reduction(m.node)
        ]
        width = lanes if self.plan.across else self.plan.lanes
        running = [Running(self.b, m.node, width, self.kernel) for m in reductions]
        start = [value for r in running for value in r.initial()]
        results = self._inner(0, members, running, start, found, (vector, lanes, mask))
        for member, r in zip(reductions, running, strict=True):
            values, results = results[: r.count], results[r.count :]
            total = r.finish(values, folded=not self.plan.across and bool(self.plan.inner))
            found[member.node, member.at] = total
            self._at(found, vector, lanes, mask)
            self.stores.write(self.puller, member, total)

    def _inner(
        self,
        depth: int,
        members: Sequence[Member],
        running: Sequence[Running],
        carried: Sequence[Value],
        found: Mapping[Known, Value],
        lanes_of: LanePoint,
    ) -> list[Value]:
        """The inner loops from `depth` on; returns the running values after them."""
        b, plan = self.b, self.plan
        if depth == self.written:
            self._at(found, *lanes_of)
            return self._turn(members, running, carried, found, lanes_of[2])
        loop = plan.inner[depth]

        def turn(place: Value, values: Sequence[Value], point: LanePoint) -> list[Value]:
            self.axes[loop.last] = place
            return self._inner(depth + 1, members, running, values, found, point)

        if plan.across or depth < len(plan.inner) - 1:
            within = self._turns_within(depth)
            return self._chains(
                running,
                loop.extent,
                1,
                within if within < _OWN_CHAIN else 1,
                carried,
                lambda place, values: (
                    turn(place, values, lanes_of)
                    if within < _OWN_CHAIN
                    else self._afresh(running, values, lambda start: turn(place, start, lanes_of))
                ),
            )
        lanes = plan.lanes
        whole = loop.extent - loop.extent % lanes
        values = list(carried)
        if whole:
            point = (loop.last, lanes, None)
            values = self._chains(
                running, whole, lanes, 1, values, lambda place, v: turn(place, v, point)
            )
        if whole < loop.extent:
            self.axes[loop.last] = b.constant(I64, whole)
            ragged = (loop.last, lanes, self._ragged(loop.extent - whole))
            values = self._inner(depth + 1, members, running, values, found, ragged)
        return values

    def _turns_within(self, depth: int) -> int:
        """Turns of the loops inside the one at `depth`, with those that are side by side."""
        loops = self.plan.inner[depth + 1 :]
        turns = iterations(loops) * prod(loop.count for loop in self.shared)
        return turns if self.plan.across or not loops else -(-turns // self.plan.lanes)

    def _chains(
        self,
        running: Sequence[Running],
        end: int,
        step: int,
        weight: int,
        carried: Sequence[Value],
        turn: Callable[[Value, Sequence[Value]], list[Value]],
    ) -> list[Value]:
        """A loop from 0 to `end` in chains. weight: additions to a sum in each turn."""
        b, turns = self.b, end // step
        if turns <= self.straight:
            for number in range(turns):
                carried = turn(b.constant(I64, number * step), carried)
            return list(carried)
        least = _CHAIN if prod(self.kernel.shape) > _BRIEF else _SHORT_CHAIN
        sums = any(r.is_sum for r in running)
        lengths = _chain_lengths(turns, max(least // max(weight, 1), 1)) if sums else []
        return self._within(running, 0, end, step, lengths, carried, turn)

    def _within(
        self,
        running: Sequence[Running],
        begin: Value | int,
        end: Value | int,
        step: int,
        lengths: Sequence[int],
        carried: Sequence[Value],
        turn: Callable[[Value, Sequence[Value]], list[Value]],
    ) -> list[Value]:
        """A loop in chains of the first length, each in chains of the next."""
        b = self.b
        if not lengths:
            with b.loop(begin, end, step, carried, hint="k") as k:
                k.carry(turn(k.variable, k.carried))
            return list(k.results)
        length, *shorter = lengths
        with b.loop(begin, end, length * step, carried, hint="chain") as chain:
            first = chain.variable
            last = b.minimum(b.add(first, length * step), end)

            def one(start: Sequence[Value]) -> list[Value]:
                return self._within(running, first, last, step, shorter, start, turn)

            chain.carry(self._afresh(running, chain.carried, one))
        return list(chain.results)

    def _afresh(
        self,
        running: Sequence[Running],
        before: Sequence[Value],
        part: Callable[[Sequence[Value]], list[Value]],
    ) -> list[Value]:
        """What `part` makes of sums that start from 0, added to those before."""
        sums = [r.is_sum for r in running for _ in range(r.count)]
        fresh = [value for r in running for value in r.initial()]
        start = [new if s else old for s, new, old in zip(sums, fresh, before, strict=True)]
        return [
            self.b.add(old, new) if s else new
            for s, old, new in zip(sums, before, part(start), strict=True)
        ]

    def _turn(
        self,
        members: Sequence[Member],
        running: Sequence[Running],
        carried: Sequence[Value],
        found: Mapping[Known, Value],
        mask: Value | None,
    ) -> list[Value]:
        """One turn of the innermost loop, or of what is written side by side."""
        everywhere = [{**where, **own} for where in self.turns for own in self.own]
        full = [m for m in members if not is_reduction(m.node)]
        self._compute(full, dict(found), everywhere)
        after = list(carried)
        ragged = None if self.plan.across else mask
        each = len(running) // len(self.own)
        for number, where in enumerate(everywhere):
            which = number % len(self.own) * each
            at = sum(r.count for r in running[:which])
            for r in running[which : which + each]:
                value = self.puller.pull_lanes(r.node.inputs[0], self._domain(where))
                place = self._position(r, where)
                after[at : at + r.count] = r.step(after[at : at + r.count], value, ragged, place)
                at += r.count
        return after

    def _domain(self, where: Where) -> Indices:
        return tuple(index.substituted(where) for index in identity(self.kernel.shape))

    def _position(self, running: Running, where: Where) -> Value | None:
        """For argmax, where along its axis this turn is."""
        if running.node.op != "argmax":
            return None
        index = self._domain(where)[running.node.attrs["axis"]]
        return self.puller.widen(self.puller.index_value(index))


def _chain_lengths(turns: int, least: int) -> list[int]:
    """The chains that a loop of so many turns is cut into, longest first."""
    length = max(least, isqrt(turns))
    chains = -(-turns // length)
    if chains == 1:
        return []
    return [length] if chains < _MANY_CHAINS else [length * isqrt(chains), length]


def _placed(member: Member, where: Where) -> Member:
    """The member at one of the turns that are side by side."""
    return replace(member, at=tuple(index.substituted(where) for index in member.at))
