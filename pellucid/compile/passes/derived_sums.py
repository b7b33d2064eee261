"""Sums that follow from other sums.

Factors that are the same all along a sum are taken out of it: Σ c·x = c·Σx. What was centred over the
same axes adds up to nothing: Σ (x − Σx / n) = 0, so Σ (y + c·(x − Σx / n)) = Σy. The gradients of a
normalisation are full of such sums, and each that follows from another is one pass over memory less.
Products are put in another order, so results are the same up to rounding.

What is not finite stays so. A sum that is not taken leaves 0 · Σx · c, of sums that exist anyway, in its
place: 0, or NaN where an element, a factor or the mean is NaN or infinite. So a NaN stays NaN. Of
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
from pellucid.compile.passes.rewrite import with_inputs, with_roots
from pellucid.graph.node import Node, apply
from pellucid.graph.origin import origin
from pellucid.graph.program import Graph

_MOST_FACTORS = 16


def derive_sums(graph: Graph) -> Graph:
    """The graph whose sums are taken from others where they follow from them."""
    work = _Totals()
    for node in graph.nodes:
        with origin(node.origin):
            work.new[node] = work.rewritten(node)
    return with_roots(graph, work.new)


class _Totals:
    """new: what each node of the old graph became. Patterns are looked for in the old graph."""

    def __init__(self) -> None:
        self.new: dict[Node, Node] = {}

    def rewritten(self, node: Node) -> Node:
        """The node on new inputs, or what is equal to it."""
        if node.op == "sum" and node.dtype.kind == "f" and node.inputs[0].size:
            return self._total(node.inputs[0], node.attrs["axes"])
        return with_inputs(node, [self.new[source] for source in node.inputs])

    def _total(self, x: Node, axes: Axes) -> Node:
        """Σ x over axes, which are kept with length 1."""
        if x.op == "neg":
            return apply("neg", [self._total(x.inputs[0], axes)])
        if x.op == "mul":
            return self._total_of_product(x, axes)
        if x.op in ("add", "sub"):
            first, second = x.inputs
            nothing = self._nothing(x, axes)
            if nothing is not None:
                return nothing
            nothing = self._nothing(second, axes)
            if nothing is not None:
                return apply("add", [self._total(first, axes), nothing])
            nothing = self._nothing(first, axes)
            if nothing is not None:
                return apply(x.op, [nothing, self._total(second, axes)])
        return apply("sum", [self.new[x]], axes=axes)

    def _nothing(self, x: Node, axes: Axes) -> Node | None:
        """0, or NaN where something in x is not finite, if Σ x over axes is 0 but for rounding."""
        if x.op == "neg":
            return self._nothing(x.inputs[0], axes)
        if x.op == "mul":
            steady, rest = _factors(x, axes)
            if not steady or len(rest) != 1:
                return None
            nothing = self._nothing(rest[0], axes)
            if nothing is None:
                return None
            # 0 · Σ comes first, so that no product of finite numbers overflows.
            return _product([nothing, *(self._reduced(factor, axes) for factor in steady)])
        whole = centred_from(x, axes) if x.op in ("add", "sub") else None
        if whole is None:
            return None
        return _product([self._total(whole, axes), constant_over(0, x, axes)])

    def _total_of_product(self, x: Node, axes: Axes) -> Node:
        steady, rest = _factors(x, axes)
        outside = [self._reduced(factor, axes) for factor in steady]
        if not rest:
            count = prod(x.shape[axis] for axis in axes)
            return _product([*outside, constant_over(count, x, axes)])
        if not outside:
            return apply("sum", [self.new[x]], axes=axes)
        if len(rest) == 1:
            return _product([self._total(rest[0], axes), *outside])
        inside = apply("sum", [_product(self.new[factor] for factor in rest)], axes=axes)
        return _product([inside, *outside])

    def _reduced(self, x: Node, axes: Axes) -> Node:
        """What is the same all along axes, once: with axes of length 1."""
        shape = reduced_shape(x.shape, axes)
        if x.shape == shape:
            return self.new[x]
        if x.op == "broadcast":
            return apply("broadcast", [self.new[x.inputs[0]]], shape=shape)
        return apply(x.op, [self._reduced(source, axes) for source in x.inputs], **x.attrs)


def _product(factors: Iterable[Node]) -> Node:
    return reduce(lambda x, y: apply("mul", [x, y]), factors)


def _factors(x: Node, axes: Axes) -> tuple[list[Node], list[Node]]:
    """The factors of a product that are the same all along axes, and the others, in order."""
    steady: list[Node] = []
    rest: list[Node] = []
    pending = [x]
    while pending:
        factor = pending.pop()
        few = len(pending) + len(steady) + len(rest) < _MOST_FACTORS
        if _is_steady(factor, axes):
            steady.append(factor)
        elif factor.op == "mul" and few:
            pending.extend(reversed(factor.inputs))
        else:
            rest.append(factor)
    return steady, rest


def _is_steady(x: Node, axes: Axes) -> bool:
    """Whether x is the same all along axes, by being made of broadcasts along them."""
    if all(x.shape[axis] == 1 for axis in axes):
        return True
    if x.op == "broadcast":
        (source,) = x.inputs
        lead = len(x.shape) - len(source.shape)
        return all(axis < lead or source.shape[axis - lead] == 1 for axis in axes)
    return x.op in ("mul", "neg") and all(_is_steady(source, axes) for source in x.inputs)
