"""What a kernel reads: the symbolic form of evaluating a node (see `emit.expression`), without writing code."""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass
from itertools import accumulate

from pellucid.compile.op_facts import has_buffer, role_of
from pellucid.compile.plan.index import Axis, Index, Indices, Lookup, divisors, moved, pace
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
    found = (
        Access(current, place, guarded)
        for current, place, guarded in _walk(node, at, stops)
        if has_buffer(current) or current in stops
    )
    return list(dict.fromkeys(found))


def inner_accesses(node: Node, at: Indices, stops: Container[Node]) -> list[Access]:
    """As `accesses`, where `node` itself is computed even if it is a stop."""
    if has_buffer(node):
        return [Access(node, at)]
    found = [
        access
        for source, place, guarded in _sources(node, at, False)
        for access in (
            Access(a.node, a.at, a.guarded or guarded) for a in accesses(source, place, stops)
        )
    ]
    return list(dict.fromkeys(found))


def fixed_axes(node: Node, at: Indices, stops: Container[Node]) -> set[int]:
    """Axes whose own value matters, beside the positions that are read: counts, edges, look-ups."""
    fixed: set[int] = set()
    for current, place, _ in _walk(node, at, stops):
        if current.op == "iota" or current.op == "concatenate":
            fixed |= place[current.attrs["axis"]].axes()
        elif current.op == "pad":
            fixed |= {axis for guard in moved(current, place)[1] for axis in guard.index.axes()}
    return fixed


def borders(node: Node, at: Indices, stops: Container[Node], axis: int) -> set[int]:
    """Numbers that a vector's length along `axis` should divide, so that its lanes stay together.

    Where a reshape begins a new row, and where padding or the parts of a concatenation begin and
    end.
    """
    found: set[int] = set()
    for current, place, _ in _walk(node, at, stops):
        if current.op == "pad":
            guards = moved(current, place)[1]
            found |= {b for g in guards if axis in g.index.axes() for b in (g.low, g.high)}
        elif current.op == "concatenate" and axis in place[current.attrs["axis"]].axes():
            ends = accumulate(part.shape[current.attrs["axis"]] for part in current.inputs)
            found |= {end * pace(place[current.attrs["axis"]], axis) for end in ends}
        for index in place:
            found |= divisors(index, axis)
    return found


def _walk(node: Node, at: Indices, stops: Container[Node]) -> Iterator[tuple[Node, Indices, bool]]:
    """Every node that is met on the way down to stops and leaves, with its index."""
    seen: set[tuple[Node, Indices, bool]] = set()
    pending: list[tuple[Node, Indices, bool]] = [(node, at, False)]
    while pending:
        here = pending.pop()
        if here in seen:
            continue
        seen.add(here)
        yield here
        current, place, guarded = here
        if not has_buffer(current) and current not in stops:
            pending.extend(_sources(current, place, guarded))


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
        places = at[axis : axis + len(index.shape)]
        where = Index(0, ((Lookup(index, places, max(source.shape[axis], 1)), 1),))
        rest = at[axis + len(index.shape) :]
        return [(source, (*at[:axis], where, *rest), guarded), (index, places, guarded)]
    if role == "movement":
        places, guards = moved(node, at)
        return [(node.inputs[0], places, guarded or bool(guards))]
    raise ValueError(f"{node!r} is not computed in place")


def entry(shape: Shape, domain: Shape, axes: tuple[int, ...]) -> Indices | None:
    """How an array of `shape` is indexed by those `axes` of a domain that are longer than 1.

    None if the lengths do not agree in order.
    """
    wanted = [axis for axis in axes if domain[axis] != 1]
    if squeezed(shape) != tuple(domain[axis] for axis in wanted):
        return None
    rest = iter(wanted)
    places: list[Index] = []
    for n in shape:
        if n == 1:
            places.append(Index())
        else:
            places.append(Index(0, ((Axis(next(rest), n), 1),)))
    return tuple(places)
