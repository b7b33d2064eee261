"""Kernels: which nodes are computed together, over which domain.

A graph becomes a list of kernels. A kernel computes its members over one domain and stores those
that something else reads; whatever lies between members and buffers is computed in place.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal

from pellucid.compile.op_facts import role_of
from pellucid.compile.plan.access import Access
from pellucid.compile.plan.index import Indices
from pellucid.graph.node import Node, State, ordered
from pellucid.graph.op import Shape

Kind = Literal["nest", "contraction", "draw", "scatter", "concatenation"]
"""A concatenation computes nothing: the kernels of its parts write it (see `plan.concatenation`)."""
Scope = Literal["full", "outer"]


@dataclass(frozen=True)
class Member:
    """A node that a kernel computes.

    at:    its indices in axes of the domain.
    scope: whether it has a value at every point of the domain ("full"), or one for each point of the
           axes that are not reduced ("outer").
    reads: the elements of buffers and other members that computing it reads.
    phase: in which pass over the reduced axes it is computed (outer members: after which pass).
    """

    node: Node
    at: Indices
    scope: Scope
    reads: tuple[Access, ...]
    phase: int = 0


@dataclass
class Kernel:
    """Members over a domain of shape `shape`, reduced over the axes in `reduced`."""

    kind: Kind
    shape: Shape
    reduced: tuple[int, ...] | None = None
    members: list[Member] = field(default_factory=list)
    name: str = ""
    copies: State | None = None
    """For a kernel that only copies its member's value, the state that it is copied to."""
    panels: Node | None = None
    """For a contraction, its second factor as another kernel packed it (see `plan.packing`)."""
    row_block: int = 0
    """Rows of the first axis that a task takes, if it is partitioned by rows (see `plan.row_blocks`)."""

    @property
    def outer(self) -> tuple[int, ...]:
        """The axes that are not reduced."""
        gone = self.reduced or ()
        return tuple(axis for axis in range(len(self.shape)) if axis not in gone)

    def member(self, node: Node) -> Member | None:
        """The member that is this node."""
        return next((member for member in self.members if member.node is node), None)

    def nodes(self) -> set[Node]:
        """The members' nodes."""
        return {member.node for member in self.members}

    def read_nodes(self) -> set[Node]:
        """Every node outside the kernel that it reads."""
        own = self.nodes()
        return {a.node for member in self.members for a in member.reads if a.node not in own}


def computed_nodes(kernel: Kernel) -> list[Node]:
    """Every node that a kernel computes, each after its inputs.

    The members and what lies between them and the kernel's buffers.
    """
    stops = kernel.read_nodes()

    def is_computed(node: Node) -> bool:
        return node not in stops and role_of(node) != "leaf"

    nodes = ordered([member.node for member in kernel.members], is_computed)
    return [node for node in nodes if is_computed(node)]


@dataclass(frozen=True)
class Target:
    """Where a member is stored beside the arena: an output, or a state."""

    kind: Literal["output", "state"]
    name: str = ""
    state: State | None = None


def waits_for(kernel: Kernel, other: Kernel, needs: Mapping[int, Collection[int]]) -> bool:
    """Whether `kernel` needs `other`, directly or not, by what each needs, all named by `id`."""
    pending, seen = [id(kernel)], set()
    while pending:
        here = pending.pop()
        if here == id(other):
            return True
        if here not in seen:
            seen.add(here)
            pending.extend(needs[here])
    return False
