"""Long sums are split into partial sums, which threads share, and a sum of those (split-K).

A sum of many elements to few results is one task, or a few. Split along one of its axes it is many
partial sums, each of which reads what fits a cache. Where it is split depends on shapes alone, so the
result does not depend on the number of threads.
"""

from __future__ import annotations

from math import prod

from pellucid.compile.convolution import is_window_gradient
from pellucid.compile.op_facts import contraction_depth, is_contraction
from pellucid.compile.passes.rewrite import rewrite
from pellucid.graph.node import Node, apply
from pellucid.graph.program import Graph

_LONG_SUM = 131_072
_FEW_RESULTS = 1_024
_SOME_RESULTS = 4_096
_VERY_LONG = 4_096
"""Elements of each of `_SOME_RESULTS` that make it worthwhile to store its parts."""
_LEAST_PART = 64
_DEEP = 4_096
_DEEP_WINOGRAD = 1_024
_LONG = 1_024
_THIN = 48
_MOST_PARTS = 32
_PARTIAL_RESULTS = 262_144


def split_reductions(graph: Graph) -> Graph:
    """The graph with its long sums split."""
    return rewrite(graph, _split)


def _split(node: Node) -> Node:
    if node.op == "sum":
        return _split_sum(node)
    return _split_contraction(node) if is_contraction(node) else node


def _split_sum(node: Node) -> Node:
    (x,) = node.inputs
    axes = tuple(axis for axis in node.attrs["axes"] if x.shape[axis] != 1)
    if x.size < _LONG_SUM or not axes:
        return node
    if node.size >= (_SOME_RESULTS if x.size >= _VERY_LONG * node.size else _FEW_RESULTS):
        return node
    first, rest = axes[0], axes[1:]
    if not rest or x.shape[first] < 4:
        return _split_axis(node, x, first, axes)
    if prod(x.shape[axis] for axis in rest) < _LEAST_PART:
        return _split_axis(node, x, first, axes)
    partial = apply("sum", [x], axes=rest)
    return apply("sum", [partial], axes=(first,))


def _split_axis(node: Node, x: Node, axis: int, axes: tuple[int, ...]) -> Node:
    """Sum over one axis, cut into equal parts."""
    count = x.shape[axis]
    parts = _parts(count, x.size // node.size // _LEAST_PART)
    if parts == 1:
        return node
    shape = (*x.shape[:axis], parts, count // parts, *x.shape[axis + 1 :])
    moved = tuple(a + (a >= axis) for a in axes)
    partial = apply("sum", [apply("reshape", [x], shape=shape)], axes=moved)
    total = apply("sum", [partial], axes=(axis,))
    return apply("reshape", [total], shape=node.shape)


def _parts(count: int, most: int) -> int:
    """The largest power of two that divides, up to a limit."""
    parts = 1
    while parts * 2 <= min(most, _MOST_PARTS) and count % (parts * 2) == 0:
        parts *= 2
    return parts


def _split_contraction(node: Node) -> Node:
    deep = contraction_depth(node)
    if node.op == "matmul" and _DEEP > deep >= _LONG and _is_thin(node):
        return _split_matmul(node, 2)
    part = _DEEP_WINOGRAD if is_window_gradient(node) else _DEEP
    if deep < 2 * part or not node.size:
        return node
    most = min(deep // part, _PARTIAL_RESULTS // node.size)
    return _split_matmul(node, most) if node.op == "matmul" else _split_convolve(node, most)


def _is_thin(node: Node) -> bool:
    """Whether a product reads many times as much as it writes.

    Two halves of its sums are two halves of what is read; halves of its columns each read all of A.
    """
    a, b = node.inputs
    return a.size + b.size >= _THIN * node.size > 0


def _split_matmul(node: Node, most: int) -> Node:
    a, b = node.inputs
    parts = _parts(a.shape[-1], most)
    if parts == 1 or len(node.shape) != 2:
        return node
    (m, k), n = a.shape, b.shape[1]
    split_a = apply("reshape", [a], shape=(m, parts, k // parts))
    split_b = apply("reshape", [b], shape=(parts, k // parts, n))
    product = apply("matmul", [apply("transpose", [split_a], order=(1, 0, 2)), split_b])
    total = apply("sum", [product], axes=(0,))
    return apply("reshape", [total], shape=node.shape)


def _split_convolve(node: Node, most: int) -> Node:
    """Parts of the channels become groups, whose results are added."""
    signal, kernel = node.inputs
    groups, channels = signal.shape[-2:]
    parts = _parts(channels, most)
    if parts == 1:
        return node
    lead, window, outputs = signal.shape[:-2], kernel.shape[:-3], kernel.shape[-1]
    split_signal = apply("reshape", [signal], shape=(*lead, groups * parts, channels // parts))
    split_kernel = apply(
        "reshape", [kernel], shape=(*window, groups * parts, channels // parts, outputs)
    )
    product = apply("convolve", [split_signal, split_kernel], **node.attrs)
    apart = (*product.shape[:-2], groups, parts, outputs)
    total = apply("sum", [apply("reshape", [product], shape=apart)], axes=(len(apart) - 2,))
    return apply("reshape", [total], shape=node.shape)
