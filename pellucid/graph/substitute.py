"""The same computation with other nodes in place of some."""

from __future__ import annotations

from collections.abc import Mapping

from pellucid.graph.node import Node, apply, ordered
from pellucid.graph.origin import origin


def substituted(root: Node, replacements: Mapping[Node, Node]) -> Node:
    """`root` computed from the replacements; what they are computed from stays as it is."""
    rebuilt = dict(replacements)
    for node in ordered([root]):
        if node in rebuilt:
            continue
        inputs = [rebuilt[source] for source in node.inputs]
        if all(new is old for new, old in zip(inputs, node.inputs, strict=True)):
            rebuilt[node] = node
            continue
        with origin(node.origin):
            rebuilt[node] = apply(node.op, inputs, **node.attrs)
    return rebuilt[root]
