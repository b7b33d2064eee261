"""Concatenations in place: kernels write their values straight into the whole.

A concatenation that is stored in memory and whose parts are all computed needs no kernel that copies.
The kernels of its parts store them in its memory too; an empty kernel stands for it, for others to
wait for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pellucid.compile.op_facts import has_buffer, role_of
from pellucid.compile.plan.index import Index, Indices, linear_position
from pellucid.compile.shapes import squeezed
from pellucid.graph.node import Node
from pellucid.graph.op import Shape
from pellucid.graph.program import Graph

_WRITTEN_WHOLE = ("leaf", "draw", "scatter")
"""Roles of values that no kernel writes, or whose kernels write one array from end to end."""


@dataclass(frozen=True)
class Part:
    """Where a value lies in a whole: for each axis of the whole, its own axis (if any) and a start."""

    whole: Node
    axes: tuple[tuple[int | None, int], ...]

    @property
    def offset(self) -> int:
        """Elements of the whole's memory before the part begins."""
        starts = tuple(Index(start) for _, start in self.axes)
        return linear_position(starts, self.whole.shape).constant

    def indices(self, at: Indices) -> Indices:
        """The indices in the whole of the value's element `at`."""
        axes = ((start, Index() if axis is None else at[axis]) for axis, start in self.axes)
        return tuple(index.plus(start) for start, index in axes)

    def position(self, at: Indices) -> Index:
        """The position in memory of the value's element `at`, counted from where the part begins."""
        axes = (Index() if axis is None else at[axis] for axis, _ in self.axes)
        return linear_position(tuple(axes), self.whole.shape)

    @property
    def text(self) -> str:
        """What the code of a kernel that writes the part depends on."""
        return f"{self.whole.shape} {[axis for axis, _ in self.axes]}"


Parts = Mapping[Node, list[Part]]


def written_in_place(graph: Graph, materialised: set[Node]) -> dict[Node, list[tuple[Node, Part]]]:
    """For each concatenation that is written in place: its values and where each lies in it.

    The values are added to `materialised`.
    """
    wholes: dict[Node, list[tuple[Node, Part]]] = {}
    roots = set(graph.roots)
    for node in graph.nodes:
        if node.op != "concatenate" or node not in materialised or node in roots or not node.size:
            continue
        parts = _parts(node, wholes)
        if all(_is_writable(value, part) for value, part in parts):
            wholes[node] = parts
            materialised.update(value for value, _ in parts)
    return wholes


def _parts(node: Node, wholes: Mapping[Node, list[tuple[Node, Part]]]) -> list[tuple[Node, Part]]:
    parts: list[tuple[Node, Part]] = []
    axis, start = node.attrs["axis"], 0
    for source in node.inputs:
        value, own = _below_movement(source)
        starts = [start if a == axis else 0 for a in range(len(node.shape))]
        whole = Part(node, tuple(zip(own, starts, strict=True)))
        # A part that is itself a whole written in place has its own parts written into both.
        parts += [(v, _within(whole, p)) for v, p in wholes.get(value, [])] or [(value, whole)]
        start += source.shape[axis]
    return parts


def _below_movement(node: Node) -> tuple[Node, list[int | None]]:
    """What lies below transposes and reshapes that add or drop axes of length 1.

    And which of its axes each axis of the node is.
    """
    axes: list[int | None] = list(range(len(node.shape)))
    while True:
        if node.op == "transpose":
            below: list[int | None] = list(node.attrs["order"])
        elif node.op == "reshape" and squeezed(node.shape) == squeezed(node.inputs[0].shape):
            below = _own_axes(node.inputs[0].shape, node.shape)
        else:
            return node, axes
        axes = [None if axis is None else below[axis] for axis in axes]
        node = node.inputs[0]


def _own_axes(shape: Shape, reshaped: Shape) -> list[int | None]:
    """Which axis of `shape` each axis of a reshape is that adds or drops axes of length 1."""
    rest = iter([axis for axis, n in enumerate(shape) if n != 1])
    return [None if n == 1 else next(rest) for n in reshaped]


def _within(outer: Part, inner: Part) -> Part:
    """The part of a part."""
    axes: list[tuple[int | None, int]] = []
    for axis, start in outer.axes:
        own, first = (None, 0) if axis is None else inner.axes[axis]
        axes.append((own, start + first))
    return Part(outer.whole, tuple(axes))


def _is_writable(value: Node, part: Part) -> bool:
    """Whether a kernel computes it and its neighbours are neighbours in the whole."""
    if has_buffer(value) or role_of(value) in _WRITTEN_WHOLE:
        return False
    long = [axis for axis, n in enumerate(value.shape) if n != 1]
    return bool(long) and part.axes[-1][0] == long[-1]
