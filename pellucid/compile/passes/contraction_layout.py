"""Contractions get the layout that their readers need.

A layer on (batch, length, features) multiplies batch · length rows at once and reshapes the result.
Where every reader reshapes a product alike, the product gets that shape: its loops stay the same, but
what follows has the same axes and is applied while a tile of the result is in registers. Where every
reader transposes it, (AB)ᵀ = BᵀAᵀ is computed at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from pellucid.compile.passes.rewrite import with_roots
from pellucid.compile.passes.simplify import simplified
from pellucid.graph.node import Node, apply, with_inputs
from pellucid.graph.op import Shape
from pellucid.graph.origin import origin
from pellucid.graph.program import Graph


def lay_out_contractions(graph: Graph) -> Graph:
    """The graph with products that have the axes, and the order of axes, of their readers."""
    readers: dict[Node, list[Node]] = {}
    for node in graph.nodes:
        for source in set(node.inputs):
            readers.setdefault(source, []).append(node)
    roots = set(graph.roots)
    replacement: dict[Node, Node] = {}
    for node in graph.nodes:
        new = with_inputs(node, [replacement[source] for source in node.inputs])
        with origin(node.origin):
            if node.op in ("reshape", "transpose"):
                new = simplified(new)
            elif node.op == "matmul" and node not in roots and node.size:
                new = _product(new, node, readers.get(node, []))
        replacement[node] = new
    return with_roots(graph, replacement)


def _product(new: Node, node: Node, readers: Sequence[Node]) -> Node:
    """The product, or a movement of one that undoes its readers'."""
    shape = _readers_shape(node, readers)
    if shape is not None:
        return apply("reshape", [_with_axes(new, shape)], shape=node.shape)
    rank = len(node.shape)
    swap = (*range(rank - 2), rank - 1, rank - 2)
    if readers and all(r.op == "transpose" and r.attrs["order"] == swap for r in readers):
        b, a = (simplified(apply("transpose", [side], order=swap)) for side in reversed(new.inputs))
        return apply("transpose", [apply("matmul", [b, a])], order=swap)
    return new


def _readers_shape(node: Node, readers: Sequence[Node]) -> Shape | None:
    """The one shape that all readers of a product reshape it to, if only its rows are cut by that."""
    shapes = {reader.shape if reader.op == "reshape" else node.shape for reader in readers}
    if len(node.shape) != 2 or len(shapes) != 1:
        return None
    (shape,) = shapes
    cut = len(shape) > 2 and shape[-1] == node.shape[1] and prod(shape[:-1]) == node.shape[0]
    return shape if cut else None


def _with_axes(node: Node, shape: Shape) -> Node:
    """The product with its rows cut into axes, the second factor the same for all of them."""
    a, b = node.inputs
    rows = simplified(apply("reshape", [a], shape=(*shape[:-1], a.shape[1])))
    return apply("matmul", [rows, apply("broadcast", [b], shape=(*shape[:-2], *b.shape))])
