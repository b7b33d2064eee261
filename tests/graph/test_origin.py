"""Where nodes come from: the part of a network that was being built, also in the backward pass."""

from __future__ import annotations

import pytest

from pellucid import graph as g
from pellucid.graph.node import Node


def test_nodes_come_from_the_innermost_part() -> None:
    x = g.variable([1.0, 2.0], "x")
    with g.origin("outer"):
        with g.origin("inner"):
            inner = x * 3.25
        outer = x * 4.25
    assert (inner.node.origin, outer.node.origin) == ("inner", "outer")
    assert (x * 5.25).node.origin == ""


def test_an_error_ends_the_part() -> None:
    with pytest.raises(ZeroDivisionError), g.origin("part"):
        _ = 1 / 0
    assert g.variable([1.0]).exp().node.origin == ""


def test_a_node_keeps_the_origin_that_it_has() -> None:
    x = g.variable([1.0, 2.0], "x")
    with g.origin("first"):
        y = x.exp()
    with g.origin("second"):
        again = x.exp()
    assert again.node is y.node and again.node.origin == "first"


def test_the_backward_pass_belongs_to_the_parts_that_it_goes_through() -> None:
    x = g.variable([1.0, 2.0], "x")
    with g.origin("layer"):
        h = (x * x).tanh()
    with g.origin("loss"):
        loss = h.square().sum()
    with g.origin("update"):
        slope = g.grad(loss, x)
        fresh = x - 0.1 * slope
    assert fresh.node.origin == "update"
    assert slope.node.origin == "∂ layer"
    # Nodes that need no x, as a row of ones, may have been made by another test before.
    needing: set[Node] = set()
    for node in g.ordered([slope.node]):
        if node is x.node or not needing.isdisjoint(node.inputs):
            needing.add(node)
    origins = {node.origin for node in needing - {x.node}}
    assert {"∂ loss", "∂ layer"} <= origins <= {"layer", "loss", "∂ loss", "∂ layer", "update"}
