"""How a time limit is divided among networks, by a clock that is set by hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import pellucid as pel
from pellucid.train import tables
from pellucid.train.events import Stopped
from pellucid.train.time_budget import TimeBudget


@dataclass
class Clock:
    """A clock that goes only when it is set."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def trained(limit: float | None, durations: list[float]) -> list[int]:
    """The networks that count, if training them takes so long and stops when the time is up."""
    clock = Clock(100.0)
    budget, complete = TimeBudget(limit, clock), list[int]()
    for number, duration in enumerate(durations):
        if not budget.begin(len(complete)):
            break
        left = budget.left()
        clock.now += duration if left is None else min(duration, left)
        if not budget.end(len(complete)):
            break
        complete.append(number)
    assert budget.was_short == (len(complete) < len(durations))
    return complete


@pytest.mark.parametrize(
    ("limit", "durations", "count"),
    [
        (None, [1e9] * 5, 5),
        (100, [10] * 5, 5),
        (50, [10] * 5, 4),
        (49, [10] * 5, 4),
        (25, [10] * 5, 2),
        (10, [10] * 5, 1),
        (3, [10] * 5, 1),
        (35, [10, 20, 10], 2),
        (35, [10, 30, 10], 1),
        (100, [10, 50, 10], 2),
    ],
)
def test_as_many_as_end_in_time(limit: float | None, durations: list[float], count: int) -> None:
    """A network that ends just as the time does cannot be told from one that was cut off."""
    assert trained(limit, durations) == list(range(count))


def test_a_table_gets_fewer_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(tables, "TimeBudget", lambda seconds: TimeBudget(seconds, clock))

    def long(event: object) -> None:
        if isinstance(event, Stopped):
            clock.now += 1000.0

    dice = np.random.default_rng(0)
    table = {"x": dice.normal(size=60), "y": dice.normal(size=60)}
    settings: dict[str, Any] = {"epochs": 1, "progress": False, "callbacks": [long]}
    assert len(pel.fit_table(table, "y", time_limit=1e5, **settings).model.members) == 5
    run = pel.fit_table(table, "y", time_limit=2500.0, **settings)
    assert len(run.model.members) == 2 and run.scores.rows == 24
    networks = run.model.details["choices"][0]
    assert networks["value"] == "2, predictions averaged, of 5 planned"
    assert "begun only if as much time is left" in networks["rule"]
