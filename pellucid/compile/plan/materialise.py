"""Materialised nodes: which values of a graph get memory, or registers, of their own.

Those that start a kernel (contractions, reductions, draws, scatters), results, and expensive values
that several others read. Everything else is computed again wherever it is read: a normalised value
costs three operations, less than reading it from memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

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
from pellucid.compile.plan.operands import MOST_NESTED, nesting, operand_base
from pellucid.graph.node import Node
from pellucid.graph.program import Graph

_RECOMPUTED = 4
"""From this cost on a value is materialised if it would be computed again for many elements."""
_OFTEN = 16
"""A function of a reduction's result alone that is read so many times is materialised: where the
reduction ends it costs nothing."""


def materialised_nodes(graph: Graph) -> set[Node]:
    """The nodes of a graph that are materialised."""
    nodes = graph.nodes
    consumers: dict[Node, list[Node]] = {node: [] for node in nodes}
    for node in nodes:
        for source in set(node.inputs):
            consumers[source].append(node)
    materialised = {node for node in nodes if starts_kernel(node)}
    materialised.update(graph.roots)
    costs = _add_recomputed(nodes, consumers, materialised)
    readers: dict[Node, set[Node]] = {}
    for node in reversed(nodes):
        read_by: set[Node] = set()
        for consumer in consumers[node]:
            read_by |= {consumer} if consumer in materialised else readers[consumer]
        readers[node] = read_by
        if costs[node] >= EXPENSIVE and len(read_by) > 1 and _is_computed(node):
            materialised.add(node)
    materialised |= _derivatives(graph, consumers, materialised, costs)
    for node in nodes:
        if is_contraction(node):
            bases = map(operand_base, node.inputs)
            materialised.update(base for base in bases if not has_buffer(base))
    return materialised | _deepest(nodes, materialised)


def _is_computed(node: Node) -> bool:
    """Whether materialising a node saves computing; of elements that only move, the source is stored."""
    return role_of(node) == "elementwise" and not has_buffer(node)


def _add_recomputed(
    nodes: Sequence[Node], consumers: Mapping[Node, Sequence[Node]], materialised: set[Node]
) -> dict[Node, int]:
    """Add what would be computed again for many elements; returns the cost of computing each node.

    A value that is padded before it is repeated is materialised with its padding.
    """
    repeats = _repeated_sizes(nodes, consumers)
    costs: dict[Node, int] = {}
    of_reductions: set[Node] = set()
    for node in nodes:
        costs[node] = 0
        if node in materialised or has_buffer(node):
            continue
        cost = min(sum(costs[source] for source in node.inputs) + own_cost(node), 1000)
        computed = _is_computed(node) or node.op == "pad"
        if any(source in of_reductions or _is_reduced_value(source) for source in node.inputs):
            of_reductions.add(node)
        often = node in of_reductions and repeats[node] >= _OFTEN * node.size
        if computed and cost >= (1 if often else _RECOMPUTED) and repeats[node] > node.size:
            materialised.add(node)
        else:
            costs[node] = cost
    return costs


def _repeated_sizes(
    nodes: Sequence[Node], consumers: Mapping[Node, Sequence[Node]]
) -> dict[Node, int]:
    """For how many elements each node is read through movement, at most; 0 if it is not."""
    sizes: dict[Node, int] = {}
    for node in reversed(nodes):
        moving = [c for c in consumers[node] if role_of(c) == "movement" and c.op != "pad"]
        sizes[node] = max((max(c.size, sizes[c]) for c in moving), default=0)
    return sizes


def _is_reduced_value(node: Node) -> bool:
    return is_reduction(node) and not OP_FACTS[node.op].position


def _derivatives(
    graph: Graph,
    consumers: Mapping[Node, Sequence[Node]],
    materialised: set[Node],
    costs: Mapping[Node, int],
) -> set[Node]:
    """Expensive functions of a contraction that, with materialised ones, are all that is read of it.

    Such is the derivative of an activation in the backward pass: computed with the activation, it
    shares the activation's work, and takes the place of the contraction's result in memory.
    """
    argument: dict[Node, Node] = {}
    for node in graph.nodes:
        arguments = {argument.get(x, x) for x in node.inputs if not _is_moved_leaf(x)}
        value = arguments.pop() if len(arguments) == 1 else node
        if value in materialised and _is_computed(node) and is_contraction(value):
            argument[node] = value
    outlets: dict[Node, list[Node]] = {
        argument[node]: [] for node in materialised if node in argument
    }
    for node in graph.nodes:
        value = argument.get(node, node)
        leaves = any(argument.get(consumer) is not value for consumer in consumers[node])
        if value in outlets and leaves and (node is value or node not in materialised):
            outlets[value].append(node)
    alone = [functions[0] for functions in outlets.values() if len(functions) == 1]
    return {node for node in alone if node in argument and costs[node] >= EXPENSIVE}


def _is_moved_leaf(node: Node) -> bool:
    """Whether a node only moves elements that lie in memory before the program begins."""
    while role_of(node) == "movement" and len(node.inputs) == 1:
        (node,) = node.inputs
    return role_of(node) == "leaf"


def _deepest(nodes: Iterable[Node], materialised: set[Node]) -> set[Node]:
    """Nodes that cut long chains: nothing is computed through more than `MOST_NESTED` others."""
    cuts: set[Node] = set()
    depths: dict[Node, int] = {}
    for node in nodes:
        depth = max((depths[source] for source in node.inputs), default=0) + nesting(node)
        if depth > MOST_NESTED and role_of(node) != "leaf":
            cuts.add(node)
        depths[node] = 0 if node in materialised or node in cuts else depth
    return cuts
