"""Random networks of all layers: loss, every gradient and new states, compiled and by NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import stacks
from benchmarks.stacks import failure_of, hunt, trouble
from pellucid import nn
from pellucid.graph import Array, Graph
from pellucid.parts import library
from tests.compile.closeness import Feeds, Results, reference
from tests.nn.random_stacks import LAYERS, random_step

SEEDS = range(0, 25, 5)


@pytest.mark.parametrize("first", SEEDS)
def test_random_stacks(first: int) -> None:
    assert not hunt(range(first, first + 5), ["float64"])


def test_random_stacks_in_float32() -> None:
    assert not hunt(range(100, 104), ["float32"])


def test_every_layer_and_loss_takes_part() -> None:
    assert {*library(nn.Module)} == {*LAYERS, "Embedding", "Join"}
    seen: set[str] = set()
    for seed in range(250):
        step = random_step(seed)
        seen |= {type(module).__name__ for _, module in step.net.named_modules()}
        seen.add(type(step.loss).__name__)
    # Join takes several inputs, which a stack has not.
    wanted = {*library(nn.Module, nn.Loss)} - {"Join"}
    assert wanted <= seen


def test_a_step_is_a_function_of_its_seed() -> None:
    for seed in (0, 3):
        one, other = random_step(seed), random_step(seed)
        assert one.net.to_spec() == other.net.to_spec() and one.loss == other.loss
        assert [held.name for held in one.graph.states] == [s.name for s in other.graph.states]
        for state, twin in zip(one.graph.states, other.graph.states, strict=True):
            assert np.array_equal(state.value, twin.value)
        left, right = one.feeds(2), other.feeds(2)
        assert all(np.array_equal(left[name], right[name]) for name in left)
    assert random_step(0).net.to_spec() != random_step(1).net.to_spec()


def test_running_statistics_are_compared() -> None:
    steps = [random_step(seed) for seed in range(40)]
    assert any("BatchNorm" in repr(step.net) for step in steps)
    for step in steps:
        buffers = [held.state for _, held in step.net.named_buffers()]
        assert set(buffers) <= set(step.graph.updates)
        parameters = {f"by {i}" for i in range(len(step.net.parameters()))}
        assert parameters <= set(step.graph.outputs)


@pytest.mark.parametrize("name", ["loss", "by 0", "state 0"])
def test_a_small_error_is_noticed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(graph: Graph, feeds: Feeds, steps: int) -> Results:
        results = reference(graph, feeds, steps)
        value: Array = results[name]
        results[name] = value * (1 + 1e-6) if value.any() else value + 1e-6
        return results

    monkeypatch.setattr(stacks, "reference", wrong)
    monkeypatch.setattr(stacks, "difference", lambda *args: "noticed")
    assert trouble(random_step(5), "float64") == "noticed"


def test_a_failure_is_named_by_its_seed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(self: nn.Linear, x: object) -> object:
        raise ValueError("the layer fell over")

    monkeypatch.setattr(nn.Linear, "forward", broken)
    assert "the layer fell over" in failure_of(0, "float64")
    assert hunt([3], ["float64"])[0].startswith("seed 3, float64: ValueError: the layer fell over")
    assert "seed 3, float64" in capsys.readouterr().out


def test_other_bits_on_more_threads_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = iter(range(100))

    def unlike(*args: object) -> Results:
        return {"loss": np.array([1.0 + next(numbers) // 2])}

    monkeypatch.setattr(stacks, "run", unlike)
    assert trouble(random_step(0), "float64") == "loss on 3 threads has other bits than on 1"
