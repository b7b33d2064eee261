"""The plan of a program: kernels in levels, and where every value lies.

Kernels of one level need nothing of each other, so threads share them without waiting. A state is
updated in place by the kernel that computes its new value, which therefore runs after every kernel
that reads the old one; where that cannot be, the new value is copied at the end.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from pellucid.compile.machine import Machine
from pellucid.compile.op_facts import has_buffer
from pellucid.compile.plan.arena import allocate
from pellucid.compile.plan.concatenation import Part
from pellucid.compile.plan.fusion import Fusion
from pellucid.compile.plan.index import identity
from pellucid.compile.plan.kernels import Kernel, Member, Target
from pellucid.compile.plan.packing import pack_shared_factors
from pellucid.compile.plan.row_blocks import Region, barrier_free_regions, partition_rows
from pellucid.compile.plan.schedule import Schedule
from pellucid.graph.node import Node, State
from pellucid.graph.program import Graph

_AVX2 = Machine(8, 16)


@dataclass
class Plan:
    """What a program does and where.

    materialised: nodes that have a value of their own, in memory or in a kernel's registers.
    levels:       kernels that may run side by side, level after level.
    regions:      runs of levels between which there is no barrier.
    targets:      where else than in the arena each materialised node is stored.
    offsets:      bytes from the beginning of the arena to each node that lies there.
    arena_bytes:  the size of the arena.
    parts:        the concatenations that a value is written into, and where in them.
    """

    graph: Graph
    kernels: list[Kernel]
    materialised: set[Node]
    targets: dict[Node, list[Target]] = field(default_factory=dict)
    levels: list[list[Kernel]] = field(default_factory=list)
    regions: list[Region] = field(default_factory=list)
    offsets: dict[Node, int] = field(default_factory=dict)
    arena_bytes: int = 0
    parts: dict[Node, list[Part]] = field(default_factory=dict)


def make_plan(graph: Graph, machine: Machine = _AVX2) -> Plan:
    """Fuse a graph into kernels, order them, and give every value an offset."""
    fusion = Fusion(graph)
    pack_shared_factors(fusion.kernels, fusion.materialised, machine)
    plan = Plan(graph, fusion.kernels, fusion.materialised)
    for parts in fusion.in_place.values():
        for value, part in parts:
            plan.parts.setdefault(value, []).append(part)
    schedule = Schedule(plan.kernels)
    for name, node in graph.outputs.items():
        plan.targets.setdefault(node, []).append(Target("output", name))
    copied: list[tuple[State, Node]] = []
    for state, node in graph.updates.items():
        if schedule.may_overwrite(state, node):
            schedule.overwrite(state, node)
            plan.targets.setdefault(node, []).append(Target("state", state=state))
        else:
            copied.append((state, node))
    plan.levels = schedule.levels()
    partition_rows(plan.levels, machine)
    if copied:
        plan.levels.append([_copy(plan, state, node) for state, node in copied])
    plan.regions = barrier_free_regions(plan.levels, plan.targets, plan.parts)
    to_the_end = [node for _, node in copied if _may_be_lost(node, graph)]
    plan.offsets, plan.arena_bytes = allocate(plan.levels, plan.regions, plan.parts, to_the_end)
    plan.levels = [[k for k in level if k.kind != "concatenation"] for level in plan.levels]
    for number, kernel in enumerate(k for level in plan.levels for k in level):
        kernel.name = f"{kernel.kind}_{number}"
    return plan


def _may_be_lost(node: Node, graph: Graph) -> bool:
    """Whether a value is gone at the end of a step unless it is stored (states may be swapped)."""
    return not has_buffer(node) or (node.op == "state" and node.attrs["state"] in graph.updates)


def _copy(plan: Plan, state: State, node: Node) -> Kernel:
    """A kernel that writes a value into a state after everything else."""
    kernel = Kernel("nest", node.shape)
    at = identity(node.shape)
    kernel.members.append(Member(node, at, "full", ()))
    kernel.copies = state
    plan.kernels.append(kernel)
    return kernel
