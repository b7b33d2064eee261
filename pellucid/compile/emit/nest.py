"""Nests: loops over a domain that compute elementwise members and reductions in passes.

The lanes of a vector lie along the last loop. If that loop is reduced, each lane has an accumulator of
its own, and the accumulators are combined at the end. If not, each lane is a point of its own.

Iterations that are unrolled completely, or unrolled and jammed (see `unroll_and_jam`), are indices at
one point, so a vector that several of them read is loaded once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import prod

from pellucid.compile.emit.accumulator import Accumulator
from pellucid.compile.emit.blocked_sum import Body, Values, blocked_loop, chain_lengths, from_zero
from pellucid.compile.emit.expression import ExpressionEmitter
from pellucid.compile.emit.layout import NestLayout
from pellucid.compile.emit.point import SCALAR, NodeAt, Point, Vector
from pellucid.compile.emit.stores import Stores
from pellucid.compile.emit.unroll_and_jam import (
    FULL_UNROLL,
    Substitution,
    Unroll,
    substitutions,
)
from pellucid.compile.loop.builder import Builder
from pellucid.compile.loop.ir import I64, Value
from pellucid.compile.op_facts import is_reduction
from pellucid.compile.plan.index import Indices, identity
from pellucid.compile.plan.kernels import Kernel, Member, computed_nodes
from pellucid.compile.plan.loop_axes import iterations
from pellucid.graph.node import Node

_CHAIN = 64
"""The least length of a chain of a sum."""
_SHORT_CHAIN = 8
"""The same in a kernel of at most `_FEW` elements, such as the last sum of partial sums."""
_FEW = 8_192
_MOST_CODE = 200
"""Nodes that unrolled loops may compute."""
_OWN_CHAIN = 32
"""From so many iterations on, an inner loop's sums start from 0 in each iteration around it."""

Elements = dict[NodeAt, Value]


