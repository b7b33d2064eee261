"""Variances in one pass: sums of squares around a mean that do not wait for the mean.

The moments of a normalisation (`graph.reductions.moments`) are three sums, each of which needs the one
before: Σ (x − a), which gives m near the mean, Σ d of d = x − m, and Σ (d − Σd / n)². The last is
Σd² − (Σd)² / n, which is summed with Σd in one pass over memory. That cancels no digits, because d is
centred but for the rounding of m. For other d it would, so only this form is rewritten. A difference
that rounding leaves below 0 is 0.
"""

from __future__ import annotations

from pellucid.compile.passes.means import (
    Axes,
    centred_from,
    constant_over,
    is_reciprocal,
    scaled_sum,
)
from pellucid.compile.passes.rewrite import rewrite
from pellucid.graph.node import Node, apply
from pellucid.graph.program import Graph


def one_pass_variance(graph: Graph) -> Graph:
    """The graph with sums of squares around a mean computed in the pass that sums the mean."""
    return rewrite(graph, _around_mean)


def _around_mean(node: Node) -> Node:
    if node.op != "sum" or node.inputs[0].op != "square" or node.dtype.kind != "f":
        return node
    (rest,) = node.inputs[0].inputs
    axes = node.attrs["axes"]
    d = centred_from(rest, axes) if rest.op == "sub" else None
    if d is None or not _is_nearly_centred(d, axes):
        return node
    total = apply("sum", [d], axes=axes)
    mean = apply("mul", [total, constant_over(node.size / d.size, d, axes)])
    squares = apply("sum", [apply("square", [d])], axes=axes)
    centred = apply("sub", [squares, apply("mul", [total, mean])])
    zero = constant_over(0.0, d, axes)
    return apply("where", [apply("less", [centred, zero]), zero, centred])


def _is_nearly_centred(d: Node, axes: Axes) -> bool:
    """Whether d is x − (a + Σ (x − a) / n) for some a that is the same along the axes."""
    if d.op != "sub":
        return False
    x, near = d.inputs
    near = _unbroadcast(near)
    if near.op != "add":
        return False
    for first, mean in (near.inputs, reversed(near.inputs)):
        scaled = scaled_sum(mean, axes, x.shape)
        if scaled is None:
            continue
        shifted, share = scaled
        if not is_reciprocal(share, x.size // near.size, x) or shifted.op != "sub":
            continue
        whole, away = shifted.inputs
        if whole is x and _unbroadcast(away) is _unbroadcast(first):
            return True
    return False


def _unbroadcast(node: Node) -> Node:
    """The node below broadcasts."""
    while node.op == "broadcast":
        (node,) = node.inputs
    return node
