"""What holds for every random graph, and the tools that will hunt with them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from pellucid import graph as g
from pellucid.graph import Graph, Node, State
from pellucid.graph.execute import compute
from tests.graph.random_graphs import PURE, Settings, random_feeds, random_graph
from tests.graph.shrink import as_test, rebuild, shrink
from tests.graph.support import assert_gradient

SEEDS = range(150)


def run(graph: Graph, seed: int) -> dict[str, bytes]:
    """What two steps give, states included, to the bit."""
    found = g.Reference().build(graph).run(2, random_feeds(graph, seed, 2))
    after = {f"state {i}": state.value for i, state in enumerate(graph.states)}
    return {name: np.asarray(value).tobytes() for name, value in (found | after).items()}


@pytest.mark.parametrize("wild", [False, True])
def test_legal_and_repeatable(wild: bool) -> None:
    settings = Settings(wild=wild)
    for seed in SEEDS:
        graph, again = random_graph(seed, settings), random_graph(seed, settings)
        g.verify(graph)
        copy = rebuild(graph)
        shape = [(node.op, node.type) for node in graph.nodes]
        assert shape == [(node.op, node.type) for node in again.nodes]
        assert shape == [(node.op, node.type) for node in copy.nodes]
        assert not set(graph.states) & set(again.states)
        first = run(graph, seed)
        assert first == run(again, seed) == run(copy, seed)


def test_interning() -> None:
    """Building each node again from its parts gives the same node."""
    for seed in SEEDS:
        for node in random_graph(seed).nodes:
            assert g.apply(node.op, node.inputs, **node.attrs) is node


def test_values_are_finite_unless_wild() -> None:
    finite = {True: 0, False: 0}
    for wild in finite:
        for seed in SEEDS:
            graph = random_graph(seed, Settings(wild=wild))
            found = g.Reference().build(graph).run(1, random_feeds(graph, seed))
            finite[wild] += all(np.isfinite(v).all() for v in found.values() if v.dtype.kind == "f")
    assert finite[False] > 0.95 * len(SEEDS) > finite[True]


@pytest.mark.parametrize("seed", range(60))
def test_gradients_of_smooth_graphs(seed: int) -> None:
    graph = random_graph(seed, Settings(productions=8, smooth=True))
    loss = g.Tensor(graph.outputs["loss"])
    states = [state for state in graph.states if state.value.dtype == np.float64]
    at = [g.read(state) for state in states]
    assert_gradient(loss, at, seed)
    if seed % 3 == 0:
        total = g.tensor(0.0)
        for number, slope in enumerate(g.grad(loss, at)):
            weights = np.random.default_rng(number).standard_normal(slope.shape)
            total = total + (slope * weights).sum()
        assert_gradient(total, at, seed)


def test_every_op_appears_often() -> None:
    seen: dict[str, int] = dict.fromkeys(g.TABLE, 0)
    for seed in range(600):
        for op in {node.op for node in random_graph(seed).nodes}:
            seen[op] += 1
    assert min(seen.values()) >= 3, seen


def _has_wide_tanh(graph: Graph) -> bool:
    return any(node.op == "tanh" and node.size > 4 for node in graph.nodes)


def test_shrinking() -> None:
    done = 0
    for seed in range(40):
        graph = random_graph(seed)
        if not _has_wide_tanh(graph):
            continue
        small = shrink(graph, _has_wide_tanh)
        g.verify(small)
        assert [node.op for node in small.nodes] == ["state", "tanh"]
        assert run(graph, seed) == run(random_graph(seed), seed)  # the given graph is untouched
        done += 1
    assert done > 10


def test_a_graph_that_does_not_fail_is_not_shrunk() -> None:
    with pytest.raises(ValueError, match="does not fail"):
        shrink(random_graph(0), lambda graph: False)


def test_a_crash_is_a_failure() -> None:
    def crashes(graph: Graph) -> bool:
        if any(node.op == "mul" for node in graph.nodes):
            raise RuntimeError("crashed")
        return False

    seed = next(s for s in SEEDS if any(n.op == "mul" for n in random_graph(s).nodes))
    assert len(shrink(random_graph(seed), crashes).nodes) <= 3


def test_printed_tests_build_the_same_graph() -> None:
    for seed in range(60):
        graph = random_graph(seed)
        space: dict[str, Any] = {"check": lambda *given: given}
        exec(as_test(graph, "return check(graph, feeds)"), space)
        printed, feeds = space["test_found"]()
        kinds = [(node.op, node.type) for node in graph.nodes]
        assert [(node.op, node.type) for node in printed.nodes] == kinds
        for name, value in random_feeds(graph, 0).items():
            np.testing.assert_array_equal(feeds[name], value)
        assert run(printed, seed) == run(graph, seed)


def test_rounding_moves_no_result_far() -> None:
    """Were an op with a jump to see a rounded value, an executor could differ by a whole unit."""
    moved = [seed for seed in SEEDS if _moved_by_rounding(random_graph(seed), seed)]
    assert not moved


def _moved_by_rounding(graph: Graph, seed: int) -> bool:
    feeds = {name: array[0] for name, array in random_feeds(graph, seed).items()}
    exact, rounded = compute(graph.nodes, feeds), _rounded(graph.nodes, feeds, seed)
    for node in graph.roots:
        a, b = exact[node].astype(float), rounded[node].astype(float)
        scale = np.abs(a[np.isfinite(a)]).max(initial=0) + 0.1
        if not np.allclose(a, b, rtol=0, atol=1e-3 * scale, equal_nan=True):
            return True
    return False


def _rounded(nodes: Sequence[Node], feeds: dict[str, g.Array], seed: int) -> dict[Node, g.Array]:
    """Every value, with each op that rounds wrong by up to 2e-7 of its result."""
    rng = np.random.default_rng(seed)
    values: dict[Node, g.Array] = {}
    for node in nodes:
        if not node.inputs:
            values[node] = compute([node], feeds)[node]
            continue
        values[node] = g.TABLE[node.op].reference(*(values[s] for s in node.inputs), **node.attrs)
        if node.dtype.kind == "f" and node.op not in PURE:
            wrong = values[node] * (1 + rng.uniform(-2e-7, 2e-7, node.shape))
            values[node] = np.asarray(wrong, node.dtype)
    return values


def test_states_of_one_name_stay_apart() -> None:
    a, b = State(np.ones(2), "w"), State(np.zeros(2), "w")
    graph = Graph({"y": (g.read(a) + g.read(b)).node}, {a: g.read(b).node})
    copy = rebuild(graph)
    assert len(copy.states) == 2 and run(copy, 0) == run(graph, 0)
