"""What the compiler knows of each op: the table that passes, planner and emitters read.

The op table of the graph says what an op computes; this one says how it is compiled. An op without an
entry has no lowering, and a graph that holds one is run by the reference. Nothing here imports code
generation: an elementwise op names its emitter by a key of `emit.scalar_ops.EMITTERS`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import prod
from typing import Literal

from pellucid.graph.node import Node

Role = Literal[
    "leaf", "elementwise", "movement", "gather", "contraction", "reduction", "draw", "scatter"
]
"""How an op is computed.

leaf: from no other value. elementwise: from the elements at the same index. movement: each element
is one of the inputs' or a fill value, and reading it is arithmetic on indices. gather: the same with
an index from the data. A contraction, a reduction, a draw or a scatter starts a kernel.
"""

EXPENSIVE = 8
"""From this cost on a value that several kernels read is computed once and stored."""


@dataclass(frozen=True, slots=True)
class OpFacts:
    """What the compiler knows of an op.

    role:     how it is computed.
    cost:     rough instructions for each element, beside those of its inputs.
    emitter:  for an elementwise op, the key of the function that writes its code.
    strided:  for a movement, whether it maps indices to indices by strides and offsets alone.
    wraps:    whether a result of type uint8 may lie outside 0 … 255 until it is reduced modulo 256.
    position: for a reduction, whether the result is the position of an element instead of a value.
    external: whether the emitter was declared from outside the package, so that the hash of the
              compiler's code does not cover it.
    """

    role: Role
    cost: int = 1
    emitter: str = ""
    strided: bool = False
    wraps: bool = False
    position: bool = False
    external: bool = False


def _elementwise(name: str, cost: int = 1, wraps: bool = False) -> dict[str, OpFacts]:
    return {name: OpFacts("elementwise", cost, name, wraps=wraps)}


OP_FACTS: dict[str, OpFacts] = {
    "input": OpFacts("leaf", 0),
    "state": OpFacts("leaf", 0),
    "constant": OpFacts("leaf", 0),
    "iota": OpFacts("leaf", 0),
    **_elementwise("add", wraps=True),
    **_elementwise("sub", wraps=True),
    **_elementwise("mul", wraps=True),
    **_elementwise("neg", wraps=True),
    **_elementwise("square", wraps=True),
    **_elementwise("abs"),
    **_elementwise("sign"),
    **_elementwise("maximum"),
    **_elementwise("minimum"),
    **_elementwise("floor"),
    **_elementwise("relu"),
    **_elementwise("equal"),
    **_elementwise("not_equal"),
    **_elementwise("less"),
    **_elementwise("less_equal"),
    **_elementwise("logical_and"),
    **_elementwise("logical_or"),
    **_elementwise("logical_not"),
    **_elementwise("where"),
    **_elementwise("cast"),
    **_elementwise("stop_gradient"),
    **_elementwise("div", 4),
    **_elementwise("sqrt", 4),
    **_elementwise("rsqrt", 6),
    **_elementwise("exp", 10),
    **_elementwise("log", 10),
    **_elementwise("log1p", 12),
    **_elementwise("expm1", 12),
    **_elementwise("tanh", 12),
    **_elementwise("sigmoid", 14),
    **_elementwise("erf", 14),
    **_elementwise("sin", 14),
    **_elementwise("cos", 14),
    **_elementwise("normal_pdf", 14),
    **_elementwise("normal_cdf", 24),
    **_elementwise("gelu", 24),
    **_elementwise("pow", 30),
    "reshape": OpFacts("movement", 0, strided=True),
    "transpose": OpFacts("movement", 0, strided=True),
    "broadcast": OpFacts("movement", 0, strided=True),
    "slice": OpFacts("movement", 0, strided=True),
    "flip": OpFacts("movement", 0, strided=True),
    "windows": OpFacts("movement", 0, strided=True),
    "pad": OpFacts("movement", 0),
    "concatenate": OpFacts("movement", 0),
    "take": OpFacts("gather"),
    "matmul": OpFacts("contraction"),
    "convolve": OpFacts("contraction"),
    "sum": OpFacts("reduction"),
    "max": OpFacts("reduction"),
    "argmax": OpFacts("reduction", position=True),
    "uniform": OpFacts("draw"),
    "normal": OpFacts("draw"),
    "bernoulli": OpFacts("draw"),
    "scatter_add": OpFacts("scatter"),
}
"""The facts of every op that can be compiled, by name."""

_STARTS_KERNEL = frozenset({"contraction", "reduction", "draw", "scatter"})


def not_lowered(nodes: Iterable[Node]) -> list[str]:
    """The names of the ops among nodes that cannot be compiled, each once."""
    return list(dict.fromkeys(node.op for node in nodes if node.op not in OP_FACTS))


def role_of(node: Node) -> Role:
    """How a node is computed."""
    return OP_FACTS[node.op].role


def own_cost(node: Node) -> int:
    """Rough instructions for one element, beside those of its inputs."""
    return OP_FACTS[node.op].cost


def has_buffer(node: Node) -> bool:
    """Whether a leaf's values lie in memory; single numbers and counters are written into the code."""
    return node.op in ("state", "input") or (node.op == "constant" and node.size != 1)


def starts_kernel(node: Node) -> bool:
    """Whether a node is never computed inside the expression of another one."""
    return role_of(node) in _STARTS_KERNEL


def is_contraction(node: Node) -> bool:
    """Whether a node is a product of matrices or a convolution."""
    return node.op in OP_FACTS and role_of(node) == "contraction"


def is_reduction(node: Node) -> bool:
    """Whether a node is a sum, a maximum or the position of one, over axes."""
    return role_of(node) == "reduction"


def contraction_depth(node: Node) -> int:
    """How many products each element of a contraction sums."""
    first, second = node.inputs
    if node.op == "matmul":
        return first.shape[-1]
    return prod(second.shape[: len(node.attrs["stride"])]) * second.shape[-2]