class NestEmitter:
    """Emits one nest."""

    def __init__(
        self,
        b: Builder,
        kernel: Kernel,
        layout: NestLayout,
        buffers: Mapping[Node, Value],
        stores: Stores,
    ) -> None:
        self.b = b
        self.kernel = kernel
        self.layout = layout
        self.expressions = ExpressionEmitter(b, buffers)
        self.stores = stores
        zero = b.constant(I64, 0)
        last_two = iterations(layout.inner[-2:])
        is_short = last_two <= FULL_UNROLL and last_two * len(computed_nodes(kernel)) <= _MOST_CODE
        self.most_unrolled = FULL_UNROLL if is_short and not layout.is_outer_last else 1
        self.loop_depth = len(layout.inner)
        while is_short and layout.is_outer_last and self._is_unrolled(self.loop_depth - 1):
            self.loop_depth -= 1
        jammed = [u for u in layout.unrolls if u.reduction]
        self.jammed = prod(u.factor for u in jammed)
        complete = [Unroll(x.last, x.extent, 1, True) for x in layout.inner[self.loop_depth :]]
        self.outer_copies = substitutions([u for u in layout.unrolls if not u.reduction])
        self.inner_copies = substitutions([*complete, *jammed])
        self.axes: dict[int, Value] = dict.fromkeys(range(len(kernel.shape)), zero)

    def _is_unrolled(self, depth: int) -> bool:
        """Whether the inner loops from `depth` on are unrolled completely."""
        return depth >= 0 and iterations(self.layout.inner[depth:]) <= FULL_UNROLL

    def emit(self, begin: Value, end: Value) -> None:
        """Tasks begin … end − 1."""
        b, layout = self.b, self.layout
        with b.loop(begin, end, hint="task") as task:
            chunk = b.rem(task.variable, layout.chunks)
            block = b.div(task.variable, layout.chunks)
            first = b.mul(block, layout.rows)
            last = b.minimum(b.add(first, layout.rows), layout.row_count)
            with b.loop(first, last, 1, self._row_indices(first), hint="row") as row:
                for loop, index in zip(layout.row_loops, row.carried, strict=True):
                    self.axes[loop.last] = index
                if layout.is_outer_last:
                    self._chunk(b.mul(chunk, layout.chunk))
                else:
                    self._point(SCALAR)
                row.carry(self._next_row(row.carried))

    def _row_indices(self, flat: Value) -> list[Value]:
        """The index of each row loop in iteration `flat` of all of them."""
        indices: list[Value] = []
        for loop in reversed(self.layout.row_loops[1:]):
            indices.insert(0, self.b.rem(flat, loop.extent))
            flat = self.b.div(flat, loop.extent)
        return [flat, *indices] if self.layout.row_loops else []

    def _next_row(self, row: Sequence[Value]) -> list[Value]:
        """The indices of the next iteration, by addition with carry, which is cheaper than division.

        The first index is 0 again after the last iteration, so each stays below its loop's extent.
        """
        b = self.b
        indices: list[Value] = []
        step: Value = b.constant(I64, 1)
        for loop, index in zip(reversed(self.layout.row_loops), reversed(row), strict=True):
            following = b.add(index, step)
            within = b.compare("<", following, loop.extent)
            indices.insert(0, b.select(within, following, 0))
            step = b.convert(b.invert(within), "i64")
        return indices

    def _chunk(self, first: Value) -> None:
        """One chunk of the lanes' loop, an outer one: whole vectors, then the ragged end."""
        b, layout = self.b, self.layout
        loop, lanes = layout.outer[-1], layout.lanes
        whole = loop.extent - loop.extent % lanes
        end = b.add(first, layout.chunk)
        if whole:
            with b.loop(first, b.minimum(end, whole), lanes, hint="x") as x:
                self.axes[loop.last] = x.variable
                self._point(Vector(loop.last, lanes))
        if whole < loop.extent:
            with b.when(b.compare("<=", b.constant(I64, loop.extent), end)):
                self.axes[loop.last] = b.constant(I64, whole)
                self._point(Vector(loop.last, lanes, self._ragged(loop.extent - whole)))

    def _ragged(self, count: int) -> Value:
        return self.b.compare("<", self.b.lane_numbers(self.layout.lanes, "i32"), count)

    # -- one point ------------------------------------------------------------------------------

    def _point(self, vector: Vector) -> None:
        """All passes at one outer point, or one vector of points."""
        elements: Elements = {}
        for phase in range(1 + max(member.phase for member in self.kernel.members)):
            members = [m for m in self.kernel.members if m.phase == phase]
            looped = [m for m in members if m.scope == "full" or is_reduction(m.node)]
            rest = [m for m in members if m not in looped]
            if self.kernel.reduced is None:
                looped, rest = [], members
            if looped:
                self._pass(looped, elements, vector)
            if rest:
                self._move_to(elements, vector)
                self._compute(rest, elements, self.outer_copies)

    def _move_to(self, elements: Elements, vector: Vector) -> None:
        self.expressions.move_to(Point(dict(self.axes), vector, dict(elements)))

    def _compute(
        self, members: Sequence[Member], elements: Elements, copies: Sequence[Substitution]
    ) -> None:
        """Compute all copies of members at the current point, then store them."""
        values = []
        for where in copies:
            for member in (_substituted(member, where) for member in members):
                is_copy = self.kernel.copies is not None
                evaluate = self.expressions.value if is_copy else self.expressions.computed
                value = evaluate(member.node, member.at)
                self.expressions.define(member.node, member.at, value)
                elements[member.node, member.at] = value
                values.append((member, value))
        for member, value in values:
            self.stores.write(self.expressions, member, value)

    def _pass(self, members: Sequence[Member], elements: Elements, vector: Vector) -> None:
        """One pass over the reduced axes."""
        reductions = [
            _substituted(member, where)
            for where in self.outer_copies
            for member in members
            if is_reduction(member.node)
        ]
        lanes = vector.lanes if self.layout.is_outer_last else self.layout.lanes
        accumulators = [Accumulator(self.b, m.node, lanes, self.kernel) for m in reductions]
        initial = [value for a in accumulators for value in a.initial()]
        results = self._inner(0, members, accumulators, initial, elements, vector)
        is_folded = not self.layout.is_outer_last and bool(self.layout.inner)
        for member, accumulator in zip(reductions, accumulators, strict=True):
            values, results = results[: accumulator.count], results[accumulator.count :]
            total = accumulator.finish(values, is_folded)
            elements[member.node, member.at] = total
            self._move_to(elements, vector)
            self.stores.write(self.expressions, member, total)

    def _inner(
        self,
        depth: int,
        members: Sequence[Member],
        accumulators: Sequence[Accumulator],
        carried: Values,
        elements: Elements,
        vector: Vector,
    ) -> list[Value]:
        """The inner loops from `depth` on; returns the accumulators' values after them."""
        b, layout = self.b, self.layout
        if depth == self.loop_depth:
            self._move_to(elements, vector)
            return self._body(members, accumulators, carried, elements, vector.mask)
        loop = layout.inner[depth]

        def iteration(index: Value, values: Values, inside: Vector) -> list[Value]:
            self.axes[loop.last] = index
            return self._inner(depth + 1, members, accumulators, values, elements, inside)

        if layout.is_outer_last or depth < len(layout.inner) - 1:
            within = self._iterations_within(depth)
            if within < _OWN_CHAIN:
                return self._loop(
                    accumulators,
                    loop.extent,
                    1,
                    within,
                    carried,
                    lambda i, v: iteration(i, v, vector),
                )
            return self._loop(
                accumulators,
                loop.extent,
                1,
                1,
                carried,
                lambda i, v: from_zero(
                    b, accumulators, v, lambda start: iteration(i, start, vector)
                ),
            )
        lanes = layout.lanes
        whole = loop.extent - loop.extent % lanes
        values = list(carried)
        if whole:
            full = Vector(loop.last, lanes)
            values = self._loop(
                accumulators, whole, lanes, 1, values, lambda i, v: iteration(i, v, full)
            )
        if whole < loop.extent:
            self.axes[loop.last] = b.constant(I64, whole)
            ragged = Vector(loop.last, lanes, self._ragged(loop.extent - whole))
            values = self._inner(depth + 1, members, accumulators, values, elements, ragged)
        return values

    def _iterations_within(self, depth: int) -> int:
        """Iterations of the loops inside the one at `depth`, jammed ones included."""
        loops = self.layout.inner[depth + 1 :]
        count = iterations(loops) * self.jammed
        return count if self.layout.is_outer_last or not loops else -(-count // self.layout.lanes)

    def _loop(
        self,
        accumulators: Sequence[Accumulator],
        end: int,
        step: int,
        additions: int,
        carried: Values,
        body: Body,
    ) -> list[Value]:
        """A loop from 0 to `end`, in chains. additions: to each sum in one iteration."""
        b, iterations = self.b, end // step
        if iterations <= self.most_unrolled:
            for number in range(iterations):
                carried = body(b.constant(I64, number * step), carried)
            return list(carried)
        least = _CHAIN if prod(self.kernel.shape) > _FEW else _SHORT_CHAIN
        has_sums = any(a.is_sum for a in accumulators)
        lengths = chain_lengths(iterations, max(least // max(additions, 1), 1)) if has_sums else []
        return blocked_loop(b, accumulators, (0, end, step), lengths, carried, body)

    def _body(
        self,
        members: Sequence[Member],
        accumulators: Sequence[Accumulator],
        carried: Values,
        elements: Elements,
        mask: Value | None,
    ) -> list[Value]:
        """The body of the innermost loop, with all copies of it that are unrolled."""
        copies = [{**inner, **outer} for inner in self.inner_copies for outer in self.outer_copies]
        full = [m for m in members if not is_reduction(m.node)]
        self._compute(full, dict(elements), copies)
        values = list(carried)
        ragged = None if self.layout.is_outer_last else mask
        each = len(accumulators) // len(self.outer_copies)
        for number, where in enumerate(copies):
            first = number % len(self.outer_copies) * each
            start = sum(a.count for a in accumulators[:first])
            for accumulator in accumulators[first : first + each]:
                end = start + accumulator.count
                element = self.expressions.vector_value(
                    accumulator.node.inputs[0], self._domain(where)
                )
                position = self._position(accumulator, where)
                values[start:end] = accumulator.step(values[start:end], element, ragged, position)
                start = end
        return values

    def _domain(self, where: Substitution) -> Indices:
        return tuple(index.substituted(where) for index in identity(self.kernel.shape))

    def _position(self, accumulator: Accumulator, where: Substitution) -> Value | None:
        """For argmax, the position of this iteration along its axis."""
        if accumulator.node.op != "argmax":
            return None
        return self.expressions.index_vector(self._domain(where)[accumulator.node.attrs["axis"]])


def _substituted(member: Member, where: Substitution) -> Member:
    """The member in one copy of the body."""
    return replace(member, at=tuple(index.substituted(where) for index in member.at))
