"""Simplification: the same values from fewer operations.

Nodes are rebuilt from the leaves up, each through the rule of its op; since nodes are interned, what
becomes equal becomes one. Only rules that give the same bits are here (x · 1, not x + 0, which turns
−0 into 0; division by a power of two into a product, not by 3). Nodes that no result needs are dropped.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from pellucid.compile.op_facts import role_of
from pellucid.compile.passes.rewrite import rewrite
from pellucid.compile.shapes import squeezed
from pellucid.graph.node import Literal, Node, apply
from pellucid.graph.op import TABLE, Array
from pellucid.graph.program import Graph

_FOLDED = 4_096
"""Constants are computed beforehand up to this many elements."""


def simplify(graph: Graph) -> Graph:
    """A graph of the same outputs and updates."""
    return rewrite(graph, simplified)


def simplified(node: Node) -> Node:
    """The node, or one that computes the same from simple inputs."""
    if _is_constant_work(node):
        return _folded(node)
    rule = _RULES.get(node.op)
    return node if rule is None else rule(node) or node


def constant_value(node: Node) -> float | int | bool | None:
    """The number that every element of a node is, if that is a constant."""
    while node.op in ("broadcast", "reshape"):
        node = node.inputs[0]
    if node.op != "constant" or node.size != 1:
        return None
    value: float | int | bool = node.attrs["value"].array.item()
    return value


def _is_constant_work(node: Node) -> bool:
    if role_of(node) == "leaf" or not node.inputs or node.op == "broadcast":
        return False
    return node.size <= _FOLDED and all(source.op == "constant" for source in node.inputs)


def _folded(node: Node) -> Node:
    arrays: list[Array] = [source.attrs["value"].array for source in node.inputs]
    with np.errstate(all="ignore"):
        value = TABLE[node.op].reference(*arrays, **node.attrs)
    return apply("constant", value=Literal(np.asarray(value, node.dtype).reshape(node.shape)))


def _product(node: Node) -> Node | None:
    x, y = node.inputs
    for one, other in ((x, y), (y, x)):
        if constant_value(one) == 1:
            return other
        if constant_value(one) == -1 and node.dtype.kind in "fi":
            return simplified(apply("neg", [other]))
    return apply("square", [x]) if x is y else None


def _quotient(node: Node) -> Node | None:
    x, y = node.inputs
    divisor = constant_value(y)
    if divisor is None or not math.isfinite(divisor) or divisor == 0:
        return None
    if divisor == 1:
        return x
    if abs(math.frexp(divisor)[0]) != 0.5 or not 2.0**-100 < abs(divisor) < 2.0**100:
        return None
    inverse = apply("constant", value=Literal(np.asarray(1 / divisor, node.dtype)))
    spread = apply("broadcast", [inverse], shape=node.shape) if node.shape else inverse
    return apply("mul", [x, spread])


def _difference(node: Node) -> Node | None:
    """x − 0 (0 − x is not −x where x is 0)."""
    x, y = node.inputs
    right = constant_value(y)
    if right == 0 and (node.dtype.kind != "f" or math.copysign(1, right) > 0):
        return x
    return apply("add", [x, y.inputs[0]]) if y.op == "neg" else None


def _sum(node: Node) -> Node | None:
    """x + (−y) is x − y; integers lose their zeros."""
    x, y = node.inputs
    if y.op == "neg":
        return apply("sub", [x, y.inputs[0]])
    if x.op == "neg":
        return apply("sub", [y, x.inputs[0]])
    if node.dtype.kind != "f":
        return y if constant_value(x) == 0 else x if constant_value(y) == 0 else None
    return None


def _opposite(node: Node) -> Node | None:
    (x,) = node.inputs
    return x.inputs[0] if x.op == "neg" else None


def _power(node: Node) -> Node | None:
    """Powers whose result NumPy rounds as these ops do."""
    x, y = node.inputs
    exponent = constant_value(y)
    if exponent == 1:
        return x
    return apply("square", [x]) if exponent == 2 else None


def _choice(node: Node) -> Node | None:
    condition, x, y = node.inputs
    if x is y:
        return x
    chosen = constant_value(condition)
    return None if chosen is None else x if chosen else y


def _cast(node: Node) -> Node | None:
    return node.inputs[0] if node.dtype == node.inputs[0].dtype else None


def _reshape(node: Node) -> Node | None:
    (x,) = node.inputs
    if node.shape == x.shape:
        return x
    if x.op == "reshape":
        return simplified(apply("reshape", [x.inputs[0]], shape=node.shape))
    return None


def _transpose(node: Node) -> Node | None:
    (x,) = node.inputs
    order = node.attrs["order"]
    if order == tuple(range(len(order))):
        return x
    if x.op == "transpose":
        combined = tuple(x.attrs["order"][axis] for axis in order)
        return simplified(apply("transpose", [x.inputs[0]], order=combined))
    if x.op == "concatenate" and order[-1] == len(order) - 1:
        # Neighbours stay neighbours, so each part can be written straight into the whole.
        parts = [simplified(apply("transpose", [part], order=order)) for part in x.inputs]
        return apply("concatenate", parts, axis=order.index(x.attrs["axis"]))
    return None


def _broadcast(node: Node) -> Node | None:
    (x,) = node.inputs
    if node.shape == x.shape:
        return x
    if x.op == "broadcast":
        return apply("broadcast", [x.inputs[0]], shape=node.shape)
    return None


def _slice(node: Node) -> Node | None:
    (x,) = node.inputs
    if node.shape == x.shape:
        return x
    if x.op == "convolve":
        return _slice_of_convolve(node, x)
    return _slice_of_reshape(node, x) if x.op == "reshape" else None


def _slice_of_reshape(node: Node, x: Node) -> Node | None:
    """Where the reshape only adds or drops axes of length 1, the slice goes first."""
    inner = _before_reshape(node, x)
    return None if inner is None else apply("reshape", [simplified(inner)], shape=node.shape)


def _before_reshape(node: Node, x: Node) -> Node | None:
    (source,) = x.inputs
    if squeezed(source.shape) != squeezed(x.shape) or not node.size:
        return None
    cuts = zip(x.shape, node.attrs["start"], node.attrs["stop"], node.attrs["step"], strict=True)
    rest = iter([(start, stop, step) for n, start, stop, step in cuts if n != 1])
    each = [(0, 1, 1) if n == 1 else next(rest) for n in source.shape]
    start, stop, step = (tuple(cut[i] for cut in each) for i in range(3))
    return apply("slice", [source], start=start, stop=stop, step=step)


def _slice_of_convolve(node: Node, x: Node) -> Node | None:
    """Positions that nothing reads are not computed."""
    signal, kernel = x.inputs
    stride, dilation = x.attrs["stride"], x.attrs["dilation"]
    rank = len(stride)
    start, stop, step = (list(node.attrs[name]) for name in ("start", "stop", "step"))
    others = [0, *range(rank + 1, rank + 3)]
    if any(start[a] or stop[a] != x.shape[a] or step[a] != 1 for a in others) or not node.size:
        return None
    first, last = [0] * (rank + 3), list(signal.shape)
    for axis in range(rank):
        a = axis + 1
        reach = dilation[axis] * (kernel.shape[axis] - 1)
        first[a] = start[a] * stride[axis]
        last[a] = (start[a] + (node.shape[a] - 1) * step[a]) * stride[axis] + reach + 1
    part = apply(
        "slice", [signal], start=tuple(first), stop=tuple(last), step=(1,) * len(signal.shape)
    )
    strides = tuple(s * t for s, t in zip(stride, step[1:], strict=False))
    return apply("convolve", [_unpadded(part), kernel], stride=strides, dilation=dilation)


def _unpadded(node: Node) -> Node:
    """A slice of a padded tensor as a tensor that is padded less, if it cuts only padding."""
    (x,) = node.inputs
    inner = _before_reshape(node, x) if x.op == "reshape" else None
    if inner is not None:
        return simplified(apply("reshape", [_unpadded(inner)], shape=node.shape))
    if x.op != "pad" or any(step != 1 for step in node.attrs["step"]):
        return simplified(node)
    start, before, after = node.attrs["start"], x.attrs["before"], x.attrs["after"]
    beyond = [n - stop for n, stop in zip(x.shape, node.attrs["stop"], strict=True)]
    if any(cut > width for cut, width in zip([*start, *beyond], [*before, *after], strict=True)):
        return node
    return simplified(
        apply(
            "pad",
            x.inputs,
            before=tuple(width - cut for cut, width in zip(start, before, strict=True)),
            after=tuple(width - cut for cut, width in zip(beyond, after, strict=True)),
            interior=x.attrs["interior"],
            value=x.attrs["value"],
        )
    )


def _pad(node: Node) -> Node | None:
    """Nothing added; or axes of length 1 that come after the padding."""
    (x,) = node.inputs
    if node.shape == x.shape:
        return x
    if x.op != "reshape" or squeezed(x.inputs[0].shape) != squeezed(x.shape):
        return None
    attrs = node.attrs
    widths = list(zip(attrs["before"], attrs["after"], attrs["interior"], strict=True))
    if any(n == 1 and (width[0] or width[1]) for n, width in zip(x.shape, widths, strict=True)):
        return None
    (source,) = x.inputs
    rest = iter([width for n, width in zip(x.shape, widths, strict=True) if n != 1])
    each = [(0, 0, 0) if n == 1 else next(rest) for n in source.shape]
    before, after, interior = (tuple(width[i] for width in each) for i in range(3))
    inner = apply(
        "pad", [source], before=before, after=after, interior=interior, value=attrs["value"]
    )
    return apply("reshape", [inner], shape=node.shape)


def _flip(node: Node) -> Node | None:
    (x,) = node.inputs
    return x if all(x.shape[axis] == 1 for axis in node.attrs["axes"]) else None


def _concatenate(node: Node) -> Node | None:
    axis = node.attrs["axis"]
    parts = [part for part in node.inputs if part.shape[axis]]
    if len(parts) == 1:
        return parts[0]
    if parts and len(parts) < len(node.inputs):
        return apply("concatenate", parts, axis=axis)
    return None


def _reduction(node: Node) -> Node | None:
    """Over axes of length 1 alone."""
    (x,) = node.inputs
    if x.size == 0 or any(x.shape[axis] != 1 for axis in node.attrs["axes"]):
        return None
    return simplified(apply("reshape", [x], shape=node.shape)) if node.dtype == x.dtype else None


_RULES: dict[str, Callable[[Node], Node | None]] = {
    "mul": _product,
    "div": _quotient,
    "sub": _difference,
    "add": _sum,
    "neg": _opposite,
    "pow": _power,
    "where": _choice,
    "cast": _cast,
    "stop_gradient": lambda node: node.inputs[0],
    "reshape": _reshape,
    "transpose": _transpose,
    "broadcast": _broadcast,
    "slice": _slice,
    "pad": _pad,
    "flip": _flip,
    "concatenate": _concatenate,
    "sum": _reduction,
    "max": _reduction,
}
