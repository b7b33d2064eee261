"""Means in a graph: recognises Σ x / n and x − Σ x / n.

The factor must be the number of the type that is nearest to 1 / n: any other is another value, which may
be far from the mean where x is far from 0.
"""

from __future__ import annotations

from math import prod

import numpy as np

from pellucid.compile.passes.simplify import constant_value
from pellucid.compile.shapes import squeezed
from pellucid.graph.node import Literal, Node, apply
from pellucid.graph.op import Shape

Axes = tuple[int, ...]


def reduced_shape(shape: Shape, axes: Axes) -> Shape:
    """The shape of a reduction over axes, which remain with length 1."""
    return tuple(1 if axis in axes else n for axis, n in enumerate(shape))


def constant_over(value: float, x: Node, axes: Axes) -> Node:
    """A number for each sum of x over axes."""
    constant = apply("constant", value=Literal(np.asarray(value, x.dtype)))
    shape = reduced_shape(x.shape, axes)
    return apply("broadcast", [constant], shape=shape) if shape else constant


def centred_from(x: Node, axes: Axes) -> Node | None:
    """y if x is y − Σy / n over axes."""
    for whole, other in (x.inputs, reversed(x.inputs)):
        sign = -1.0 if x.op == "sub" else 1.0
        scaled = scaled_sum(other, axes, x.shape)
        if scaled is None:
            continue
        summed, share = scaled
        if summed.op == "neg" and summed is not whole:
            summed, share = summed.inputs[0], -share
        if summed is whole and is_reciprocal(-sign * share, prod(x.shape[a] for a in axes), x):
            return whole
    return None


def is_reciprocal(share: float, count: int, x: Node) -> bool:
    """Whether a factor is the number of x's type that is nearest to 1 / count."""
    kind = x.dtype.type
    return bool(kind(share) == kind(1.0 / count))


def scaled_sum(x: Node, axes: Axes, shape: Shape) -> tuple[Node, float] | None:
    """(y, c) if x is c · Σy over axes, broadcast."""
    share = 1.0
    while x.op in ("broadcast", "reshape", "mul", "div", "neg"):
        if x.op == "neg":
            share = -share
        elif x.op == "div":
            divisor = constant_value(x.inputs[1])
            if not divisor:
                return None
            share /= float(divisor)
        elif x.op == "mul":
            factors = [constant_value(source) for source in x.inputs]
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
