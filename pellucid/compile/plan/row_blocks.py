"""Strips: kernels that are cut alike, so that a thread goes on with the rows that it computed itself.

A recurrent network is a long chain of small kernels. If each thread computes some columns of one, and
the next needs all columns of some rows, all values are handed from processor to processor at every
step, which may take longer than to compute them. So products that read weights packed before (see
`panels`) are cut by their rows, and so is what lies between them: task i of each kernel is strip i of
the same rows. Threads meet only before a kernel that touches what another strip has touched.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from pellucid.compile.machine import Machine
from pellucid.compile.plan.access import accesses
from pellucid.compile.plan.assemble import Part, Parts
from pellucid.compile.plan.index import Axis, Index, Indices
from pellucid.compile.plan.kernels import Kernel, Target
from pellucid.compile.plan.operands import operand_base, operands
from pellucid.graph.node import Node, State

_NEAR_BYTES = 600 * 1024
"""Panels up to which each thread may read all of them at every step."""

Key = Node | State | Part
"""What lies in memory: a value of the program's own, an input or a constant; a state; a part of an
assembled value, which is touched by its parts alone."""


def cut_to_strips(levels: Sequence[Sequence[Kernel]], machine: Machine) -> None:
    """Let products that read shared panels, and loops beside them, be cut into strips of rows."""
    ends: dict[int, tuple[int, int]] = {}
    for depth, level in enumerate(levels):
        for kernel in level:
            if kernel.panels is not None and _bytes(kernel.panels) <= _NEAR_BYTES:
                rows = kernel.shape[0]
                kernel.strip = machine.strip(rows)
                ends[rows] = ends.get(rows, (depth, depth))[0], depth
    for depth, level in enumerate(levels):
        for kernel in level:
            rows = kernel.shape[0] if _may_be_cut(kernel) else 0
            if rows in ends and ends[rows][0] - 1 <= depth <= ends[rows][1] + 1:
                kernel.strip = machine.strip(rows)


def _bytes(node: Node) -> int:
    return node.size * node.dtype.itemsize


def _may_be_cut(kernel: Kernel) -> bool:
    """Whether a kernel loops over its first axis, and its lanes lie along another."""
    loops = kernel.kind == "nest" and kernel.copies is None and 0 not in (kernel.reduced or ())
    return loops and any(extent > 1 for extent in kernel.shape[1:])


class RowLine(NamedTuple):
    """Along an axis, row i of so many rows touches place `first` + i alone."""

    axis: int
    rows: int
    first: int


@dataclass(frozen=True)
class Touch:
    """How something is touched, and whether it is written.

    lines: how strips are kept apart, if they are.
    """

    lines: frozenset[RowLine]
    written: bool

    def and_then(self, other: Touch) -> Touch:
        """Both, one after the other."""
        return Touch(self.lines & other.lines, self.written or other.written)

    def hinders(self, other: Touch) -> bool:
        """Whether one strip may touch what another one writes."""
        return (self.written or other.written) and not self.lines & other.lines


Touches = dict[Key, Touch]


@dataclass(frozen=True)
class Stretch:
    """Levels first … last, between which threads do not wait, and how things are touched in them."""

    first: int
    last: int
    touches: Touches


def stretches(
    levels: Sequence[Sequence[Kernel]], targets: Mapping[Node, Sequence[Target]], parts: Parts
) -> list[Stretch]:
    """The levels in as few stretches as can be."""
    found: list[Stretch] = []
    toucher = _Toucher(targets, parts)
    for depth, level in enumerate(levels):
        now: Touches = {}
        for kernel in level:
            now = _both(now, toucher.touches(kernel))
        before = found[-1].touches if found else {}
        if found and not any(t.hinders(before[k]) for k, t in now.items() if k in before):
            found[-1] = Stretch(found[-1].first, depth, _both(before, now))
        else:
            found.append(Stretch(depth, depth, now))
    return found


def _both(before: Touches, now: Touches) -> Touches:
    return before | {k: before[k].and_then(t) if k in before else t for k, t in now.items()}


class _Toucher:
    """Finds everything that kernels read and write."""

    def __init__(self, targets: Mapping[Node, Sequence[Target]], parts: Parts) -> None:
        self._targets = targets
        self._parts = parts
        self._of_whole: dict[Node, dict[Part, None]] = {}
        for part in (part for found in parts.values() for part in found):
            self._of_whole.setdefault(part.whole, {})[part] = None

    def touches(self, kernel: Kernel) -> Touches:
        """What one kernel touches."""
        found: Touches = {}

        def touch(key: Key, at: Indices, written: bool) -> None:
            now = Touch(_lines(kernel, at), written)
            found[key] = found[key].and_then(now) if key in found else now

        if kernel.kind == "assembly":
            return {}
        for node, at in _reads(kernel):
            for key in self._keys(node):
                touch(key, at, written=False)
        if kernel.copies is not None:
            touch(kernel.copies, (), written=True)
            return found
        for member in kernel.members:
            touch(member.node, member.at, written=True)
            for target in self._targets.get(member.node, ()):
                if target.state is not None:
                    touch(target.state, member.at, written=True)
            for part in self._parts.get(member.node, ()):
                touch(part, _places(part, member.at), written=True)
        return found

    def _keys(self, node: Node) -> Iterable[Key]:
        """What may be read where a node is: its parts, or a state and the room that keeps it."""
        state = [node.attrs["state"]] if node.op == "state" else []
        return [*self._of_whole.get(node, {node: None}), *state]


def _places(part: Part, at: Indices) -> Indices:
    """Where in a whole element `at` of a part lies."""
    places = ((start, Index() if axis is None else at[axis]) for axis, start in part.axes)
    return tuple(index.plus(start) for start, index in places)


def _reads(kernel: Kernel) -> Iterable[tuple[Node, Indices]]:
    """What a kernel reads and where, in axes of its domain and of its sums."""
    members = kernel.members
    if kernel.copies is not None:
        yield members[0].node, ()
        return
    if kernel.kind == "contraction":
        product, *members = kernel.members
        a, b = product.node.inputs
        a_at, b_at, _ = operands(product.node)
        for access in accesses(a, a_at, {operand_base(a)}):
            yield access.node, access.at
        if kernel.panels is not None:
            yield kernel.panels, ()
        else:
            for access in accesses(b, b_at, {operand_base(b)}):
                yield access.node, access.at
    for member in members:
        for access in member.reads:
            yield access.node, access.at


def _lines(kernel: Kernel, at: Indices) -> frozenset[RowLine]:
    """How strips of a kernel are kept apart in what it touches at `at`."""
    if not kernel.strip:
        return frozenset()
    rows = kernel.shape[0]
    row = ((Axis(0, rows), 1),)
    lines = (RowLine(axis, rows, i.constant) for axis, i in enumerate(at) if i.terms == row)
    return frozenset(lines)
