"""Row-block partitioning: kernels that are cut alike, so that threads need no barrier between them.

A recurrent network is a long chain of small kernels. If each thread computes some columns of one, and
the next needs all columns of some rows, all values move from one processor's cache to another's at
every step, which may take longer than to compute them. So products that read weights packed before
(see `plan.packing`) are cut by their rows, and so are the kernels between them: task i of each is
block i of the same rows. Levels form a barrier-free region as long as no row block touches what
another one writes; threads wait for each other only between regions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from pellucid.compile.machine import Machine
from pellucid.compile.plan.access import accesses
from pellucid.compile.plan.concatenation import Part, Parts
from pellucid.compile.plan.index import Axis, Indices
from pellucid.compile.plan.kernels import Kernel, Target
from pellucid.compile.plan.operands import operand_base, operands
from pellucid.graph.node import Node, State

_NEAR_BYTES = 600 * 1024
"""Panels up to which each thread may read all of them at every step."""

Memory = Node | State | Part
"""What lies in memory: a value of the program's own, an input or a constant; a state; a part of a
concatenation written in place, which is used by its parts alone."""


def partition_rows(levels: Sequence[Sequence[Kernel]], machine: Machine) -> None:
    """Cut products that read shared panels, and the nests around them, into blocks of rows."""
    spans: dict[int, tuple[int, int]] = {}
    for depth, level in enumerate(levels):
        for kernel in level:
            if kernel.panels is not None and _bytes(kernel.panels) <= _NEAR_BYTES:
                rows = kernel.shape[0]
                kernel.row_block = machine.row_block(rows)
                spans[rows] = spans.get(rows, (depth, depth))[0], depth
    for depth, level in enumerate(levels):
        for kernel in level:
            rows = kernel.shape[0] if _may_be_partitioned(kernel) else 0
            if rows in spans and spans[rows][0] - 1 <= depth <= spans[rows][1] + 1:
                kernel.row_block = machine.row_block(rows)


def _bytes(node: Node) -> int:
    return node.size * node.dtype.itemsize


def _may_be_partitioned(kernel: Kernel) -> bool:
    """Whether a kernel loops over its first axis, and its lanes lie along another."""
    loops = kernel.kind == "nest" and kernel.copies is None and 0 not in (kernel.reduced or ())
    return loops and any(extent > 1 for extent in kernel.shape[1:])


class RowMap(NamedTuple):
    """Along an axis, row i of so many rows uses index `first` + i alone."""

    axis: int
    rows: int
    first: int


@dataclass(frozen=True)
class Usage:
    """How memory is used, and whether it is written.

    row_maps: the axes along which each row block uses indices of its own, if there are any.
    """

    row_maps: frozenset[RowMap]
    written: bool

    def combined(self, other: Usage) -> Usage:
        """Both, one after the other."""
        return Usage(self.row_maps & other.row_maps, self.written or other.written)

    def conflicts_with(self, other: Usage) -> bool:
        """Whether one row block may touch what another one writes."""
        return (self.written or other.written) and not self.row_maps & other.row_maps


Usages = dict[Memory, Usage]


@dataclass(frozen=True)
class Region:
    """Levels first … last, between which there is no barrier, and how they use memory."""

    first: int
    last: int
    usages: Usages


def barrier_free_regions(
    levels: Sequence[Sequence[Kernel]], targets: Mapping[Node, Sequence[Target]], parts: Parts
) -> list[Region]:
    """The levels in as few regions as can be."""
    regions: list[Region] = []
    finder = _UsageFinder(targets, parts)
    for depth, level in enumerate(levels):
        now: Usages = {}
        for kernel in level:
            now = _merged(now, finder.usages(kernel))
        before = regions[-1].usages if regions else {}
        if regions and not any(u.conflicts_with(before[m]) for m, u in now.items() if m in before):
            regions[-1] = Region(regions[-1].first, depth, _merged(before, now))
        else:
            regions.append(Region(depth, depth, now))
    return regions


def _merged(before: Usages, now: Usages) -> Usages:
    return before | {m: before[m].combined(u) if m in before else u for m, u in now.items()}


class _UsageFinder:
    """Finds everything that kernels read and write."""

    def __init__(self, targets: Mapping[Node, Sequence[Target]], parts: Parts) -> None:
        self._targets = targets
        self._parts = parts
        self._parts_of: dict[Node, dict[Part, None]] = {}
        for part in (part for several in parts.values() for part in several):
            self._parts_of.setdefault(part.whole, {})[part] = None

    def usages(self, kernel: Kernel) -> Usages:
        """What one kernel reads and writes, and how."""
        usages: Usages = {}

        def use(memory: Memory, at: Indices, written: bool) -> None:
            now = Usage(_row_maps(kernel, at), written)
            usages[memory] = usages[memory].combined(now) if memory in usages else now

        if kernel.kind == "concatenation":
            return {}
        for node, at in _reads(kernel):
            for memory in self._memory_of(node):
                use(memory, at, written=False)
        if kernel.copies is not None:
            use(kernel.copies, (), written=True)
            return usages
        for member in kernel.members:
            use(member.node, member.at, written=True)
            for target in self._targets.get(member.node, ()):
                if target.state is not None:
                    use(target.state, member.at, written=True)
            for part in self._parts.get(member.node, ()):
                use(part, part.indices(member.at), written=True)
        return usages

    def _memory_of(self, node: Node) -> Iterable[Memory]:
        """What may be read for a node: its parts, or a state and the copy of its old value."""
        state = [node.attrs["state"]] if node.op == "state" else []
        return [*self._parts_of.get(node, {node: None}), *state]


def _reads(kernel: Kernel) -> Iterable[tuple[Node, Indices]]:
    """What a kernel reads and at which indices, in axes of its domain and of its sums."""
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


def _row_maps(kernel: Kernel, at: Indices) -> frozenset[RowMap]:
    """How the row blocks of a kernel are kept apart in what it uses at `at`."""
    if not kernel.row_block:
        return frozenset()
    rows = kernel.shape[0]
    row = ((Axis(0, rows), 1),)
    maps = (RowMap(axis, rows, i.constant) for axis, i in enumerate(at) if i.terms == row)
    return frozenset(maps)
