"""Shapes without their axes of length 1."""

from __future__ import annotations

from pellucid.graph.op import Shape


def squeezed(shape: Shape) -> Shape:
    """The lengths that are not 1."""
    return tuple(n for n in shape if n != 1)
