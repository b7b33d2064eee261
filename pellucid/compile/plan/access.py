"""Access analysis: which elements of which buffers computing a node reads.

It goes down a graph as the emitter does, with symbolic indices, and writes no code.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass
from itertools import accumulate

from pellucid.compile.op_facts import has_buffer, role_of
from pellucid.compile.plan.index import (
    Axis,
    Index,
    Indices,
    Lookup,
    periods,
    repeat_length,
    source_indices,
)
from pellucid.compile.shapes import squeezed
from pellucid.graph.node import Node
from pellucid.graph.op import Shape


@dataclass(frozen=True, slots=True)
class Access:
    """A kernel reads `node` at `at`, indices in axes of its domain."""

    node: Node
    at: Indices
    guarded: bool = False


def accesses(node: Node, at: Indices, stops: Container[Node]) -> list[Access]:
    """Every element of a stop's or a leaf's buffer that computing `node` at `at` reads.

    stops: nodes that are read where they are met, not computed in place.
    """
    reads = (
        Access(current, here, guarded)
        for current, here, guarded in _walk(node, at, stops)
        if has_buffer(current) or current in stops
    )
    return list(dict.fromkeys(reads))


def inner_accesses(node: Node, at: Indices, stops: Container[Node]) -> list[Access]:
    """As `accesses`, where `node` itself is computed even if it is a stop."""
    if has_buffer(node):
        return [Access(node, at)]
    reads = [
        Access(access.node, access.at, access.guarded or guarded)
        for source, there, guarded in _sources(node, at, False)
        for access in accesses(source, there, stops)
    ]
    return list(dict.fromkeys(reads))


def unmergeable_axes(node: Node, at: Indices, stops: Container[Node]) -> set[int]:
    """Axes whose own index matters beside the positions that are read: counters, edges, parts."""
    unmergeable: set[int] = set()
    for current, here, _ in _walk(node, at, stops):
        if current.op in ("iota", "concatenate"):
            unmergeable |= here[current.attrs["axis"]].axes()
        elif current.op == "pad":
            guards = source_indices(current, here)[1]
            unmergeable |= {axis for guard in guards for axis in guard.index.axes()}
    return unmergeable


def lane_boundaries(node: Node, at: Indices, stops: Container[Node], axis: int) -> set[int]:
    """Numbers that a vector's length along `axis` should divide, so that its lanes stay together.

    Where a reshape begins a new row, and where padding or the parts of a concatenation begin and
    end.
    """
    boundaries: set[int] = set()
    for current, here, _ in _walk(node, at, stops):
        if current.op == "pad":
            guards = source_indices(current, here)[1]
            boundaries |= {b for g in guards if axis in g.index.axes() for b in (g.low, g.high)}
        elif current.op == "concatenate" and axis in here[current.attrs["axis"]].axes():
            along = current.attrs["axis"]
            ends = accumulate(part.shape[along] for part in current.inputs)
            boundaries |= {end * repeat_length(here[along], axis) for end in ends}
        for index in here:
            boundaries |= periods(index, axis)
    return boundaries


def _walk(node: Node, at: Indices, stops: Container[Node]) -> Iterator[tuple[Node, Indices, bool]]:
    """Every node on the way down to stops and leaves, with its indices, and whether a guard holds."""
    seen: set[tuple[Node, Indices, bool]] = set()
    pending: list[tuple[Node, Indices, bool]] = [(node, at, False)]
    while pending:
        here = pending.pop()
        if here in seen:
            continue
        seen.add(here)
        yield here
        current, indices, guarded = here
        if not has_buffer(current) and current not in stops:
            pending.extend(_sources(current, indices, guarded))


def _sources(node: Node, at: Indices, guarded: bool) -> list[tuple[Node, Indices, bool]]:
    role = role_of(node)
    if role == "leaf":
        return []
    if role == "elementwise":
        return [(source, at, guarded) for source in node.inputs]
    if node.op == "concatenate":
        axis, start = node.attrs["axis"], 0
        parts: list[tuple[Node, Indices, bool]] = []
        for part in node.inputs:
            shifted = (*at[:axis], at[axis].plus(-start), *at[axis + 1 :])
            parts.append((part, shifted, True))
            start += part.shape[axis]
        return parts
    if node.op == "take":
        source, index = node.inputs
        axis = node.attrs["axis"]
        looked_up = at[axis : axis + len(index.shape)]
        row = Index(0, ((Lookup(index, looked_up, max(source.shape[axis], 1)), 1),))
        rest = at[axis + len(index.shape) :]
        return [(source, (*at[:axis], row, *rest), guarded), (index, looked_up, guarded)]
    if role == "movement":
        indices, guards = source_indices(node, at)
        return [(node.inputs[0], indices, guarded or bool(guards))]
    raise ValueError(f"{node!r} is not computed in place")


def domain_index(shape: Shape, domain: Shape, axes: tuple[int, ...]) -> Indices | None:
    """How an array of `shape` is indexed by those `axes` of a domain that are longer than 1.

    None if the lengths do not agree in order.
    """
    long_axes = [axis for axis in axes if domain[axis] != 1]
    if squeezed(shape) != tuple(domain[axis] for axis in long_axes):
        return None
    rest = iter(long_axes)
    return tuple(Index() if n == 1 else Index(0, ((Axis(next(rest), n), 1),)) for n in shape)
