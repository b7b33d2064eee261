"""Steps are counted as whole numbers, however many there are."""

from __future__ import annotations

import numpy as np
import pytest

from pellucid import graph as g
from pellucid import optim
from pellucid.graph import Array, Graph
from tests.optim.test_lengths import EXECUTORS

FIRST = [0, 2**24 - 3, 2**31 - 3, 2**40]


def history(
    optimizer: optim.Optimizer, first: int, count: int, executor: g.Executor, slopes: Array
) -> tuple[list[float], dict[str, g.State]]:
    """A parameter after each of the steps first, first + 1, …"""
    w = g.variable(np.zeros(1, np.float32), "w")
    slots = optimizer.init({"w": w})
    slope = g.placeholder("slope", (1,), np.float32)
    rate, step = g.placeholder("rate", (), np.float32), g.placeholder("step", (), np.int64)
    graph = Graph({}, optimizer.update({"w": w}, {"w": slope}, slots, rate, step))
    program = executor.build(graph)
    found = []
    for number in range(count):
        feeds: dict[str, Array] = {
            "rate": np.ones(1, np.float32),
            "step": np.array([first + number]),
            "slope": slopes[number % len(slopes)].reshape(1, 1),
        }
        program.run(1, {name: feeds[name] for name in graph.inputs})
        found.append(float(w.node.attrs["state"].value[0]))
    return found, slots


@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize("first", FIRST)
def test_accumulate_steps_after_every_round(first: int, executor: g.Executor) -> None:
    start = first - first % 3
    ones = np.ones(1, np.float32)
    found, _ = history(optim.Accumulate(optim.SGD(1.0), 3), start, 9, executor, ones)
    assert found == [0, 0, -1, -1, -1, -2, -2, -2, -3]


@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize("first", FIRST)
def test_lookahead_looks_back_after_every_round(first: int, executor: g.Executor) -> None:
    start = first - first % 3
    ones = np.ones(1, np.float32)
    found, _ = history(optim.Lookahead(optim.SGD(1.0), 3), start, 6, executor, ones)
    assert found == [-1, -2, -1.5, -2.5, -3.5, -3]


def test_a_sum_begins_anew_after_a_gradient_that_is_not_finite() -> None:
    """Clipping within makes a step of an infinite sum, after which the next sum is 0."""
    optimizer = optim.Accumulate(optim.Clip(optim.SGD(1.0), value=1.0), 2)
    slopes = np.array([np.inf, 0.0, 0.25, 0.25], np.float32)
    found, _ = history(optimizer, 0, 4, g.Reference(), slopes)
    assert found == [0, -1, -1, -1.25]


@pytest.mark.parametrize("optimizer", [optim.ScheduleFreeSGD(1.0), optim.ScheduleFreeAdamW(1.0)])
def test_a_mean_of_equal_iterates_does_not_grow(optimizer: optim.Optimizer) -> None:
    """From step 2²⁵ on 1 − 1/t is 1 in float32."""
    _, slots = history(optimizer, 2**25, 1, g.Reference(), np.zeros(1, np.float32))
    (x,) = (state for name, state in slots.items() if ".x/" in name)
    (z,) = (state for name, state in slots.items() if ".z/" in name)
    x.value, z.value = np.full(1, 0.7, np.float32), np.full(1, 0.7, np.float32)
    w = g.variable(np.zeros(1, np.float32), "w")
    step = g.tensor(2**25 + 1)
    rate, slope = g.tensor(1.0), g.tensor(np.zeros(1, np.float32))
    updates = optimizer.update({"w": w}, {"w": slope}, slots, rate, step)
    g.Reference().build(Graph({}, updates)).run(8, {})
    assert x.value[0] == np.float32(0.7)


SCHEDULES = [
    optim.ConstantRate(),
    optim.StepRate(2),
    optim.MilestoneRate((1.0, 2.0)),
    optim.PlateauRate(),
    optim.InverseRate(2.0),
    optim.ExponentialRate(0.9),
    optim.CosineRate(0.1),
    optim.CosineRestarts(2, 2),
    optim.OneCycle(),
    optim.PolynomialRate(2.0),
    optim.WarmUp(2.0, optim.CosineRate()),
    optim.WarmUp(0.25, optim.OneCycle()),
    optim.WarmUp(1.0, optim.WarmUp(1.0, optim.PolynomialRate())),
]


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_every_schedule_has_a_factor_in_any_training(schedule: optim.Schedule) -> None:
    """Of no epochs, of fewer than its warm-up, of a part of one, and after the end."""
    for epochs in (0, 0.5, 1, 2, 2.0, 10):
        start = schedule.factor(0, epochs)
        assert start == schedule.factor(0, 100), "the start does not depend on the length"
        for epoch in (0, 0.1, epochs / 2, epochs, epochs + 1):
            assert 0 <= schedule.factor(epoch, epochs) <= 1
