"""Interning, memory, threads and depth."""

from __future__ import annotations

import dataclasses
import gc
import threading
import weakref

import numpy as np
import pytest

from pellucid import graph as g
from pellucid.graph import Literal, Node, State, Tensor
from pellucid.graph import node as node_module
from pellucid.graph.node import _interned


def test_the_same_expression_is_the_same_node() -> None:
    x, y = g.variable([1.0, 2], "x"), g.variable([3.0, 4], "y")
    assert ((x + y) * 2.0).exp().node is ((x + y) * 2.0).exp().node
    assert (x + y).node is not (y + x).node
    assert x.sum(0).node is x.sum().node and x[0:1].node is x[:1].node
    assert g.grad((x * y).sum(), x).node is g.grad((x * y).sum(), x).node
    assert g.placeholder("a", (2,)).node is g.placeholder("a", (2,)).node
    assert g.placeholder("a", (2,)).node is not g.placeholder("b", (2,)).node
    assert g.variable([1.0]).node is not g.variable([1.0]).node  # two states


def test_small_constants_are_equal_by_content() -> None:
    assert g.tensor([1.0, 2]).node is g.tensor(np.array([1, 2], np.float32)).node
    for other in ([1.0, 3], [[1.0, 2]], np.array([1.0, 2])):
        assert g.tensor([1.0, 2]).node is not g.tensor(other).node
    assert g.tensor(float("nan")).node is g.tensor(float("nan")).node
    assert g.tensor(0.0).node is not g.tensor(-0.0).node
    large = np.zeros(1000)
    assert g.tensor(large).node is not g.tensor(large).node
    literal = Literal(large)
    assert g.apply("constant", value=literal) is g.apply("constant", value=literal)


def test_attributes_are_told_apart_to_the_sign_of_zero() -> None:
    x = g.ones((1,))
    plus, minus = x.pad((1,), (0,), value=0.0), x.pad((1,), (0,), value=-0.0)
    assert plus.node is not minus.node
    assert np.signbit(minus.numpy()).tolist() == [True, False]
    assert x.pad((1,), (0,), value=float("nan")).node is x.pad((1,), (0,), value=float("nan")).node


def test_constants_keep_the_value_they_were_made_from() -> None:
    array = np.array([1.0, 2])
    x = g.tensor(array)
    array[:] = 9
    assert x.tolist() == [1, 2]
    found = x.numpy()
    found[:] = 7
    assert x.tolist() == [1, 2]
    with pytest.raises(ValueError, match="read-only"):
        x.node.attrs["value"].array[0] = 5


def test_nodes_cannot_be_changed() -> None:
    node = g.ones((2,)).node
    with pytest.raises(dataclasses.FrozenInstanceError):
        node.op = "neg"  # type: ignore[misc]
    with pytest.raises(TypeError):
        node.attrs["shape"] = (3,)  # type: ignore[index]


def test_nodes_are_freed() -> None:
    gc.collect()
    before = len(_interned)
    x = g.variable(np.ones(1000))
    y = (x * np.ones(1000)).exp().sum()
    gone = [weakref.ref(node) for node in g.ordered([y.node])]
    held = weakref.ref(x.node.attrs["state"])
    assert len(_interned) > before
    del x, y
    gc.collect()
    assert len(_interned) == before
    assert all(ref() is None for ref in gone) and held() is None


def test_a_freed_node_is_not_mistaken_for_a_new_one() -> None:
    """Nodes are keyed by the ids of their inputs, and ids are used again."""
    for i in range(2000):
        x = g.variable(float(i))
        assert (x + 1.0).item() == i + 1
        del x


def test_threads_that_build_the_same_graph_get_the_same_nodes() -> None:
    x = g.variable([1.0, 2], "x")
    found: list[list[Node]] = [[] for _ in range(8)]
    barrier = threading.Barrier(8)

    def build(own: list[Node]) -> None:
        barrier.wait()
        y = x
        for i in range(300):
            y = (y * 1.5 + float(i)).tanh()
            own.append(y.node)

    threads = [threading.Thread(target=build, args=(own,)) for own in found]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(own == found[0] and len(own) == 300 for own in found)


def test_a_chain_of_20_000_nodes() -> None:
    x = g.variable(np.array([1.0, 0.5]), "x")
    y = x
    for i in range(20_000):
        y = y + 1e-4 if i % 2 else y * 0.9999
    loss = y.sum()
    assert len(g.ordered([loss.node])) > 20_000
    g.verify(g.Graph({"loss": loss.node}))
    expected = np.array([1.0, 0.5])
    for i in range(20_000):
        expected = expected + 1e-4 if i % 2 else expected * 0.9999
    assert loss.item() == pytest.approx(expected.sum(), rel=1e-12)
    slope = g.grad(loss, x)
    np.testing.assert_allclose(slope.numpy(), [0.9999**10_000] * 2, rtol=1e-9)
    last = weakref.ref(loss.node)
    del y, loss, slope
    gc.collect()
    assert last() is None


def test_order_puts_every_node_after_its_inputs_once() -> None:
    x = g.variable(1.0)
    y = x
    for _ in range(60):
        y = y * y + x
    order = g.ordered([y.node, x.node])
    place = {node: i for i, node in enumerate(order)}
    assert len(place) == len(order)
    assert all(place[source] < place[node] for node in order for source in node.inputs)


def test_states() -> None:
    state = State(np.array([1.0, 2], np.float32), "w")
    state.value = np.array([3, 4])
    assert state.value.tolist() == [3, 4] and state.value.dtype == np.float32
    with pytest.raises(ValueError, match=r"state 'w' has shape \(2,\), got a value of \(3,\)"):
        state.value = np.zeros(3)
    arena = np.zeros(10, np.float32)
    state.rebind(arena[4:6])
    state.value = np.array([5, 6])
    assert arena[4:6].tolist() == [5, 6]
    with pytest.raises(ValueError, match="another type"):
        state.rebind(np.zeros(2))
    assert repr(state) == "State('w', float32[2])"
    given = np.array([1.0, 2])
    own = State(given)
    given[:] = 0
    assert own.value.tolist() == [1, 2]


def test_an_op_that_is_not_there() -> None:
    with pytest.raises(ValueError, match="there is no op 'frobnicate'"):
        Tensor(g.apply("frobnicate"))


def test_graph_is_built_while_a_node_is_interned() -> None:
    """What collects garbage, or handles a signal, at that moment may build graph."""
    with node_module._lock:
        assert (g.ones((2,)) + 1.0).tolist() == [2, 2]
