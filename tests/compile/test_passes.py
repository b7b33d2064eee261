"""Between the passes of the compiler, in its own order: every graph, plan and loop is checked."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pellucid import graph as g
from pellucid.compile import code as whole
from pellucid.compile.code import PASSES, Code, Pass
from pellucid.compile.loop import verify as loops
from pellucid.compile.machine import Machine
from pellucid.compile.native.isa import host_isa
from pellucid.compile.plan.planner import Plan, make_plan
from pellucid.compile.plan.verify import verify
from pellucid.graph import Array, Graph
from tests.compile.closeness import Feeds, Shaken, compare, reference, run
from tests.compile.sums import normalisations, sums_that_follow
from tests.compile.test_determinism import GRAPHS, feeds_of
from tests.graph.random_graphs import Settings, random_feeds, random_graph

ROOT = Path(__file__).parents[2]
NAMES = [name for name, _ in PASSES]


@pytest.fixture
def passed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The passes that graphs went through so far, each checked when it is done."""
    done: list[str] = []

    def checked(name: str, change: Pass) -> Pass:
        def run(graph: Graph) -> Graph:
            after = change(graph)
            g.verify(after)
            assert {n: v.type for n, v in after.outputs.items()} == {
                n: v.type for n, v in graph.outputs.items()
            }
            assert list(after.updates) == list(graph.updates)
            assert set(after.inputs.items()) <= set(graph.inputs.items())
            done.append(name)
            return after

        return run

    def planned(graph: Graph, machine: Machine) -> Plan:
        plan = make_plan(graph, machine)
        verify(plan)
        done.append("plan")
        return plan

    watched = tuple((name, checked(name, change)) for name, change in PASSES)
    monkeypatch.setattr(whole, "PASSES", watched)
    monkeypatch.setattr(whole, "make_plan", planned)
    return done


def check(graph: Graph) -> None:
    g.verify(graph)
    for function in Code(graph, host_isa()).functions.values():
        loops.verify(function)


@pytest.mark.parametrize("make", GRAPHS)
def test_training_steps(make: Callable[[], Graph], passed: list[str]) -> None:
    check(make())
    assert passed == [*NAMES, "plan"]


@pytest.mark.parametrize("wild", [False, True])
def test_random_graphs(wild: bool, passed: list[str]) -> None:
    for seed in range(40):
        check(random_graph(seed, Settings(wild=wild)))
    assert len(passed) == 40 * (len(NAMES) + 1)


def test_the_passes_are_those_of_the_documentation() -> None:
    """ARCHITECTURE's table begins with them, each in its own file."""
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    table = re.findall(r"^\| (\w+) \| `([\w/]+)\.py` \|", text, re.MULTILINE)
    files = [(name, change.__module__.rpartition(".")[2]) for name, change in PASSES]
    assert table[: len(files)] == files
    assert table[len(files)][1] == "plan/materialise"


@pytest.mark.parametrize("make", GRAPHS)
def test_every_pass_keeps_the_values(make: Callable[[], Graph]) -> None:
    """By NumPy, up to the rounding of sums that are put in another order."""
    graph = make()
    assert not changed(graph, feeds_of(graph, 1))


@pytest.mark.parametrize("double", [False, True])
@pytest.mark.parametrize("wild", [False, True])
@pytest.mark.parametrize("make", [random_graph, sums_that_follow, normalisations])
def test_every_pass_keeps_the_values_of_random_graphs(
    make: Callable[[int, Settings], Graph], wild: bool, double: bool
) -> None:
    """Up to rounding; what is not finite stays so."""
    for seed in range(40):
        graph = make(seed, Settings(wild=wild, double=double))
        assert not changed(graph, random_feeds(graph, seed)), seed


def changed(graph: Graph, feeds: Feeds) -> str:
    """The first pass that changes a value by more than rounding does, and which; empty for none."""
    wanted, states = reference(graph, feeds), list(graph.states)
    shaken = [run(Shaken(graph, number), graph, feeds, 1) for number in range(8)]
    for name, change in PASSES:
        graph = change(graph)
        kept = [f"state {states.index(state)}" for state in graph.states]
        for output, value in reference(graph, feeds).items():
            if output.startswith("state "):
                output = kept[int(output.removeprefix("state "))]
            said = strayed(output, value, wanted[output], [each[output] for each in shaken])
            if said:
                return f"{name}: {said}"
    return ""


def strayed(name: str, actual: Array, right: Array, shaken: list[Array]) -> str:
    """As `compare`, where infinities may sum to NaN in one order and to an infinity in the other."""
    both = ~np.isfinite(right) & ~np.isfinite(actual) if right.dtype.kind == "f" else False
    return compare(name, np.where(both, right, actual).astype(actual.dtype), right, shaken)
