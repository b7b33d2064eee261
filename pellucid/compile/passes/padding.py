"""Values that a convolution reads with padding are computed into the padded array at once.

Such a value would be computed, stored, and copied with zeros around it. Where it is an elementwise
result that others read too, they read a slice of the padded array instead, and the copy is gone.
"""

from __future__ import annotations

from collections.abc import Sequence

from pellucid.compile.op_facts import role_of
from pellucid.compile.passes.rewrite import with_roots
from pellucid.compile.shapes import squeezed
from pellucid.graph.node import Node, apply, with_inputs
from pellucid.graph.origin import origin
from pellucid.graph.program import Graph


def compute_into_padding(graph: Graph) -> Graph:
    """The graph with values that are padded for a convolution computed into their padding."""
    nodes = graph.nodes
    chosen = _chosen(nodes, set(graph.roots))
    if not chosen:
        return graph
    replacement: dict[Node, Node] = {}
    pads: dict[Node, Node] = {}
    for node in nodes:
        if node in pads:
            replacement[node] = pads[node]
            continue
        new = with_inputs(node, [replacement[source] for source in node.inputs])
        replacement[node] = new
        if node in chosen:
            pad = chosen[node]
            before = pad.attrs["before"]
            with origin(node.origin):
                pads[pad] = apply("pad", [new], **pad.attrs)
                replacement[node] = apply(
                    "slice",
                    [pads[pad]],
                    start=before,
                    stop=tuple(b + n for b, n in zip(before, node.shape, strict=True)),
                    step=(1,) * len(before),
                )
    return with_roots(graph, replacement)


def _chosen(nodes: Sequence[Node], roots: set[Node]) -> dict[Node, Node]:
    """For each value that is computed into padding, that padding."""
    consumers: dict[Node, list[Node]] = {}
    for node in nodes:
        for source in node.inputs:
            consumers.setdefault(source, []).append(node)
    paddings: dict[Node, Node] = {}
    for node in nodes:
        if node.op != "pad" or max(node.attrs["interior"]) or not _feeds(node, consumers):
            continue
        (source,) = node.inputs
        elementwise = role_of(source) == "elementwise"
        if elementwise and source not in roots and len(consumers[source]) > 1:
            paddings.setdefault(source, node)
    return paddings


def _feeds(pad: Node, consumers: dict[Node, list[Node]]) -> bool:
    """Whether a convolution reads it, maybe with axes of length 1 more."""
    for reader in consumers.get(pad, []):
        if reader.op == "convolve":
            return True
        if reader.op == "reshape" and squeezed(reader.shape) == squeezed(pad.shape):
            return any(after.op == "convolve" for after in consumers.get(reader, []))
    return False
