"""Random graphs, compiled and by NumPy: outputs and states after two steps."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.fuzz import failure_of, hunt
from pellucid import graph as g
from pellucid.graph import Graph
from tests.compile import closeness
from tests.graph.random_graphs import Settings, random_feeds, random_graph

SEEDS = range(0, 240, 40)
WILD = range(10_000, 10_060, 20)


@pytest.mark.parametrize("first", SEEDS)
def test_tame_graphs(first: int) -> None:
    assert not hunt(range(first, first + 40), Settings())


@pytest.mark.parametrize("first", WILD)
def test_graphs_with_infinities_and_nan(first: int) -> None:
    assert not hunt(range(first, first + 20), Settings(wild=True))


@pytest.mark.parametrize("relative", [1e-5, 1e-4])
def test_a_small_error_is_noticed(relative: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison is no wider than rounding: a hundred units in the last place are too many."""

    def wrong(graph: Graph, feeds: closeness.Feeds | None = None, steps: int = 1) -> object:
        results = closeness.reference(graph, feeds, steps)
        kinds = {name: value.dtype for name, value in results.items()}
        floats = {name for name, kind in kinds.items() if kind.kind == "f"}
        return {
            name: np.asarray(value * (1 + relative), kinds[name]) if name in floats else value
            for name, value in results.items()
        }

    monkeypatch.setattr(closeness, "native", wrong)
    noticed = 0
    for seed in range(30):
        graph = random_graph(seed)
        noticed += bool(closeness.difference(graph, random_feeds(graph, seed, 2), 2))
    assert noticed >= 26


def test_a_failure_is_shrunk_and_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(graph: Graph, feeds: closeness.Feeds | None = None, steps: int = 1) -> object:
        if any(node.op == "tanh" and node.size > 4 for node in graph.nodes):
            raise RuntimeError("the compiler fell over")
        return closeness.reference(graph, feeds, steps)

    monkeypatch.setattr(closeness, "native", wrong)
    seed = next(s for s in range(50) if "fell over" in failure_of(s, Settings()))
    (failure,) = hunt([seed], Settings())
    assert failure.seed == seed and "the compiler fell over" in failure.what
    assert failure.test.count("g.apply(") == 2 and "'tanh'" in failure.test
    assert "assert not difference(graph, feeds)" in failure.test


def test_the_comparison_sees_shapes_types_and_single_elements() -> None:
    right = np.arange(6, dtype=np.float32)
    assert not closeness.compare("y", right.copy(), right, [right, right])
    assert "float64" in closeness.compare("y", right.astype(float), right, None)
    assert "(2, 3)" in closeness.compare("y", right.reshape(2, 3), right, None)
    other = right.copy()
    other[4] = np.nan
    assert "y[4]" in closeness.compare("y", other, right, [right, right])
    assert not closeness.compare("y", other, other.copy(), [other, other])


def test_float64_below_float32_is_as_exact_as_float32() -> None:
    x = g.variable(np.linspace(0.1, 2, 40, dtype=np.float32), "x")
    y = (x.tanh().cast(np.float64) * 3.0).exp()
    assert not closeness.difference(Graph({"y": y.node}))
    right = closeness.reference(Graph({"y": y.node}))["y"]
    shaken = [
        closeness.run(closeness.Shaken(Graph({"y": y.node}), seed), Graph({"y": y.node}), {}, 1)[
            "y"
        ]
        for seed in range(4)
    ]
    assert not closeness.compare("y", right * (1 + 1e-8), right, shaken)
    assert closeness.compare("y", right * (1 + 1e-5), right, shaken)
