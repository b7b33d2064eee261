"""Points of a kernel's domain, for which code is emitted."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from pellucid.compile.loop.ir import Value
from pellucid.compile.plan.index import Indices
from pellucid.graph.node import Node

NodeAt = tuple[Node, Indices]
"""An element of a node: the node and its index in axes of the domain."""


class Vector(NamedTuple):
    """The lanes of a point: consecutive values of one axis.

    lanes: their number; 0 for a scalar. mask: the lanes that exist at the ragged end of the axis;
    None means all.
    """

    axis: int
    lanes: int
    mask: Value | None = None


SCALAR = Vector(-1, 0)
"""No axis has lanes."""


@dataclass
class Point:
    """One point of the domain, or a vector of neighbouring points.

    axes:   the value of each axis of the domain, a scalar; for the axis of the lanes the first lane.
    vector: the lanes.
    values: values in registers at this point.
    """

    axes: dict[int, Value]
    vector: Vector = SCALAR
    values: dict[NodeAt, Value] = field(default_factory=dict)
