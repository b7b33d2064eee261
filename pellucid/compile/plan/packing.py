"""Factors that many products read are packed once.

A recurrent network multiplies by the same weights in every step. A product packs its second factor to
panels as wide as its tiles, so that it streams in order; where several products need the same
panels, a kernel of its own writes them once, and the products read those.
"""

from __future__ import annotations

from dataclasses import replace

from pellucid.compile.machine import Machine
from pellucid.compile.op_facts import has_buffer
from pellucid.compile.plan.access import Access, inner_accesses
from pellucid.compile.plan.index import Index, identity
from pellucid.compile.plan.kernels import Kernel, Member
from pellucid.compile.plan.operands import operand_base, operand_position
from pellucid.graph.node import Node, apply
from pellucid.graph.op import Shape

_FEWEST_READERS = 4


def pack_shared_factors(kernels: list[Kernel], materialised: set[Node], machine: Machine) -> None:
    """Add kernels that pack, and let the products read their panels, which are materialised."""
    groups: dict[tuple[Node, Index, Shape], list[Kernel]] = {}
    for kernel in kernels:
        if _may_read_panels(kernel, machine):
            b = kernel.members[0].node.inputs[1]
            groups.setdefault((*operand_position(b, identity(b.shape)), b.shape), []).append(kernel)
    for readers in groups.values():
        if len(readers) < _FEWEST_READERS:
            continue
        product = readers[0].members[0].node
        panels = _panels(product.inputs[1], machine.of(product.dtype), product.shape[0])
        materialised.add(panels)
        at = identity(panels.shape)
        reads = tuple(inner_accesses(panels, at, materialised))
        member = Member(panels, at, "full", reads)
        kernels.append(Kernel("nest", panels.shape, members=[member]))
        for kernel in readers:
            _read(kernel, Access(panels, at))


def _may_read_panels(kernel: Kernel, machine: Machine) -> bool:
    """Whether it is a product of enough rows by weights that lie in memory from the beginning."""
    product = kernel.members[0].node
    if product.op != "matmul" or len(product.shape) != 2 or not product.size:
        return False
    a, b = (operand_base(factor) for factor in product.inputs)
    wide_enough = product.shape[1] >= machine.of(product.dtype).lanes
    return a is not b and has_buffer(b) and wide_enough and machine.row_block(product.shape[0]) > 0


def _panels(factor: Node, machine: Machine, rows: int) -> Node:
    """A (k, n) factor as (panels, k, columns of one), the last filled up with zeros."""
    k, n = factor.shape
    width = machine.panel(rows, n, k) * machine.lanes
    missing = -n % width
    if missing:
        factor = apply(
            "pad", [factor], before=(0, 0), after=(0, missing), interior=(0, 0), value=0.0
        )
    apart = apply("reshape", [factor], shape=(k, (n + missing) // width, width))
    return apply("transpose", [apart], order=(1, 0, 2))


def _read(kernel: Kernel, panels: Access) -> None:
    """Let a product read panels instead of its second factor."""
    product = kernel.members[0]
    base = operand_base(product.node.inputs[1])
    rest = tuple(access for access in product.reads if access.node is not base)
    kernel.members[0] = replace(product, reads=(*rest, panels))
    kernel.panels = panels.node
