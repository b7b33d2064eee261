"""Fusion: from a graph to kernels.

First, which nodes are kept in memory: those that start a kernel (contractions, reductions, draws,
scatters), results, and dear values that are wanted more than once. Then, node by node in order, each
joins a kernel whose domain it shares, if nothing it needs waits for that kernel, or starts its own.
So elementwise chains become one loop, follow a contraction while its tile is in registers, or share
the passes of a softmax or a normalisation.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from pellucid.compile.op_facts import (
    EXPENSIVE,
    OP_FACTS,
    has_buffer,
    is_contraction,
    is_reduction,
    own_cost,
    role_of,
    starts_kernel,
)
from pellucid.compile.plan.access import Access, accesses, entry, inner_accesses
from pellucid.compile.plan.assemble import assembled
from pellucid.compile.plan.index import identity
from pellucid.compile.plan.kernels import Kernel, Member, waits_for
from pellucid.compile.plan.operands import MOST_NESTED, nesting, operand_base
from pellucid.graph.node import Node
from pellucid.graph.op import Shape
from pellucid.graph.program import Graph

_WIDE_ENOUGH = 64
_SMALL = 16_384
_DEAR_AGAIN = 4
"""From this cost on a value is kept if it is wanted again for many elements."""
_OFTEN = 16
"""What is made of a sum alone and wanted so many times is kept: where the sum ends it costs nothing."""


def kept_nodes(graph: Graph) -> set[Node]:
    """Nodes whose values are kept in memory or in a kernel's registers under their own name."""
    nodes = graph.nodes
    consumers: dict[Node, list[Node]] = {node: [] for node in nodes}
    for node in nodes:
        for source in set(node.inputs):
            consumers[source].append(node)
    kept = {node for node in nodes if starts_kernel(node)}
    kept.update(root for root in graph.roots)
    costs = _keep_repeated(nodes, consumers, kept)
    pullers: dict[Node, set[Node]] = {}
    for node in reversed(nodes):
        wanted_by: set[Node] = set()
        for consumer in consumers[node]:
            wanted_by |= {consumer} if consumer in kept else pullers[consumer]
        pullers[node] = wanted_by
        if costs[node] >= EXPENSIVE and len(wanted_by) > 1 and _is_computed(node):
            kept.add(node)
    kept |= _slopes(graph, consumers, kept, costs)
    for node in nodes:
        if is_contraction(node):
            kept.update(base for base in map(operand_base, node.inputs) if not has_buffer(base))
    return kept | _deepest(nodes, kept)


def _is_reduced_value(node: Node) -> bool:
    return is_reduction(node) and not OP_FACTS[node.op].position


def _is_computed(node: Node) -> bool:
    """Whether keeping a node saves computing; where elements only move, what moves is kept."""
    return role_of(node) == "elementwise" and not has_buffer(node)


def _keep_repeated(
    nodes: Sequence[Node], consumers: Mapping[Node, Sequence[Node]], kept: set[Node]
) -> dict[Node, int]:
    """Keep what would be computed again for many elements; returns what each node costs to pull.

    What is padded first is kept with its padding.
    """
    reach: dict[Node, int] = {}
    for node in reversed(nodes):
        moving = [c for c in consumers[node] if role_of(c) == "movement" and c.op != "pad"]
        reach[node] = max((max(c.size, reach[c]) for c in moving), default=0)
    costs: dict[Node, int] = {}
    reduced: set[Node] = set()
    for node in nodes:
        costs[node] = 0
        if node in kept or has_buffer(node):
            continue
        inside = min(sum(costs[source] for source in node.inputs) + own_cost(node), 1000)
        computed = _is_computed(node) or node.op == "pad"
        if any(source in reduced or _is_reduced_value(source) for source in node.inputs):
            reduced.add(node)
        often = node in reduced and reach[node] >= _OFTEN * node.size
        if computed and inside >= (1 if often else _DEAR_AGAIN) and reach[node] > node.size:
            kept.add(node)
        else:
            costs[node] = inside
    return costs


