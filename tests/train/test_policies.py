"""Policies answer scores as their rules say, and remember."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from pellucid import optim
from pellucid.train.actions import Rollback, Save, SetRate, Stop
from pellucid.train.events import Checkpointed, Diverged, Evaluated, Progressed, Started
from pellucid.train.policies import (
    Checkpointing,
    EarlyStopping,
    ReduceOnPlateau,
    StopOnDivergence,
    TimeLimit,
)
from tests.train.runs import fitted

REDUCED = [SetRate(factor=0.1), Rollback()]


def evaluated(*scores: float, every: int = 1) -> list[Evaluated]:
    """Entries of a history with these scores, each the best if it is below all before."""
    entries: list[Evaluated] = []
    for index, score in enumerate(scores):
        best = score == score and all(not entry.score <= score for entry in entries)
        measures = {"validation.loss": score}
        entries.append(Evaluated(index * every, 0, 0.1, measures, "loss", best))
    return entries


def answers(policy: Any, entries: list[Evaluated]) -> dict[int, Any]:
    """What a policy answers, by epoch."""
    told = {entry.epoch: policy(entry) for entry in entries}
    return {epoch: answer for epoch, answer in told.items() if answer is not None}


def test_early_stopping_counts_from_the_best() -> None:
    scores = [3.0, 2.0, 2.5, 1.0, 1.0, 2.0, 1.5, 0.5]
    told = answers(EarlyStopping(3), evaluated(*scores))
    text = "the validation loss has not improved for 3 epochs since epoch 3"
    assert told == {6: Stop(text)}
    assert answers(EarlyStopping(4), evaluated(*scores)) == {}


def test_early_stopping_by_epochs_that_are_not_all_measured() -> None:
    told = answers(EarlyStopping(4), evaluated(3.0, 2.0, 2.5, 2.5, every=2))
    assert list(told) == [6] and told[6].reason.endswith("for 4 epochs since epoch 2")


@pytest.mark.parametrize("wild", [float("nan"), float("inf")])
def test_early_stopping_without_a_finite_score(wild: float) -> None:
    entry = Evaluated(0, 0, 0.1, {"validation.loss": wild}, "loss", False)
    later = [Evaluated(n, 0, 0.1, {"validation.loss": wild}, "loss", False) for n in (1, 2)]
    told = answers(EarlyStopping(2), [entry, *later])
    assert told == {2: Stop("the validation loss was not finite in any of 2 epochs")}


def test_a_plateau_reduces_before_early_stopping_ends() -> None:
    plateau = ReduceOnPlateau(2, times=2)
    stopping = EarlyStopping(3, plateau)
    entries = evaluated(1.0, *[2.0] * 9)
    told: dict[int, list[Any]] = {}
    for entry in entries:
        told[entry.epoch] = [answer for answer in (stopping(entry), plateau(entry)) if answer]
    reduced = [epoch for epoch, answer in told.items() if REDUCED in answer]
    stopped = [epoch for epoch, answer in told.items() if any(isinstance(a, Stop) for a in answer)]
    assert reduced == [2, 4] and stopped == [7, 8, 9]


def test_what_policies_remember_goes_on() -> None:
    entries = evaluated(3.0, 2.0, *[2.5] * 8)
    for cut in range(len(entries)):
        whole, first, second = ((ReduceOnPlateau(3, times=2)) for _ in range(3))
        stops = [EarlyStopping(3, plateau) for plateau in (whole, first, second)]
        expected = [(stops[0](entry), whole(entry)) for entry in entries]
        found = [(stops[1](entry), first(entry)) for entry in entries[:cut]]
        second.load_state_dict(first.state_dict())
        stops[2].load_state_dict(stops[1].state_dict())
        found += [(stops[2](entry), second(entry)) for entry in entries[cut:]]
        assert found == expected


def test_rates_that_callbacks_set_do_not_keep_training_from_its_end() -> None:
    run = fitted(
        lambda event: SetRate(factor=0.9) if isinstance(event, Evaluated) else None,
        optimizer=optim.SGD(1e-30),
        epochs=30,
        patience=2,
    )
    assert run.history[-1].epoch == 4


def test_a_time_limit() -> None:
    limit = TimeLimit(2.0)
    progress = [Progressed(0, 1, 0.5, 0.1, seconds) for seconds in (0.0, 2.0, 2.5)]
    stop = Stop("the time limit of 2 s was reached", evaluate=True)
    assert [limit(event) for event in progress] == [None, None, stop]


def test_divergence_stops_with_its_cause() -> None:
    assert StopOnDivergence()(Diverged(1, 2, "the cause")) == Stop("the cause")
    assert StopOnDivergence()(evaluated(1.0)[0]) is None


def test_checkpoints_take_at_most_a_fiftieth_of_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = itertools.count()
    now = [0.0]
    monkeypatch.setattr("pellucid.train.policies.checkpointing.time.monotonic", lambda: now[0])
    policy = Checkpointing(seconds=2.0)
    policy(Started(1, 6.0, 0, 0))
    saved: list[float] = []
    for _ in clock:
        now[0] += 1.0
        if now[0] > 300:
            break
        if policy(Progressed(0, 1, 0.5, 0.1, 0.0)) == Save():
            saved.append(now[0])
            # Writing takes 2 seconds.
            now[0] += 2.0
            policy(Checkpointed(1))
    assert saved[0] == 2.0 and len(saved) == 3
    assert all(b - a >= 50 * 2.0 for a, b in itertools.pairwise(saved))
