"""Sums that are something simpler: parts side by side, one product instead of many.

What was cut into slices gets a gradient that is a sum of padded parts; where the parts lie side by
side they are concatenated instead. A weight that is used several times, as in a recurrent network,
gets a gradient that is a sum of products, A₁B₁ + A₂B₂ + …; that is the one product [A₁ A₂ …][B₁; B₂; …].
Sums are put in another order, so results are the same up to rounding, and x + 0 is x also for −0.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from pellucid.compile.passes.rewrite import with_inputs, with_roots
from pellucid.compile.shapes import squeezed
from pellucid.graph.node import Node, apply
from pellucid.graph.op import Shape
from pellucid.graph.origin import origin
from pellucid.graph.program import Graph

_FEWEST_PRODUCTS = 3
_LEAST_ROWS = 4


def merge_terms(graph: Graph) -> Graph:
    """The graph with the terms of its sums joined."""
    readers: dict[Node, list[Node]] = {}
    for node in graph.nodes:
        for source in node.inputs:
            readers.setdefault(source, []).append(node)
    inner = {
        node
        for node, found in readers.items()
        if node.op == "add" and len(found) == 1 and found[0].op == "add"
    } - set(graph.roots)
    number = {node: place for place, node in enumerate(graph.nodes)}
    made: dict[Node, Node] = {}
    for node in graph.nodes:
        made[node] = with_inputs(node, [made[source] for source in node.inputs])
        with origin(node.origin):
            if node.op == "add" and node not in inner and any(s in inner for s in node.inputs):
                terms = _terms(node, inner)
                terms.sort(key=number.__getitem__)
                made[node] = _sum(made[node], [made[term] for term in terms])
            elif node.op == "add" and node not in inner:
                made[node] = _sum(made[node], list(made[node].inputs))
    return with_roots(graph, made)


def _terms(node: Node, inner: set[Node]) -> list[Node]:
    """What is added, all the way down."""
    found: list[Node] = []
    pending = [node]
    while pending:
        for source in pending.pop().inputs:
            (pending if source in inner else found).append(source)
    return found


def _sum(node: Node, terms: list[Node]) -> Node:
    """The sum of the terms, in as few as can be; the node itself if that is all of them."""
    fewer = _without_products(_without_pads(terms))
    return node if len(fewer) == len(terms) else reduce(_added, fewer)


def _added(x: Node, y: Node) -> Node:
    return apply("add", [x, y])


# -- padded parts ---------------------------------------------------------------------------------


def _without_pads(terms: list[Node]) -> list[Node]:
    """The terms, those that are parts side by side put together."""
    groups: dict[tuple[Shape, int], list[Node]] = {}
    others: list[Node] = []
    for term in terms:
        pad = _unreshaped(term)
        axis = _padded_axis(pad)
        if axis is None:
            others.append(term)
        else:
            groups.setdefault((pad.shape, axis), []).append(pad)
    for (_, axis), pads in groups.items():
        pads.sort(key=lambda pad: _first(pad, axis))
        run: list[Node] = []
        for pad in pads:
            if run and _first(pad, axis) != _first(run[-1], axis) + run[-1].inputs[0].shape[axis]:
                others.append(_side_by_side(run, axis, terms[0].shape))
                run = []
            run.append(pad)
        others.append(_side_by_side(run, axis, terms[0].shape))
    return others


def _unreshaped(node: Node) -> Node:
    """The node below a reshape that only adds or drops axes of length 1."""
    below = node.inputs[0] if node.op == "reshape" else node
    return below if squeezed(below.shape) == squeezed(node.shape) else node


def _padded_axis(node: Node) -> int | None:
    """The one axis that a pad with zeros makes longer."""
    if node.op != "pad" or node.attrs["value"] != 0 or any(node.attrs["interior"]):
        return None
    widths = zip(node.attrs["before"], node.attrs["after"], strict=True)
    axes = [axis for axis, width in enumerate(widths) if width != (0, 0)]
    whole = len(axes) == 1 and min(*node.attrs["before"], *node.attrs["after"]) >= 0
    return axes[0] if whole else None


def _first(pad: Node, axis: int) -> int:
    found: int = pad.attrs["before"][axis]
    return found


def _side_by_side(pads: Sequence[Node], axis: int, shape: Shape) -> Node:
    """The sum of pads whose parts follow one another, in the shape that is wanted."""
    first, last = pads[0], pads[-1]
    whole = first
    if len(pads) > 1:
        whole = apply("concatenate", [pad.inputs[0] for pad in pads], axis=axis)
        before, after = first.attrs["before"], last.attrs["after"]
        if before[axis] or after[axis]:
            whole = apply("pad", [whole], **{**first.attrs, "after": after})
    return whole if whole.shape == shape else apply("reshape", [whole], shape=shape)


# -- products -------------------------------------------------------------------------------------


def _without_products(terms: list[Node]) -> list[Node]:
    """The terms, products of matrices put together where that moves less memory."""
    products = [term for term in terms if term.op == "matmul" and _is_short(term)]
    if len(products) < _FEWEST_PRODUCTS:
        return terms
    others = [term for term in terms if term not in products]
    return [_by_rows(products) or _end_to_end(products), *others]


def _end_to_end(products: Sequence[Node]) -> Node:
    a = _beside([product.inputs[0] for product in products])
    b = apply("concatenate", [product.inputs[1] for product in products], axis=0)
    return apply("matmul", [a, b])


def _by_rows(products: Sequence[Node]) -> Node | None:
    """Σ XᵢᵀYᵢ of matrices with the same rows, the sum ordered by rows, in two halves.

    Each half needs half the rows of every Xᵢ and Yᵢ, and those a thread may have computed itself
    (see `strips`): so it hands on half of a sum, not half of all that is summed.
    """
    turned = [product.inputs[0] for product in products]
    rows = products[0].inputs[1].shape[0]
    if any(x.op != "transpose" or x.shape[1] != rows for x in turned) or rows % (2 * _LEAST_ROWS):
        return None
    x, y = (
        _halves(side)
        for side in zip(*((p.inputs[0].inputs[0], p.inputs[1]) for p in products), strict=True)
    )
    product = apply("matmul", [apply("transpose", [x], order=(0, 2, 1)), y])
    total = apply("sum", [product], axes=(0,))
    return apply("reshape", [total], shape=products[0].shape)


def _halves(matrices: Sequence[Node]) -> Node:
    """Matrices of shape (rows, n) as (2, all rows of half of them, n), row by row."""
    rows, n = matrices[0].shape
    stacked = [apply("reshape", [each], shape=(rows, 1, n)) for each in matrices]
    whole = apply("concatenate", stacked, axis=1)
    return apply("reshape", [whole], shape=(2, rows // 2 * len(matrices), n))


def _is_short(product: Node) -> bool:
    """Whether its operands, which are put together, are not much more than its result."""
    a, b = product.inputs
    return len(product.shape) == 2 == len(a.shape) and a.size + b.size <= 2 * product.size


def _beside(factors: list[Node]) -> Node:
    """[A₁ A₂ …]; as a transpose of what is below the others if they are that."""
    if any(factor.op != "transpose" for factor in factors):
        return apply("concatenate", factors, axis=1)
    below = apply("concatenate", [factor.inputs[0] for factor in factors], axis=0)
    return apply("transpose", [below], order=(1, 0))
