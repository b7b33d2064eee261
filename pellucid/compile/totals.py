"""Sums that follow from other sums.

Factors that are the same all along a sum are taken out of it: Σ c·x = c·Σx. What was centred over the
same axes adds up to nothing: Σ (x − Σx / n) = 0, so Σ (y + c·(x − Σx / n)) = Σy. The gradients of a
normalisation are full of such sums, and each that follows from another is one pass over memory less.
Products are put in another order, so results are the same up to rounding.

What is not finite stays so. A sum that is not taken leaves 0 · Σx · c in its place, of the sums that exist
anyway: 0, or NaN where an element, a factor or the mean is NaN or infinite. So NaN stays NaN, and an infinity
becomes an infinity or NaN. Only where finite numbers overflow on the way can the two differ: a product c·x
beyond the largest number is not computed where Σx is, and Σx may overflow where Σ c·x does not.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from math import prod

import numpy as np

from pellucid.compile.access import squeezed
from pellucid.compile.rewrite import on, with_nodes
from pellucid.compile.simplify import number
from pellucid.graph.node import Literal, Node, apply
from pellucid.graph.op import Shape
from pellucid.graph.origin import origin
from pellucid.graph.program import Graph

Axes = tuple[int, ...]
_MOST_FACTORS = 16


def fewer_sums(graph: Graph) -> Graph:
    """The graph whose sums are taken from others where they follow from them."""
    work = _Totals()
    for node in graph.nodes:
        with origin(node.origin):
            work.new[node] = work.rewritten(node)
    return with_nodes(graph, work.new)


class _Totals:
    """new: what each node of the old graph became. Patterns are looked for in the old graph."""

    def __init__(self) -> None:
        self.new: dict[Node, Node] = {}

    def rewritten(self, node: Node) -> Node:
        """The node on new inputs, or what is equal to it."""
        if node.op == "sum" and node.dtype.kind == "f" and node.inputs[0].size:
            return self._total(node.inputs[0], node.attrs["axes"])
        return on(node, [self.new[source] for source in node.inputs])

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
        centred = _centred(x, axes) if x.op in ("add", "sub") else None
        if centred is None:
            return None
        return _product([self._total(centred, axes), _number(0, x, axes)])

    def _total_of_product(self, x: Node, axes: Axes) -> Node:
        steady, rest = _factors(x, axes)
        outside = [self._reduced(factor, axes) for factor in steady]
        if not rest:
            count = prod(x.shape[axis] for axis in axes)
            return _product([*outside, _number(count, x, axes)])
        if not outside:
            return apply("sum", [self.new[x]], axes=axes)
        if len(rest) == 1:
            return _product([self._total(rest[0], axes), *outside])
        inside = apply("sum", [_product(self.new[factor] for factor in rest)], axes=axes)
        return _product([inside, *outside])

    def _reduced(self, x: Node, axes: Axes) -> Node:
        """What is the same all along axes, once: with axes of length 1."""
        shape = _kept_shape(x.shape, axes)
        if x.shape == shape:
            return self.new[x]
        if x.op == "broadcast":
            return apply("broadcast", [self.new[x.inputs[0]]], shape=shape)
        return apply(x.op, [self._reduced(source, axes) for source in x.inputs], **x.attrs)


def _product(factors: Iterable[Node]) -> Node:
    return reduce(lambda x, y: apply("mul", [x, y]), factors)


def _number(value: float, x: Node, axes: Axes) -> Node:
    """A number for each sum of x over axes."""
    constant = apply("constant", value=Literal(np.asarray(value, x.dtype)))
    shape = _kept_shape(x.shape, axes)
    return apply("broadcast", [constant], shape=shape) if shape else constant


def _kept_shape(shape: Shape, axes: Axes) -> Shape:
    return tuple(1 if axis in axes else n for axis, n in enumerate(shape))


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


def _centred(x: Node, axes: Axes) -> Node | None:
    """y if x is y − Σy / n over axes."""
    for whole, other in (x.inputs, reversed(x.inputs)):
        sign = -1.0 if x.op == "sub" else 1.0
        found = _share_of_sum(other, axes, x.shape)
        if found is None:
            continue
        summed, share = found
        if summed.op == "neg" and summed is not whole:
            summed, share = summed.inputs[0], -share
        if summed is whole and _is_rounded(-sign * share, prod(x.shape[a] for a in axes), x):
            return whole
    return None


def _is_rounded(share: float, count: int, x: Node) -> bool:
    """Whether a factor is the number of x's type that is nearest to 1 / count."""
    kind = x.dtype.type
    return bool(kind(share) == kind(1.0 / count))


def _share_of_sum(x: Node, axes: Axes, shape: Shape) -> tuple[Node, float] | None:
    """(y, c) if x is c · Σy over axes, repeated."""
    share = 1.0
    while x.op in ("broadcast", "reshape", "mul", "div", "neg"):
        if x.op == "neg":
            share = -share
        elif x.op == "div":
            divisor = number(x.inputs[1])
            if not divisor:
                return None
            share /= float(divisor)
        elif x.op == "mul":
            factors = [number(source) for source in x.inputs]
            known = [factor for factor in factors if factor is not None]
            if len(known) != 1:
                return None
            share *= float(known[0])
            x = x.inputs[0 if factors[0] is None else 1]
            continue
        elif x.op == "reshape" and squeezed(x.shape) != squeezed(x.inputs[0].shape):
            return None
        x = x.inputs[0]
    if x.op != "sum" or x.inputs[0].shape != shape or set(x.attrs["axes"]) != set(axes):
        return None
    return x.inputs[0], share
