"""Rewriting a graph node by node."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pellucid.graph.node import Node, with_inputs
from pellucid.graph.origin import origin
from pellucid.graph.program import Graph


def rewrite(graph: Graph, rule: Callable[[Node], Node]) -> Graph:
    """The graph with each node replaced, from the leaves up, by the result of `rule`.

    The rule is given each node on its new inputs.
    """
    new: dict[Node, Node] = {}
    for node in graph.nodes:
        with origin(node.origin):
            new[node] = rule(with_inputs(node, [new[source] for source in node.inputs]))
    return with_roots(graph, new)


def with_roots(graph: Graph, new: Mapping[Node, Node]) -> Graph:
    """The graph with every root replaced."""
    return Graph(
        {name: new[node] for name, node in graph.outputs.items()},
        {state: new[node] for state, node in graph.updates.items()},
    )
