"""Contraction kernels: operands as strides, then whatever follows while the tile is in registers."""

from __future__ import annotations

from collections.abc import Mapping

from pellucid.compile.access import accesses
from pellucid.compile.emit.contraction import Contraction, ContractionWriter
from pellucid.compile.emit.nest import Store
from pellucid.compile.emit.pull import Point, Puller
from pellucid.compile.emit.scalar_ops import kind_of
from pellucid.compile.fuse import operand_base
from pellucid.compile.index import Index, identity, linear
from pellucid.compile.kernels import Kernel
from pellucid.compile.loop.builder import Builder
from pellucid.compile.loop.ir import I64, Value
from pellucid.compile.tiles import Machine, Tiling, tiling
from pellucid.graph.node import Node


def operand_position(operand: Node) -> tuple[Node, Index]:
    """The node whose memory holds an operand, and the position of an element by its axes."""
    base = operand_base(operand)
    found = accesses(operand, identity(operand.shape), {base})
    return base, linear(found[0].at, base.shape)


def contraction_of(node: Node, lanes: int) -> tuple[Contraction, Tiling]:
    """The strides and the cut of a matmul."""
    a, b = node.inputs
    a_at, b_at = operand_position(a)[1], operand_position(b)[1]
    depth = len(node.shape) - 2
    m, n, k = node.shape[-2], node.shape[-1], a.shape[-1]
    double = node.dtype.itemsize == 8
    machine = Machine(lanes // 2 if double else lanes, 32 if lanes == 16 else 16)

    def step(position: Index, axis: int) -> int:
        return position.factor(axis) or 0

    work = Contraction(
        batch=node.shape[:-2],
        m=m,
        n=n,
        k=k,
        a_batch=tuple(step(a_at, axis) for axis in range(depth)),
        a_row=step(a_at, depth),
        a_depth=step(a_at, depth + 1),
        b_batch=tuple(step(b_at, axis) for axis in range(depth)),
        b_depth=step(b_at, depth),
        b_column=step(b_at, depth + 1),
        kind=kind_of(node.dtype),
        lanes=machine.lanes,
    )
    return work, tiling(m, n, k, work.batches, work.b_column != 1, machine)


def operand_pointer(b: Builder, operand: Node, buffers: Mapping[Node, Value]) -> Value:
    """Where the first element of an operand lies."""
    base, position = operand_position(operand)
    return b.offset(buffers[base], position.constant, kind_of(operand.dtype))


def write_contraction(
    b: Builder,
    kernel: Kernel,
    buffers: Mapping[Node, Value],
    store: Store,
    lanes: int,
    scratch: Value,
    span: tuple[Value, Value],
) -> None:
    """Tasks of a contraction kernel and its epilogue."""
    anchor = kernel.members[0]
    work, cut = contraction_of(anchor.node, lanes)
    puller = Puller(b, buffers)
    columns = len(kernel.shape) - 1

    def epilogue(
        batch: list[Value], row: Value, column: Value, sums: Value, mask: Value | None
    ) -> None:
        axes = dict(enumerate([*batch, row, column]))
        if work.n == 1:
            point = Point({**axes, columns: b.constant(I64, 0)})
            sums = b.lane(sums, 0)
        else:
            point = Point(axes, columns, work.lanes, mask)
        puller.at(point)
        puller.know(anchor.node, anchor.at, sums)
        values = [sums]
        for member in kernel.members[1:]:
            value = puller.fresh(member.node, member.at)
            puller.know(member.node, member.at, value)
            values.append(value)
        for member, value in zip(kernel.members, values, strict=True):
            store(puller, member, value)

    first, second = (operand_pointer(b, operand, buffers) for operand in anchor.node.inputs)
    ContractionWriter(b, work, cut, scratch, epilogue).write(first, second, *span)
