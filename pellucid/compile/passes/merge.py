"""Terms of sums are merged: padded parts into concatenations, contractions into one.

The gradient of a tensor that was sliced is a sum of padded parts; parts side by side are concatenated
instead. The gradient of a weight that is used several times, as in a recurrent network, is a sum of
products, A₁B₁ + A₂B₂ + …, which is the one product [A₁ A₂ …][B₁; B₂; …]. The order of sums changes, so
results are the same up to rounding, and x + 0 is x also for −0.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from pellucid.compile.passes.rewrite import with_roots
from pellucid.compile.shapes import squeezed
from pellucid.graph.node import Node, apply, with_inputs
from pellucid.graph.op import Shape
from pellucid.graph.origin import origin
from pellucid.graph.program import Graph

_FEWEST_PRODUCTS = 3
_LEAST_ROWS = 4


def merge_terms(graph: Graph) -> Graph:
    """The graph with the terms of its sums merged."""
    readers: dict[Node, list[Node]] = {}
    for node in graph.nodes:
        for source in node.inputs:
            readers.setdefault(source, []).append(node)
    inner = {
        node
        for node, read_by in readers.items()
        if node.op == "add" and len(read_by) == 1 and read_by[0].op == "add"
    } - set(graph.roots)
    number = {node: position for position, node in enumerate(graph.nodes)}
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
    """The terms of a sum of sums."""
    terms: list[Node] = []
    pending = [node]
    while pending:
        for source in pending.pop().inputs:
            (pending if source in inner else terms).append(source)
    return terms


def _sum(node: Node, terms: list[Node]) -> Node:
    """The sum of the merged terms; the node itself if none can be merged."""
    merged = _merge_products(_merge_pads(terms))
    return node if len(merged) == len(terms) else reduce(_added, merged)


def _added(x: Node, y: Node) -> Node:
    return apply("add", [x, y])


# -- padded parts ---------------------------------------------------------------------------------


def _merge_pads(terms: list[Node]) -> list[Node]:
    """The terms, with padded parts that lie side by side concatenated."""
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
    before: int = pad.attrs["before"][axis]
    return before


def _side_by_side(pads: Sequence[Node], axis: int, shape: Shape) -> Node:
    """The sum of pads whose parts follow one another, reshaped to `shape`."""
    first, last = pads[0], pads[-1]
    whole = first
    if len(pads) > 1:
        whole = apply("concatenate", [pad.inputs[0] for pad in pads], axis=axis)
        before, after = first.attrs["before"], last.attrs["after"]
        if before[axis] or after[axis]:
            whole = apply("pad", [whole], **{**first.attrs, "after": after})
    return whole if whole.shape == shape else apply("reshape", [whole], shape=shape)


# -- products -------------------------------------------------------------------------------------


def _merge_products(terms: list[Node]) -> list[Node]:
    """The terms, with products of matrices merged where that moves less memory."""
    products = [term for term in terms if term.op == "matmul" and _is_short(term)]
    if len(products) < _FEWEST_PRODUCTS:
        return terms
    others = [term for term in terms if term not in products]
    return [_by_rows(products) or _end_to_end(products), *others]


def _end_to_end(products: Sequence[Node]) -> Node:
    a = _side_by_side_factors([product.inputs[0] for product in products])
    b = apply("concatenate", [product.inputs[1] for product in products], axis=0)
    return apply("matmul", [a, b])


def _by_rows(products: Sequence[Node]) -> Node | None:
    """Σ XᵢᵀYᵢ of matrices with the same rows, the sum ordered by rows, in two halves.

    Each half needs half the rows of every Xᵢ and Yᵢ, and those a thread may have computed itself
    (see `plan.row_blocks`). So it passes on half of a sum, not half of all that is summed.
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
    """Whether its operands, which are concatenated, are not much larger than its result."""
    a, b = product.inputs
    return len(product.shape) == 2 == len(a.shape) and a.size + b.size <= 2 * product.size


def _side_by_side_factors(factors: list[Node]) -> Node:
    """[A₁ A₂ …]; of transposes, the transpose of their concatenated sources."""
    if any(factor.op != "transpose" for factor in factors):
        return apply("concatenate", factors, axis=1)
    below = apply("concatenate", [factor.inputs[0] for factor in factors], axis=0)
    return apply("transpose", [below], order=(1, 0))
