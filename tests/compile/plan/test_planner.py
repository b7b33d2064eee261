"""Plans: every one of random graphs is checked; states that are read while they are replaced."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from pellucid import graph as g
from pellucid.compile.passes.simplify import simplify
from pellucid.compile.plan import schedule
from pellucid.compile.plan.planner import Plan, make_plan
from pellucid.compile.plan.verify import verify
from pellucid.graph import Graph, State, Tensor
from tests.compile.closeness import difference
from tests.compile.test_determinism import GRAPHS
from tests.graph.random_graphs import Settings, random_graph


@pytest.mark.parametrize("productions", [6, 14, 40])
def test_plans_of_random_graphs(productions: int) -> None:
    for seed in range(150):
        graph = random_graph(seed, Settings(productions=productions))
        for each in (graph, simplify(graph)):
            verify(make_plan(each))


@pytest.mark.parametrize("make", GRAPHS)
def test_plans_of_training_steps(make: Callable[[], Graph]) -> None:
    plan = make_plan(simplify(make()))
    verify(plan)
    assert len(plan.offsets) > 3
    apart = sum(-(-n.size * n.dtype.itemsize // 64) * 64 for n in plan.offsets)
    assert plan.arena_bytes < apart, "memory is used again"


def test_offsets_depend_on_the_graph_alone() -> None:
    """Else the key of a program, and with it the cache, would change from process to process."""

    def offsets() -> list[tuple[int, str]]:
        states = [g.variable(np.full(8, float(i), np.float32), f"s{i}") for i in range(12)]
        swapped = zip(states, [*states[6:], *states[:6]], strict=True)
        graph = Graph({}, {_state(x): y.node for x, y in swapped})
        plan = make_plan(graph)
        return [(offset, node.attrs["state"].name) for node, offset in plan.offsets.items()]

    first = offsets()
    assert len(first) > 3
    assert all(offsets() == first for _ in range(4))


# -- what the checker must notice ------------------------------------------------------------------


def _plan() -> Plan:
    return make_plan(simplify(GRAPHS[0]()))


def _same_offset(plan: Plan) -> None:
    first, second, *_ = sorted(plan.offsets, key=lambda node: -node.size)
    plan.offsets[second] = plan.offsets[first]


def _no_memory(plan: Plan) -> None:
    plan.arena_bytes = 64


def _misaligned(plan: Plan) -> None:
    plan.offsets[next(iter(plan.offsets))] = 8


def _too_early(plan: Plan) -> None:
    plan.levels[0], plan.levels[-1] = plan.levels[-1], plan.levels[0]


def _at_once(plan: Plan) -> None:
    plan.levels[:2] = [plan.levels[0] + plan.levels[1]]


def _forgotten(plan: Plan) -> None:
    plan.levels.pop()


def _twice(plan: Plan) -> None:
    plan.levels.append(list(plan.levels[-1]))


def _not_stored(plan: Plan) -> None:
    del plan.offsets[next(iter(plan.offsets))]


def _no_output(plan: Plan) -> None:
    plan.targets = {
        node: [target for target in targets if target.kind != "output"]
        for node, targets in plan.targets.items()
    }


@pytest.mark.parametrize(
    "spoil",
    [
        _same_offset,
        _no_memory,
        _misaligned,
        _too_early,
        _at_once,
        _forgotten,
        _twice,
        _not_stored,
        _no_output,
    ],
)
def test_a_spoilt_plan_is_noticed(spoil: Callable[[Plan], None]) -> None:
    plan = _plan()
    verify(plan)
    spoil(plan)
    with pytest.raises(ValueError, match=r"reads|writes|arena|written|computed|stored|changes|get"):
        verify(plan)


# -- states that are read while they are replaced --------------------------------------------------


def _square(n: int, seed: int) -> Tensor:
    rng = np.random.default_rng(seed)
    return g.variable((rng.standard_normal((n, n)) / 8).astype(np.float32), f"s{seed}")


def _state(x: Tensor) -> State:
    state = x.node.attrs["state"]
    assert isinstance(state, State)
    return state


def _updates(a: Tensor, b: Tensor) -> dict[str, dict[Tensor, Tensor]]:
    """What becomes of two square states."""
    back = np.arange(a.shape[0])[::-1].copy()
    return {
        "product from the left": {a: b @ a},
        "product from the right": {a: a @ b},
        "its square": {a: a @ a},
        "product and itself": {a: a - 0.1 * (a @ b).tanh()},
        "transposed product": {a: a - 0.1 * (b.T @ a).tanh()},
        "each by the other": {a: a @ b, b: b @ a},
        "each with the other": {a: a @ b + a, b: a.T @ b + b},
        "swapped": {a: b, b: a},
        "one handed on": {a: b, b: a + b},
        "scattered": {a: a.scatter_add(back, a.shape[0])},
        "gathered": {a: a.take(back)},
        "transposed": {a: a.T},
        "turned round": {a: a.flip((0,)) + a},
        "moved along": {a: g.concatenate([a[1:], a[:1]])},
        "centred": {a: a - a.mean(0, keepdims=True)},
        "all summed": {a: a - a.sum()},
        "softmax": {a: g.softmax(a, 1)},
        "by the sum of the other": {a: a * b.sum(0), b: b + a.max(1, keepdims=True)},
        "unchanged": {a: a, b: b * 1.0},
    }


@pytest.mark.parametrize("name", list(_updates(_square(2, 0), _square(2, 1))))
@pytest.mark.parametrize("n", [3, 16, 100])
def test_states_read_while_they_are_replaced(n: int, name: str) -> None:
    updates = _updates(_square(n, 0), _square(n, 1))[name]
    graph = Graph({}, {_state(x): y.node for x, y in updates.items()})
    verify(make_plan(simplify(graph)))
    assert not difference(graph, {}, 3)


@pytest.mark.parametrize("name", ["its square", "product and itself", "scattered", "transposed"])
def test_overwriting_in_place_where_it_is_wrong_is_noticed(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schedule, "reads_in_place", lambda *_: True)
    updates = _updates(_square(16, 0), _square(16, 1))[name]
    plan = make_plan(simplify(Graph({}, {_state(x): y.node for x, y in updates.items()})))
    with pytest.raises(ValueError, match="overwrite"):
        verify(plan)
