"""Simplification keeps every value and drops what is not needed."""

from __future__ import annotations

import numpy as np
import pytest

from pellucid.compile.executor import Native
from pellucid.compile.passes.simplify import constant_value, simplify
from pellucid.graph import Array, Graph, Reference, Tensor, placeholder, tensor, variable, where
from tests.graph.random_graphs import Settings, random_feeds, random_graph


def simple(y: Tensor) -> Tensor:
    return Tensor(simplify(Graph({"y": y.node})).outputs["y"])


X = placeholder("x", (3, 4))


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (X * 1.0, X),
        (1.0 * X, X),
        (X - 0.0, X),
        (X / 1.0, X),
        (X / 4.0, X * 0.25),
        (-X * -1.0, X),
        (X * -1.0, -X),
        (X * X, X.square()),
        (X**1.0, X),
        (X + -X.exp(), X - X.exp()),
        (X.reshape(4, 3).reshape(12).reshape(3, 4), X),
        (X.transpose(1, 0).transpose(1, 0), X),
        (X.stop_gradient(), X),
        (where(X < 0, X, X), X),
        (X * (placeholder("y", (1, 4)).sum(0, keepdims=True)), X * placeholder("y", (1, 4))),
    ],
)
def test_rules(made: Tensor, expected: Tensor) -> None:
    assert simple(made).node is simple(expected).node


@pytest.mark.parametrize("kept", [X + 0.0, X * 0.0, X / 3.0, 0.0 - X, X - (-0.0)])
def test_what_would_change_bits_stays(kept: Tensor) -> None:
    assert simple(kept).node is kept.node


def test_constants_are_computed_beforehand() -> None:
    scale = (tensor(2.0) * 3.0).exp().sqrt()
    assert simple(X * scale).node is simple(X * float(np.exp(np.float32(6)) ** 0.5)).node
    assert constant_value(simple(where(X < 0, 1.0, 1.0)).node) == 1.0


@pytest.mark.parametrize("seed", range(60))
def test_random_graphs_keep_their_values(seed: int) -> None:
    graph = random_graph(seed, Settings(wild=bool(seed % 2)))
    feeds = random_feeds(graph, seed, 1)
    small = simplify(graph)
    assert len(small.nodes) <= len(graph.nodes)
    before = [state.value.copy() for state in graph.states]

    def run(which: Graph) -> dict[str, Array]:
        for state, value in zip(graph.states, before, strict=True):
            state.value = value
        with np.errstate(all="ignore"):
            outputs = Reference().build(which).run(1, feeds)
        updated = {f"state {i}": s.value.copy() for i, s in enumerate(graph.states)}
        return {**outputs, **updated}

    one, other = run(graph), run(small)
    for name, value in one.items():
        if value.dtype.kind != "f":
            assert np.array_equal(value, other[name]), name
            continue
        finite = np.abs(value[np.isfinite(value)])
        scale = float(finite.max()) if finite.size else 1.0
        # NumPy sums in the order of memory, which a folded transposition may change.
        np.testing.assert_allclose(other[name], value, rtol=1e-5, atol=1e-5 * scale, err_msg=name)


@pytest.mark.parametrize("axes", [0, (0, 2)])
def test_a_sum_of_one_element_keeps_the_sign_of_zero(axes: int | tuple[int, ...]) -> None:
    x = variable(np.full((1, 3, 1), -0.0, np.float32), "x")
    graph = Graph({"y": x.sum(axes).node})
    for executor in (Reference(), Native()):
        assert np.signbit(executor.build(graph).run(1, {})["y"]).all()
