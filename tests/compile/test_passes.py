"""Between the passes of the compiler, in its own order: every graph, plan and loop is checked."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pellucid import graph as g
from pellucid.compile import code as whole
from pellucid.compile.code import Code
from pellucid.compile.loop import verify as loops
from pellucid.compile.native.isa import host_isa
from pellucid.compile.plan import Plan, make_plan
from pellucid.compile.tiles import Machine
from pellucid.compile.verify import verify
from pellucid.graph import Graph
from tests.compile.closeness import compare, reference
from tests.compile.test_determinism import GRAPHS, feeds_of
from tests.graph.random_graphs import Settings, random_graph

PASSES = ("simplify", "joined", "split", "as_read", "padded_in_place")


@pytest.fixture
def passed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The passes that graphs went through so far, each checked when it is done."""
    found: list[str] = []

    def checked(name: str, change: Callable[[Graph], Graph]) -> Callable[[Graph], Graph]:
        def run(graph: Graph) -> Graph:
            after = change(graph)
            g.verify(after)
            assert {n: v.type for n, v in after.outputs.items()} == {
                n: v.type for n, v in graph.outputs.items()
            }
            assert list(after.updates) == list(graph.updates)
            assert set(after.inputs.items()) <= set(graph.inputs.items())
            found.append(name)
            return after

        return run

    def planned(graph: Graph, machine: Machine) -> Plan:
        plan = make_plan(graph, machine)
        verify(plan)
        found.append("plan")
        return plan

    for name in PASSES:
        monkeypatch.setattr(whole, name, checked(name, getattr(whole, name)))
    monkeypatch.setattr(whole, "make_plan", planned)
    return found


def check(graph: Graph) -> None:
    g.verify(graph)
    for function in Code(graph, host_isa()).functions.values():
        loops.verify(function)


@pytest.mark.parametrize("make", GRAPHS)
def test_training_steps(make: Callable[[], Graph], passed: list[str]) -> None:
    check(make())
    assert passed == [*PASSES, "plan"]


@pytest.mark.parametrize("wild", [False, True])
def test_random_graphs(wild: bool, passed: list[str]) -> None:
    for seed in range(40):
        check(random_graph(seed, Settings(wild=wild)))
    assert len(passed) == 40 * (len(PASSES) + 1)


@pytest.mark.parametrize("make", GRAPHS)
def test_every_pass_keeps_the_values(make: Callable[[], Graph]) -> None:
    """By NumPy, up to the rounding of sums that are put in another order."""
    graph = make()
    feeds = feeds_of(graph, 1)
    wanted = reference(graph, feeds)
    for name in PASSES:
        graph = getattr(whole, name)(graph)
        for output, value in reference(graph, feeds).items():
            near = [wanted[output] * (1 - 1e-6), wanted[output] * (1 + 1e-6)]
            said = compare(output, value, wanted[output], near)
            assert not said, (name, said)
