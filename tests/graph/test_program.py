"""Laziness, feeds, updates, and the verifier."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

from pellucid import graph as g
from pellucid.graph import Array, Graph, Literal, Node, Program, State, TensorType
from tests.graph.support import state_of

F2 = TensorType((2,), np.dtype(np.float32))


def build(outputs: Mapping[str, g.Tensor], updates: Mapping[g.Tensor, g.Tensor]) -> Program:
    nodes = {name: x.node for name, x in outputs.items()}
    return g.executor().build(Graph(nodes, {state_of(w): x.node for w, x in updates.items()}))


def test_the_value_is_read_at_the_moment() -> None:
    w = g.variable([1.0, 2], "w")
    y = (w * 2).sum()
    assert y.item() == 6
    state_of(w).value = np.array([10, 20])
    assert y.item() == 60 and w.tolist() == [10, 20]
    state_of(w).value[0] = 0
    assert y.item() == 40


def test_a_value_is_an_array_of_its_own() -> None:
    w = g.variable([1.0, 2], "w")
    found = w.numpy()
    found[:] = 9
    assert w.tolist() == [1, 2]
    kept = build({"w": w}, {w: w + 1}).run(2)["w"]
    assert kept.tolist() == [[1, 2], [2, 3]] and w.tolist() == [3, 4]


def test_updates_see_the_states_as_the_step_began() -> None:
    a, b = g.variable(1.0, "a"), g.variable(10.0, "b")
    found = build({"a": a, "sum": a + b}, {a: b, b: a}).run(3)
    assert found["a"].tolist() == [1, 10, 1] and found["sum"].tolist() == [11, 11, 11]
    assert (a.item(), b.item()) == (10, 1)
    m = g.variable(0.0, "m")
    new = m * 0.5 + 1
    assert build({"m": new}, {m: new}).run(3)["m"].tolist() == [1, 1.5, 1.75]


def test_a_failed_step_changes_nothing() -> None:
    a = g.variable(1.0, "a")
    x = g.placeholder("x", ())
    program = build({}, {a: a + x})
    with pytest.raises(ValueError, match="input 'x', which was not fed"):
        program.run(1)
    assert a.item() == 1


def test_feeds_and_steps() -> None:
    x = g.placeholder("x", (2,))
    program = build({"y": x.sum()}, {})
    fed = np.array([[1, 2], [3, 4]], np.float32)
    assert program.run(2, {"x": fed})["y"].tolist() == [3, 7]
    none = program.run(0, {"x": fed[:0]})["y"]
    assert none.shape == (0,) and none.dtype == np.float32
    bad: list[tuple[int, dict[str, Array], str]] = [
        (1, {"x": fed}, r"input 'x' has shape \(2, 2\).*each of the 1 steps"),
        (3, {"x": fed}, "each of the 3 steps"),
        (2, {"x": fed.astype(float)}, r"input 'x' takes float32\[2\], got float64\[2\]"),
        (2, {"x": fed[:, :1]}, r"takes float32\[2\], got float32\[1\]"),
        (2, {"x": np.array(1.0)}, "each of the 2 steps"),
        (-1, {}, "0 steps or more, got -1"),
    ]
    for steps, feeds, text in bad:
        with pytest.raises(ValueError, match=text):
            program.run(steps, feeds)


def test_what_needs_a_feed_has_no_value_of_its_own() -> None:
    x = g.placeholder("rows", (2,))
    with pytest.raises(ValueError, match="depends on input 'rows', which only a run can feed"):
        (x + 1).numpy()
    assert repr(x + 1) == "tensor(add, float32[2])"


def test_graph_lists_what_it_reads_and_writes() -> None:
    w, m = g.variable([1.0, 2], "w"), State(np.zeros(2, np.float32), "m")
    x = g.placeholder("x", (2,))
    graph = Graph({"y": (w * x).node}, {m: w.node})
    assert graph.inputs == {"x": F2} and graph.states == [state_of(w), m]
    assert graph.roots == [(w * x).node, w.node]
    g.verify(graph)


def test_another_executor_is_used_inside_a_with_block() -> None:
    built: list[Graph] = []

    class Recording:
        def build(self, graph: Graph, runs: int = 1) -> Program:
            built.append(graph)
            return g.Reference().build(graph, runs)

    before = g.executor()
    with g.using(Recording()):
        assert g.tensor(2.0).item() == 2
    assert g.executor() is before and len(built) == 1
    g.tensor(2.0).item()
    assert len(built) == 1


def forged(op: str, inputs: tuple[Node, ...], result: TensorType, **attrs: Any) -> Node:
    return Node(op, inputs, MappingProxyType(attrs), result)


X = g.placeholder("x", (2,)).node
I2 = TensorType((2,), np.dtype(np.int64))
FORGED = {
    "no such op": forged("mystery", (X,), F2),
    "wrong shape": forged("neg", (X,), TensorType((3,), F2.dtype)),
    "wrong type": forged("exp", (X,), TensorType((2,), np.dtype(np.float64))),
    "too few inputs": forged("add", (X,), F2),
    "too many inputs": forged("exp", (X, X), F2),
    "missing attribute": forged("sum", (X,), TensorType((1,), F2.dtype)),
    "unknown attribute": forged("neg", (X,), F2, axis=0),
    "illegal attribute": forged("sum", (X,), F2, axes=(1,)),
    "shapes that differ": forged("add", (X, g.ones(()).node), F2),
    "types that differ": forged("add", (X, g.ones((2,), "float64").node), F2),
    "conditions added": forged("add", (forged("less", (X, X), I2), X), F2),
    "integers to exp": forged("exp", (g.arange(2).node,), I2),
    "state of another shape": forged("state", (), F2, state=State(np.zeros(3), "s")),
    "constant of another type": forged("constant", (), F2, value=Literal(np.zeros(2))),
    "input of another type": forged("input", (), F2, name="x", shape=(3,), dtype=F2.dtype),
    "logic on one operand": forged("logical_and", (g.tensor([True]).node,), F2),
    "nothing concatenated": forged("concatenate", (), F2, axis=0),
    "flip twice": forged("flip", (X,), F2, axes=(0, 0)),
    "slice beyond": forged("slice", (X,), F2, start=(0,), stop=(3,), step=(1,)),
    "unsigned index": forged(
        "take", (X, g.tensor(np.zeros(2, np.uint8)).node), F2, axis=0
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", FORGED)
def test_verify_refuses_forged_nodes(kind: str) -> None:
    node = FORGED[kind]
    for graph in (Graph({"y": node}), Graph({"y": g.apply("stop_gradient", [node])})):
        with pytest.raises(TypeError, match=rf"^{node.op}|^less"):
            g.verify(graph)


def test_verify_refuses_updates_that_do_not_fit_and_names_used_twice() -> None:
    w = g.variable([1.0, 2], "w")
    with pytest.raises(TypeError, match=r"state 'w' holds float32\[2\], its update is float32\[\]"):
        g.verify(Graph({}, {state_of(w): w.sum().node}))
    two = g.placeholder("a", (2,)).sum() + g.placeholder("a", (3,)).sum()
    with pytest.raises(TypeError, match="input 'a' has two types"):
        g.verify(Graph({"y": two.node}))


def test_a_type_is_legal_or_is_not_made() -> None:
    with pytest.raises(ValueError, match="at least 0"):
        TensorType((2, -1), F2.dtype)
    with pytest.raises(TypeError, match="cannot hold"):
        TensorType((2,), np.dtype(complex))
    with pytest.raises(TypeError, match="cannot hold 'float32'"):
        TensorType((2,), "float32")  # type: ignore[arg-type]
