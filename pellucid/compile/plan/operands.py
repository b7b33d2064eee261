"""Operands of contractions: the memory that they are read from, and the indices of each product."""

from __future__ import annotations

from pellucid.compile.op_facts import OP_FACTS
from pellucid.compile.plan.access import accesses
from pellucid.compile.plan.index import Axis, Index, Indices, identity, linear_position
from pellucid.compile.shapes import squeezed
from pellucid.graph.node import Node

MOST_NESTED = 100
"""Nodes through which an element is computed, at most, before one of them is materialised."""
_RESHAPE = 25


def nesting(node: Node) -> int:
    """How much a node adds to what is written for an element, where a plain op counts 1.

    Reshapes and concatenations in a chain multiply it, so they count for more.
    """
    if node.op == "concatenate":
        return 20 * (len(node.inputs) - 1).bit_length()
    mixes = node.op == "reshape" and squeezed(node.shape) != squeezed(node.inputs[0].shape)
    return _RESHAPE if mixes else 1


def operand_base(operand: Node) -> Node:
    """The node whose memory a contraction reads for an operand, through movement that is strides.

    The deepest one of which the element at each index lies at an affine position.
    """
    chain, nested = [operand], 0
    while OP_FACTS[chain[-1].op].strided and nested < MOST_NESTED:
        nested += nesting(chain[-1])
        chain.append(chain[-1].inputs[0])
    if chain[-1].op == "constant" and chain[-1].size == 1:
        return operand
    return next((base for base in reversed(chain[1:]) if _is_affine(operand, base)), operand)


def _is_affine(operand: Node, base: Node) -> bool:
    reads = accesses(operand, identity(operand.shape), {base})
    return all(linear_position(access.at, base.shape).is_affine for access in reads)


def operand_position(operand: Node, at: Indices) -> tuple[Node, Index]:
    """The node whose memory holds an operand, and the position of the element at `at`."""
    base = operand_base(operand)
    return base, linear_position(accesses(operand, at, {base})[0].at, base.shape)


def operands(node: Node) -> tuple[Indices, Indices, tuple[int, ...]]:
    """The indices at which a contraction reads its operands, and the lengths of the axes it sums over.

    The indices are in axes of the result, then those of the sum.
    """
    first = node.inputs[0]
    rank = len(node.shape)
    if node.op == "matmul":
        depth = first.shape[-1]
        axes = [_index(axis, extent) for axis, extent in enumerate((*node.shape, depth))]
        batch = tuple(axes[: rank - 2])
        return (*batch, axes[rank - 2], axes[rank]), (*batch, axes[rank], axes[rank - 1]), (depth,)
    if node.op == "convolve":
        return _convolved(node)
    raise ValueError(f"{node!r} is not a contraction")


def _convolved(node: Node) -> tuple[Indices, Indices, tuple[int, ...]]:
    signal, kernel = node.inputs
    rank = len(node.attrs["stride"])
    result = [_index(axis, extent) for axis, extent in enumerate(node.shape)]
    summed = (*kernel.shape[:rank], signal.shape[-1])
    inner = [_index(len(node.shape) + i, extent) for i, extent in enumerate(summed)]
    batch, group, output = result[0], result[-2], result[-1]
    positions = tuple(
        output.times(stride).plus(within.times(dilation))
        for output, within, stride, dilation in zip(
            result[1:], inner, node.attrs["stride"], node.attrs["dilation"], strict=False
        )
    )
    channel = inner[rank]
    return (batch, *positions, group, channel), (*inner[:rank], group, channel, output), summed


def _index(axis: int, extent: int) -> Index:
    return Index() if extent == 1 else Index(0, ((Axis(axis, extent), 1),))
