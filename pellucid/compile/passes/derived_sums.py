"""Sums that are derived from other sums.

Factors that are constant along a sum are moved out of it: Σ c·x = c·Σx. A tensor that was centred over
the same axes sums to zero: Σ (x − Σx / n) = 0, so Σ (y + c·(x − Σx / n)) = Σy. The gradients of a
normalisation are full of such sums, and each that is derived from another is one pass over memory
less. The order of products changes, so results are the same up to rounding.

What is not finite stays so. A sum that is not computed leaves 0 · Σx · c, of sums that exist anyway, in
its place: 0, or NaN where an element, a factor or the mean is NaN or infinite. So a NaN stays NaN. Of
infinities, which sum to an infinity or to NaN by their signs, the result is one or the other: c · Σx is
infinite for an infinite c also where Σ c·x adds infinities of both signs. Where finite numbers
overflow on the way the two may differ: c · Σx does not overflow where some c·x does, and Σx may
overflow where Σ c·x does not.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from math import prod

from pellucid.compile.passes.means import Axes, centred_from, constant_over, reduced_shape
from pellucid.compile.passes.rewrite import with_roots
from pellucid.graph.node import Node, apply, with_inputs
from pellucid.graph.origin import origin
from pellucid.graph.program import Graph

_MOST_FACTORS = 16


def derive_sums(graph: Graph) -> Graph:
    """The graph with sums derived from other sums where they follow from them."""
    rewriting = _DerivedSums()
    for node in graph.nodes:
        with origin(node.origin):
            rewriting.new[node] = rewriting.rewritten(node)
    return with_roots(graph, rewriting.new)


class _DerivedSums:
    """new: the node that replaces each of the old graph. Patterns are matched in the old graph."""

    def __init__(self) -> None:
        self.new: dict[Node, Node] = {}

    def rewritten(self, node: Node) -> Node:
        """The node on new inputs, or an equal one."""
        if node.op == "sum" and node.dtype.kind == "f" and node.inputs[0].size:
            return self._sum(node.inputs[0], node.attrs["axes"])
        return with_inputs(node, [self.new[source] for source in node.inputs])

    def _sum(self, x: Node, axes: Axes) -> Node:
        """Σ x over axes, which remain with length 1."""
        if x.op == "neg":
            return apply("neg", [self._sum(x.inputs[0], axes)])
        if x.op == "mul":
            return self._sum_of_product(x, axes)
        if x.op in ("add", "sub"):
            first, second = x.inputs
            zero = self._zero_sum(x, axes)
            if zero is not None:
                return zero
            zero = self._zero_sum(second, axes)
            if zero is not None:
                return apply("add", [self._sum(first, axes), zero])
            zero = self._zero_sum(first, axes)
            if zero is not None:
                return apply(x.op, [zero, self._sum(second, axes)])
        return apply("sum", [self.new[x]], axes=axes)

    def _zero_sum(self, x: Node, axes: Axes) -> Node | None:
        """0, or NaN where something in x is not finite, if Σ x over axes is 0 but for rounding."""
        if x.op == "neg":
            return self._zero_sum(x.inputs[0], axes)
        if x.op == "mul":
            constant, rest = _factors(x, axes)
            if not constant or len(rest) != 1:
                return None
            zero = self._zero_sum(rest[0], axes)
            if zero is None:
                return None
            # 0 · Σ comes first, so that no product of finite numbers overflows.
            return _product([zero, *(self._reduced(factor, axes) for factor in constant)])
        whole = centred_from(x, axes) if x.op in ("add", "sub") else None
        if whole is None:
            return None
        return _product([self._sum(whole, axes), constant_over(0, x, axes)])

    def _sum_of_product(self, x: Node, axes: Axes) -> Node:
        constant, rest = _factors(x, axes)
        outside = [self._reduced(factor, axes) for factor in constant]
        if not rest:
            count = prod(x.shape[axis] for axis in axes)
            return _product([*outside, constant_over(count, x, axes)])
        if not outside:
            return apply("sum", [self.new[x]], axes=axes)
        if len(rest) == 1:
            return _product([self._sum(rest[0], axes), *outside])
        inside = apply("sum", [_product(self.new[factor] for factor in rest)], axes=axes)
        return _product([inside, *outside])

    def _reduced(self, x: Node, axes: Axes) -> Node:
        """A tensor that is constant along axes, with axes of length 1."""
        shape = reduced_shape(x.shape, axes)
        if x.shape == shape:
            return self.new[x]
        if x.op == "broadcast":
            return apply("broadcast", [self.new[x.inputs[0]]], shape=shape)
        return apply(x.op, [self._reduced(source, axes) for source in x.inputs], **x.attrs)


def _product(factors: Iterable[Node]) -> Node:
    return reduce(lambda x, y: apply("mul", [x, y]), factors)


def _factors(x: Node, axes: Axes) -> tuple[list[Node], list[Node]]:
    """The factors of a product that are constant along axes, and the others, in order."""
    constant: list[Node] = []
    rest: list[Node] = []
    pending = [x]
    while pending:
        factor = pending.pop()
        few = len(pending) + len(constant) + len(rest) < _MOST_FACTORS
        if _is_constant(factor, axes):
            constant.append(factor)
        elif factor.op == "mul" and few:
            pending.extend(reversed(factor.inputs))
        else:
            rest.append(factor)
    return constant, rest


def _is_constant(x: Node, axes: Axes) -> bool:
    """Whether x is constant along axes, by being made of broadcasts along them."""
    if all(x.shape[axis] == 1 for axis in axes):
        return True
    if x.op == "broadcast":
        (source,) = x.inputs
        lead = len(x.shape) - len(source.shape)
        return all(axis < lead or source.shape[axis - lead] == 1 for axis in axes)
    return x.op in ("mul", "neg") and all(_is_constant(source, axes) for source in x.inputs)