def _slopes(
    graph: Graph,
    consumers: Mapping[Node, Sequence[Node]],
    kept: set[Node],
    costs: Mapping[Node, int],
) -> set[Node]:
    """Dear functions of a value that are all that is wanted of it beside functions that are kept.

    As the slope of an activation is in the backward pass: computed with the activation, it shares its
    work, and is in memory in place of the value.
    """
    origin: dict[Node, Node] = {}
    for node in graph.nodes:
        origins = {origin.get(x, x) for x in node.inputs if not _is_given(x)}
        value = origins.pop() if len(origins) == 1 else node
        if value in kept and _is_computed(node) and is_contraction(value):
            origin[node] = value
    outlets: dict[Node, list[Node]] = {origin[node]: [] for node in kept if node in origin}
    for node in graph.nodes:
        value = origin.get(node, node)
        leaves = any(origin.get(consumer) is not value for consumer in consumers[node])
        if value in outlets and leaves and (node is value or node not in kept):
            outlets[value].append(node)
    alone = [found[0] for found in outlets.values() if len(found) == 1]
    return {node for node in alone if node in origin and costs[node] >= EXPENSIVE}


def _is_given(node: Node) -> bool:
    """Whether a node only moves what lies in memory before the program begins."""
    while role_of(node) == "movement" and len(node.inputs) == 1:
        (node,) = node.inputs
    return role_of(node) == "leaf"


def _deepest(nodes: Iterable[Node], kept: set[Node]) -> set[Node]:
    """Nodes that cut long chains, so that nothing is computed through more than `MOST_NESTED` others.

    Reshapes and concatenations in a chain multiply what is written for each element, so they count
    for more.
    """
    found: set[Node] = set()
    depths: dict[Node, int] = {}
    for node in nodes:
        inside = max((depths[source] for source in node.inputs), default=0) + nesting(node)
        if inside > MOST_NESTED and role_of(node) != "leaf":
            found.add(node)
        depths[node] = 0 if node in kept or node in found else inside
    return found


