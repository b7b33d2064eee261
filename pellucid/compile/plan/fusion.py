"""Fusion: from a graph to kernels.

Node by node, each materialised node joins a kernel whose domain it shares, unless something that it
needs waits for that kernel; else it starts its own. So elementwise chains become one loop, follow a
contraction while its tile is in registers, or share the passes of a softmax or a normalisation.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from pellucid.compile.op_facts import (
    is_contraction,
    is_reduction,
    role_of,
    starts_kernel,
)
from pellucid.compile.plan.access import Access, accesses, domain_index, inner_accesses
from pellucid.compile.plan.concatenation import written_in_place
from pellucid.compile.plan.index import Indices, identity
from pellucid.compile.plan.kernels import Kernel, Kind, Member, Scope, waits_for
from pellucid.compile.plan.materialise import materialised_nodes
from pellucid.compile.plan.operands import operand_base
from pellucid.graph.node import Node
from pellucid.graph.op import Shape
from pellucid.graph.program import Graph

_WIDE_ENOUGH = 64
_SMALL = 16_384


class Fusion:
    """The materialised nodes of a graph, grouped into kernels.

    in_place: concatenations that are written in place, with their parts.
    kernel_of: the kernel that computes each node.
    """

    def __init__(self, graph: Graph) -> None:
        self.materialised = materialised_nodes(graph)
        self.in_place = written_in_place(graph, self.materialised)
        self.kernels: list[Kernel] = []
        self.kernel_of: dict[Node, Kernel] = {}
        self._needs: dict[int, set[int]] = {}
        self._uses: dict[Node, list[Kernel]] = {}
        for node in graph.nodes:
            if node in self.materialised:
                self._assign(node)

    def _assign(self, node: Node) -> None:
        if node in self.in_place:
            self._start("concatenation", node, node.shape, None, identity(node.shape))
        elif is_contraction(node):
            self._start("contraction", node, node.shape, None, identity(node.shape))
        elif role_of(node) == "draw":
            self._start("draw", node, node.shape, None, identity(node.shape))
        elif role_of(node) == "scatter":
            self._start("scatter", node, node.inputs[0].shape, None, identity(node.shape))
        elif is_reduction(node):
            self._assign_reduction(node)
        else:
            self._assign_elementwise(node)

    # -- reductions -----------------------------------------------------------------------------

    def _assign_reduction(self, node: Node) -> None:
        source = node.inputs[0]
        axes = node.attrs.get("axes") or (node.attrs["axis"],)
        reduced = tuple(axis for axis in axes if source.shape[axis] != 1)
        reads = accesses(source, identity(source.shape), self.materialised)
        siblings = self._siblings(reads) if source.size <= _SMALL else []
        for kernel in [*self._candidates(reads), *siblings]:
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
        reads = tuple(accesses(node.inputs[0], identity(shape), self.materialised))
        at = identity(node.shape)
        if not self._may_join(kernel, reads):
            return False
        kernel.reduced = reduced
        self._join(kernel, Member(node, at, "outer", reads))
        return True

    # -- elementwise ----------------------------------------------------------------------------

    def _assign_elementwise(self, node: Node) -> None:
        reads = tuple(inner_accesses(node, identity(node.shape), self.materialised))
        for kernel in self._candidates(reads):
            if self._elementwise_fits(kernel, node, reads):
                return
        self._start("nest", node, node.shape, None, identity(node.shape))

    def _elementwise_fits(self, kernel: Kernel, node: Node, reads: tuple[Access, ...]) -> bool:
        """Join the kernel if it may be. reads: what the node reads in its own axes."""
        if kernel.kind not in ("nest", "contraction"):
            return False
        everything = tuple(range(len(kernel.shape)))
        at = domain_index(node.shape, kernel.shape, everything)
        scope: Scope = "full"
        if at is None and kernel.reduced:
            at, scope = domain_index(node.shape, kernel.shape, kernel.outer), "outer"
        if at is None:
            return False
        if at != identity(node.shape):
            reads = tuple(inner_accesses(node, at, self.materialised))
        if not self._may_join(kernel, reads):
            return False
        self._join(kernel, Member(node, at, scope, reads))
        return True

    # -- kernels --------------------------------------------------------------------------------

    def _candidates(self, reads: Iterable[Access]) -> list[Kernel]:
        """Kernels to join, best first: those that compute what is read, then those that read it."""
        candidates: dict[int, Kernel] = {}
        producers = [self.kernel_of[a.node] for a in reads if a.node in self.kernel_of]
        for kernel in sorted(producers, key=self.kernels.index, reverse=True):
            candidates.setdefault(id(kernel), kernel)
        for access in reads:
            for kernel in self._uses.get(access.node, [])[-8:]:
                if kernel.kind == "nest":
                    candidates.setdefault(id(kernel), kernel)
        return list(candidates.values())

    def _siblings(self, reads: Iterable[Access]) -> list[Kernel]:
        """Kernels that reduce other results of the kernels that compute what is read.

        Such are the last sums of partial sums that one kernel computes: they are small, and one kernel
        less is one level less.
        """
        producers = [self.kernel_of[a.node] for a in reads if a.node in self.kernel_of]
        users = [
            kernel
            for producer in {id(kernel): kernel for kernel in producers}.values()
            for member in producer.members
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
            producer = self.kernel_of.get(access.node)
            if producer is kernel:
                return False
            if producer is not None and waits_for(producer, kernel, self._needs):
                return False
        return True

    def _start(
        self,
        kind: Kind,
        node: Node,
        shape: Shape,
        reduced: tuple[int, ...] | None,
        at: Indices,
    ) -> None:
        kernel = Kernel(kind, shape, reduced)
        self.kernels.append(kernel)
        self._needs[id(kernel)] = set()
        scope: Scope = "outer" if reduced is not None else "full"
        self._join(kernel, Member(node, at, scope, tuple(self._reads_of(node))))

    def _reads_of(self, node: Node) -> list[Access]:
        """What a kernel that starts with `node` reads, in axes of its domain."""
        if node in self.in_place:
            values = dict.fromkeys(value for value, _ in self.in_place[node])
            return [Access(value, identity(value.shape)) for value in values]
        if not starts_kernel(node):
            return inner_accesses(node, identity(node.shape), self.materialised)
        reads: list[Access] = []
        for source in node.inputs:
            stops = {operand_base(source)} if is_contraction(node) else self.materialised
            reads += accesses(source, identity(source.shape), stops)
        return reads

    def _join(self, kernel: Kernel, member: Member) -> None:
        kernel.members.append(replace(member, phase=_phase(kernel, member)))
        self.kernel_of[member.node] = kernel
        for access in member.reads:
            producer = self.kernel_of.get(access.node)
            if producer is not None and producer is not kernel:
                self._needs[id(kernel)].add(id(producer))
            self._uses.setdefault(access.node, []).append(kernel)


def _phase(kernel: Kernel, member: Member) -> int:
    """The first pass in which everything that the member reads of its own kernel is known."""
    phase = 0
    reduces = is_reduction(member.node) and kernel.kind == "nest"
    outside_loop = member.scope == "outer" and not reduces
    for access in member.reads:
        read = kernel.member(access.node)
        if read is None or read.node is member.node:
            continue
        after = read.scope == "outer" and not outside_loop
        phase = max(phase, read.phase + after)
    return phase


def _worth_sharing(shape: Shape, outer: tuple[int, ...]) -> bool:
    """Whether a loop over all of `shape` may be run by its outer axes only: they are its tasks."""
    size = tasks = 1
    for axis, n in enumerate(shape):
        size *= n
        tasks *= n if axis in outer else 1
    return size <= _SMALL or tasks >= _WIDE_ENOUGH
