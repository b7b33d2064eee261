"""Rebuilding a graph node by node."""

from __future__ import annotations

from collections.abc import Callable

from pellucid.graph.node import Node, apply
from pellucid.graph.origin import origin
from pellucid.graph.program import Graph


def rewrite(graph: Graph, rule: Callable[[Node], Node]) -> Graph:
    """The graph whose nodes, from the leaves up, are replaced by what `rule` makes of them.

    The rule is given each node on its new inputs.
    """
    found: dict[Node, Node] = {}
    for node in graph.nodes:
        with origin(node.origin):
            found[node] = rule(with_inputs(node, [found[source] for source in node.inputs]))
    return with_roots(graph, found)


def with_inputs(node: Node, inputs: list[Node]) -> Node:
    """The same op on other inputs."""
    if all(a is b for a, b in zip(inputs, node.inputs, strict=True)):
        return node
    with origin(node.origin):
        return apply(node.op, inputs, **node.attrs)


def with_roots(graph: Graph, found: dict[Node, Node]) -> Graph:
    """The graph with every root replaced."""
    return Graph(
        {name: found[node] for name, node in graph.outputs.items()},
        {state: found[node] for state, node in graph.updates.items()},
    )