class Fusion:
    """Groups the kept nodes of a graph into kernels."""

    def __init__(self, graph: Graph) -> None:
        self.kept = kept_nodes(graph)
        self.assembled = assembled(graph, self.kept)
        self.kernels: list[Kernel] = []
        self.home: dict[Node, Kernel] = {}
        self._needs: dict[int, set[int]] = {}
        self._uses: dict[Node, list[Kernel]] = {}
        for node in graph.nodes:
            if node in self.kept:
                self._place(node)

    def _place(self, node: Node) -> None:
        if node in self.assembled:
            self._start("assembly", node, node.shape, None, identity(node.shape))
        elif is_contraction(node):
            self._start("contraction", node, node.shape, None, identity(node.shape))
        elif role_of(node) == "draw":
            self._start("draw", node, node.shape, None, identity(node.shape))
        elif role_of(node) == "scatter":
            self._start("scatter", node, node.inputs[0].shape, None, identity(node.shape))
        elif is_reduction(node):
            self._place_reduction(node)
        else:
            self._place_elementwise(node)

    # -- reductions -----------------------------------------------------------------------------

    def _place_reduction(self, node: Node) -> None:
        source = node.inputs[0]
        axes = node.attrs.get("axes") or (node.attrs["axis"],)
        reduced = tuple(axis for axis in axes if source.shape[axis] != 1)
        reads = accesses(source, identity(source.shape), self.kept)
        beside = self._beside(reads) if source.size <= _SMALL else []
        for kernel in [*self._candidates(reads), *beside]:
            if kernel.kind == "nest" and self._reduction_fits(kernel, node, source.shape, reduced):
                return
        self._start("nest", node, source.shape, reduced, identity(node.shape))

    def _reduction_fits(
        self, kernel: Kernel, node: Node, shape: Shape, reduced: tuple[int, ...]
    ) -> bool:
        if kernel.shape != shape or kernel.reduced not in (None, reduced):
            return False
        outer = tuple(a for a in range(len(shape)) if a not in reduced)
        if kernel.reduced is None and not _worth_sharing(shape, outer):
            return False
        reads = tuple(accesses(node.inputs[0], identity(shape), self.kept))
        at = identity(node.shape)
        if not self._may_join(kernel, reads):
            return False
        kernel.reduced = reduced
        self._join(kernel, Member(node, at, "outer", reads))
        return True

    # -- elementwise ----------------------------------------------------------------------------

    def _place_elementwise(self, node: Node) -> None:
        reads = tuple(inner_accesses(node, identity(node.shape), self.kept))
        for kernel in self._candidates(reads):
            if self._elementwise_fits(kernel, node, reads):
                return
        self._start("nest", node, node.shape, None, identity(node.shape))

    def _elementwise_fits(self, kernel: Kernel, node: Node, reads: tuple[Access, ...]) -> bool:
        """Join the kernel if it may be. reads: what the node reads in its own axes."""
        if kernel.kind not in ("nest", "contraction"):
            return False
        everything = tuple(range(len(kernel.shape)))
        at = entry(node.shape, kernel.shape, everything)
        place = "full"
        if at is None and kernel.reduced:
            at, place = entry(node.shape, kernel.shape, kernel.outer), "outer"
        if at is None:
            return False
        if at != identity(node.shape):
            reads = tuple(inner_accesses(node, at, self.kept))
        if not self._may_join(kernel, reads):
            return False
        self._join(kernel, Member(node, at, "full" if place == "full" else "outer", reads))
        return True

    # -- kernels --------------------------------------------------------------------------------

    def _candidates(self, reads: Iterable[Access]) -> list[Kernel]:
        """Kernels to join, best first: those that compute what is read, then those that read it."""
        found: dict[int, Kernel] = {}
        homes = [self.home[a.node] for a in reads if a.node in self.home]
        for kernel in sorted(homes, key=self.kernels.index, reverse=True):
            found.setdefault(id(kernel), kernel)
        for access in reads:
            for kernel in self._uses.get(access.node, [])[-8:]:
                if kernel.kind == "nest":
                    found.setdefault(id(kernel), kernel)
        return list(found.values())

    def _beside(self, reads: Iterable[Access]) -> list[Kernel]:
        """Kernels that reduce other results of the kernels that compute what is read.

        As the last sums of partial sums that were made together: small, and a level less in one kernel.
        """
        homes = {id(home): home for a in reads if (home := self.home.get(a.node)) is not None}
        users = [
            kernel
            for home in homes.values()
            for member in home.members
            for kernel in self._uses.get(member.node, [])[-8:]
        ]
        return list({id(kernel): kernel for kernel in users if kernel.reduced}.values())

    def _may_join(self, kernel: Kernel, reads: Iterable[Access]) -> bool:
        """Whether members are read where they are computed and nothing read waits for the kernel."""
        for access in reads:
            member = kernel.member(access.node)
            if member is not None:
                if access.at != member.at:
                    return False
                continue
            home = self.home.get(access.node)
            if home is not None and (home is kernel or waits_for(home, kernel, self._needs)):
                return False
        return True

    def _start(
        self,
        kind: str,
        node: Node,
        shape: Shape,
        reduced: tuple[int, ...] | None,
        at: tuple[object, ...],
    ) -> None:
        kernel = Kernel(kind, shape, reduced)  # type: ignore[arg-type]
        self.kernels.append(kernel)
        self._needs[id(kernel)] = set()
        place = "outer" if reduced is not None else "full"
        reads = tuple(self._reads_of(node))
        self._join(kernel, Member(node, at, place, reads))  # type: ignore[arg-type]

    def _reads_of(self, node: Node) -> list[Access]:
        """What a kernel that starts with `node` reads, in axes of its domain."""
        if node in self.assembled:
            values = dict.fromkeys(value for value, _ in self.assembled[node])
            return [Access(value, identity(value.shape)) for value in values]
        if not starts_kernel(node):
            return inner_accesses(node, identity(node.shape), self.kept)
        found: list[Access] = []
        for source in node.inputs:
            stops = {operand_base(source)} if is_contraction(node) else self.kept
            found += accesses(source, identity(source.shape), stops)
        return found

    def _join(self, kernel: Kernel, member: Member) -> None:
        kernel.members.append(replace(member, phase=_phase(kernel, member)))
        self.home[member.node] = kernel
        for access in member.reads:
            home = self.home.get(access.node)
            if home is not None and home is not kernel:
                self._needs[id(kernel)].add(id(home))
            self._uses.setdefault(access.node, []).append(kernel)


def _phase(kernel: Kernel, member: Member) -> int:
    """The first pass in which everything that the member reads of its own kernel is known."""
    phase = 0
    reduces = is_reduction(member.node) and kernel.kind == "nest"
    outside_loop = member.place == "outer" and not reduces
    for access in member.reads:
        read = kernel.member(access.node)
        if read is None or read.node is member.node:
            continue
        after = read.place == "outer" and not outside_loop
        phase = max(phase, read.phase + after)
    return phase


def _worth_sharing(shape: Shape, outer: tuple[int, ...]) -> bool:
    """Whether a loop over all of `shape` may be run by its outer axes only: they are its tasks."""
    size = places = 1
    for axis, n in enumerate(shape):
        size *= n
        places *= n if axis in outer else 1
    return size <= _SMALL or places >= _WIDE_ENOUGH
