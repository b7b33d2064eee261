"""The arena: one block of memory for all values of a program, with the offset of each.

Values that are not alive at the same time share memory.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pellucid.compile.op_facts import has_buffer
from pellucid.compile.plan.concatenation import Part, Parts
from pellucid.compile.plan.kernels import Kernel, Member
from pellucid.compile.plan.row_blocks import Region, RowMap
from pellucid.graph.node import Node

ALIGN = 64
"""Bytes that offsets are multiples of: a cache line, and the widest vector."""


class Lifetime(NamedTuple):
    """The level that writes a value, and the last that reads it."""

    born: int
    last: int


class _Block(NamedTuple):
    """Bytes start … stop of the arena, occupied from level `born` to level `last`."""

    start: int
    stop: int
    born: int
    last: int


def allocate(
    levels: Sequence[Sequence[Kernel]],
    regions: Sequence[Region],
    parts: Parts,
    to_the_end: Sequence[Node],
) -> tuple[dict[Node, int], int]:
    """The offset of every value that a kernel leaves to another, and the size of the arena in bytes.

    to_the_end: values that are read after the last level.
    """
    lifetimes = _lifetimes(levels, parts, to_the_end)
    aliases = _aliases(regions, lifetimes)
    begin = {depth: r.first for r in regions for depth in range(r.first, r.last + 1)}
    end = {depth: r.last for r in regions for depth in range(r.first, r.last + 1)}
    offsets: dict[Node, int] = {}
    blocks: list[_Block] = []
    for node in sorted(lifetimes, key=lambda n: (lifetimes[n].born, -n.size)):
        if node in aliases:
            offsets[node] = offsets[aliases[node]]
            continue
        size = max(-(-_bytes(node) // ALIGN) * ALIGN, ALIGN)
        # Within a region one thread may be at its first level when another one is at its last.
        born, last = lifetimes[node]
        life = Lifetime(begin[born], end.get(last, last))
        offset = _lowest_offset(blocks, size, life)
        blocks.append(_Block(offset, offset + size, *life))
        offsets[node] = offset
    return offsets, max((block.stop for block in blocks), default=0)


def _lifetimes(
    levels: Sequence[Sequence[Kernel]], parts: Parts, to_the_end: Sequence[Node]
) -> dict[Node, Lifetime]:
    """From where to where each value that is read is alive, in order of the last reading's kernel."""
    born: dict[Node, int] = {}
    last: dict[Node, int] = {}
    for depth, level in enumerate(levels):
        for kernel in level:
            if kernel.kind == "concatenation":
                continue
            own = kernel.nodes()
            for node in own:
                born.setdefault(node, depth)
                for part in parts.get(node, []):
                    born.setdefault(part.whole, depth)
            for member in kernel.members:
                for access in member.reads:
                    if has_buffer(access.node):
                        continue
                    if access.node not in own or _is_reread(kernel, member, access.node):
                        last[access.node] = max(last.get(access.node, 0), depth)
    for node in to_the_end:
        last[node] = len(levels)
    return {node: Lifetime(born[node], final) for node, final in last.items()}


def _bytes(node: Node) -> int:
    return node.size * node.dtype.itemsize


def _is_reread(kernel: Kernel, reader: Member, node: Node) -> bool:
    """Whether a member of the same kernel is read again in a later pass, from memory."""
    read = kernel.member(node)
    if read is None or read.node is reader.node or read.scope == "outer":
        return False
    if kernel.kind != "nest" or kernel.reduced is None:
        return False
    return reader.phase > read.phase


def _aliases(regions: Sequence[Region], lifetimes: Mapping[Node, Lifetime]) -> dict[Node, Node]:
    """Values of row blocks, each with an earlier one of its region, dead by then, whose memory it takes.

    Block i of both is the same memory, so each thread only overwrites what it has read itself.
    """
    aliases: dict[Node, Node] = {}
    for region in regions:
        free: dict[tuple[int, int], list[Node]] = {}
        for node in sorted(_by_rows(region, lifetimes), key=lambda n: lifetimes[n]):
            values = free.setdefault((node.shape[0], _bytes(node)), [])
            born = lifetimes[node].born
            dead = next((other for other in values if lifetimes[other].last < born), None)
            if dead is not None:
                values.remove(dead)
                aliases[node] = dead
            values.append(node)
    return aliases


def _by_rows(region: Region, lifetimes: Mapping[Node, Lifetime]) -> list[Node]:
    """Values that live in a region alone, of which each row block is rows side by side in memory."""
    by_rows: dict[Node, bool] = {}
    for memory, usage in region.usages.items():
        node = memory.whole if isinstance(memory, Part) else memory
        if isinstance(node, Node) and node in lifetimes and node.shape:
            own_rows = RowMap(0, node.shape[0], 0) in usage.row_maps
            by_rows[node] = by_rows.get(node, True) and own_rows
    return [
        node
        for node, partitioned in by_rows.items()
        if partitioned
        and region.first <= lifetimes[node].born
        and lifetimes[node].last <= region.last
    ]


def _lowest_offset(blocks: Sequence[_Block], size: int, life: Lifetime) -> int:
    """The lowest offset at which nothing lies that is alive at the same time."""
    busy = sorted((b.start, b.stop) for b in blocks if b.born <= life.last and life.born <= b.last)
    offset = 0
    for start, stop in busy:
        if offset + size <= start:
            break
        offset = max(offset, stop)
    return offset
