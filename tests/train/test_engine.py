"""The engine does what callbacks ask for, and a run that was killed goes on to the same bytes."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pellucid as pel
from pellucid import nn, optim
from pellucid.train.actions import Log, Replace, Rollback, Save, SetRate, Stop
from pellucid.train.events import (
    Callback,
    Checkpointed,
    Evaluated,
    Event,
    RateChanged,
    Recorded,
    Started,
    Stepped,
    Stopped,
)
from pellucid.train.loop import engine
from tests.train.runs import At, Killed, X, Y, fitted


def weights(run: pel.Run) -> Any:
    """Those of the model."""
    return run.model.net.state_dict()["W"]


def descended(rate: Any, steps: int) -> Any:
    """The same training in NumPy: η of each step by its number, weights W and b after so many."""
    w, b = nn.Linear(1).build(3).state_dict().values()
    w, b = w.astype(np.float64), b.astype(np.float64)
    rows = pel.data.RowStream(48, 8, 0).rows(0, steps)
    for step in range(steps):
        x, y = X[rows[step]].astype(np.float64), Y[rows[step], None]
        error = 2 * (x @ w + b - y) / 8
        w, b = w - rate(step) * x.T @ error, b - rate(step) * error.sum(0)
    return w


def last_weights(*callbacks: Any, **settings: Any) -> Any:
    """Weights after the last step."""
    net = nn.Linear(1)
    seen: list[Any] = []

    def keep(event: Event) -> None:
        if isinstance(event, Evaluated):
            seen.append(net.W.numpy().copy())

    fitted(*callbacks, keep, net=net, **settings)
    return seen[-1]


def rates_set(callback: At) -> list[tuple[int, Any]]:
    """The changes that it was told of: complete epochs, and η."""
    return [(e.epoch, e.learning_rate) for e in callback.seen if isinstance(e, RateChanged)]


# -- actions --------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", [1, 5, 6, 7, 23])
def test_stop_by_step(step: int) -> None:
    run = fitted(At(Stepped, lambda e: e.step == step, Stop("enough"), every=1))
    assert run.stopped_because == "enough"
    # The weights are those of the last evaluation, which an epoch's last step comes before.
    assert run.history[-1].step == (step - 1) // 6 * 6


def test_stop_with_a_last_evaluation() -> None:
    run = fitted(At(Stepped, lambda e: e.step == 8, Stop("enough", evaluate=True), every=4))
    assert [entry.step for entry in run.history] == [0, 6, 8]
    # Of the batches since the epoch began, of which there are two.
    assert run.history[-1].batch_loss is not None and run.history[-1].epoch == 1


@pytest.mark.parametrize("epoch", [0, 1, 3])
def test_stop_by_epoch(epoch: int) -> None:
    callback = At(Evaluated, lambda e: e.epoch == epoch, Stop("enough"))
    run = fitted(callback)
    assert run.stopped_because == "enough" and run.history[-1].epoch == epoch
    stopped = callback.seen[-1]
    assert isinstance(stopped, Stopped) and stopped.reason == "enough" and stopped.epoch == epoch


@pytest.mark.parametrize(
    ("action", "after"),
    [(SetRate(learning_rate=0.01), 0.01), (SetRate(factor=0.5), 0.025)],
)
def test_set_rate_by_step_and_by_epoch(action: SetRate, after: float) -> None:
    by_step = At(Stepped, lambda e: e.step == 9, action, every=3)
    found = last_weights(by_step)
    expected = descended(lambda step: 0.05 if step < 9 else after, 24)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert rates_set(by_step) == [(1, pytest.approx(after))]
    by_epoch = At(Evaluated, lambda e: e.epoch == 2, action)
    found = last_weights(by_epoch)
    np.testing.assert_allclose(
        found, descended(lambda step: 0.05 if step < 12 else after, 24), rtol=1e-5
    )
    assert rates_set(by_epoch) == [(2, pytest.approx(after))]


def test_a_rate_that_is_set_is_below_the_schedule() -> None:
    schedule = optim.StepRate(2, by=0.1)
    run = fitted(At(Evaluated, lambda e: e.epoch == 1, SetRate(0.02)), schedule=schedule)
    rates = [entry.learning_rate for entry in run.history]
    assert rates == pytest.approx([0.05, 0.05, 0.002, 0.002, 0.0002])


def test_rollback_goes_back_to_the_best_weights() -> None:
    net = nn.Linear(1)
    at: dict[int, Any] = {}

    class Rising(Callback):
        """A rate that leads away after the first epoch, then back to the best."""

        every = 6

        def __call__(self, event: Event, /) -> Any:
            if isinstance(event, Evaluated):
                at[event.epoch] = net.W.numpy().copy()
                return SetRate(factor=20.0) if event.epoch == 1 else None
            if isinstance(event, Stepped) and event.step == 12:
                return [Rollback(), SetRate(learning_rate=1e-12)]
            return None

    run = fitted(Rising(), net=net)
    assert run.best_epoch in (1, 2, 3, 4)
    assert not np.allclose(at[0], at[1])
    np.testing.assert_allclose(at[2], at[1], rtol=1e-6)
    np.testing.assert_allclose(at[4], at[1], rtol=1e-6)


def test_replace_begins_the_slots_of_another_optimizer_anew() -> None:
    """As two runs, of which the second goes on with the weights and rows of the first."""
    heavy = optim.SGD(0.03, momentum=0.9)
    found = last_weights(At(Evaluated, lambda e: e.epoch == 2, Replace(heavy)))
    w, b = nn.Linear(1).build(3).state_dict().values()
    rows = pel.data.RowStream(48, 8, 0).rows(0, 24)
    v, u = np.zeros_like(w), np.zeros_like(b)
    for step in range(24):
        x, y = X[rows[step]], Y[rows[step], None]
        error = 2 * (x @ w + b - y) / 8
        if step < 12:
            w, b = w - 0.05 * x.T @ error, b - 0.05 * error.sum(0)
        else:
            v, u = 0.9 * v + x.T @ error, 0.9 * u + error.sum(0)
            w, b = w - 0.03 * v, b - 0.03 * u
    np.testing.assert_allclose(found, w, rtol=1e-4)


def test_replace_with_an_optimizer_that_takes_all_rows_is_refused() -> None:
    with pytest.raises(ValueError, match="LBFGS needs all training rows in each step"):
        fitted(At(Evaluated, lambda e: e.epoch == 1, Replace(optim.LBFGS())))
    fitted(At(Evaluated, lambda e: e.epoch == 1, Replace(optim.LBFGS(0.1))), batch_size=48)


def test_replace_with_a_schedule() -> None:
    run = fitted(
        At(Evaluated, lambda e: e.epoch == 1, Replace(schedule=optim.ExponentialRate(0.5)))
    )
    rates = [entry.learning_rate for entry in run.history]
    assert rates == pytest.approx([0.05 * 0.5**e if e > 1 else 0.05 for e in range(5)])
    with pytest.raises(ValueError, match="replaces no other"):
        Replace(schedule=optim.PlateauRate(2))


def test_log_is_recorded_and_sent() -> None:
    step = At(Stepped, lambda e: e.step == 4, Log("mine", np.float64(2.5), "0.W"), every=2)
    epoch = At(Evaluated, lambda e: e.epoch == 2, Log("list", [1, math.inf]))
    run = fitted(step, epoch)
    one, other = run.log.named("mine"), run.log.named("list")
    assert [(r.step, r.epoch, r.path, r.value) for r in one] == [(4, 0, "0.W", 2.5)]
    assert [(r.step, r.epoch, r.value) for r in other] == [(12, 2, [1.0, math.inf])]
    sent = [r for e in step.seen if isinstance(e, Recorded) for r in e.records]
    assert one[0] in sent and other[0] in sent
    with pytest.raises(TypeError, match="records a number"):
        Log("x", "text")  # type: ignore[arg-type]


def test_save_writes_a_checkpoint_with_what_else_is_asked_for(tmp_path: Path) -> None:
    """The one that asks comes before the one that changes the rate."""
    save = At(Stepped, lambda e: e.step == 8, Save(), every=4)
    rate = At(Stepped, lambda e: e.step == 8, SetRate(0.001), every=4)
    whole = fitted(save, rate, out=tmp_path / "whole")
    assert [e.step for e in save.seen if isinstance(e, Checkpointed)] == [8]

    def kill(event: Event) -> None:
        if isinstance(event, Checkpointed):
            raise Killed

    again = [At(Stepped, lambda e: e.step == 8, a, every=4) for a in (Save(), SetRate(0.001))]
    with pytest.raises(Killed):
        fitted(*again, kill, out=tmp_path / "run")
    rest = [At(Stepped, lambda e: e.step == 8, a, every=4) for a in (Save(), SetRate(0.001))]
    run = fitted(*rest, out=tmp_path / "run", resume=True)
    np.testing.assert_array_equal(weights(run), weights(whole))
    assert run.history == whole.history
    assert list(run.log) == list(whole.log)


@pytest.mark.parametrize(
    ("answer", "message"),
    [("stop", "the callback At answers with actions .* got 'stop'"), ([Stop("x"), 3], "got 3")],
)
def test_an_answer_that_is_no_action_is_told(answer: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        fitted(At(Evaluated, lambda _: True, answer))


@pytest.mark.parametrize("kind", [Started, Recorded, Stopped])
def test_an_answer_to_an_event_that_takes_none_is_told(kind: type[Any]) -> None:
    with pytest.raises(TypeError, match=f"answers {kind.__name__} with Stop.* only Progressed"):
        fitted(At(kind, lambda _: True, Stop("x")))


def test_after_a_stop_nothing_else_is_done() -> None:
    callback = At(Stepped, lambda e: e.step == 2, [Stop("a"), SetRate(1.0), Stop("b")], every=1)
    assert fitted(callback).stopped_because == "a"
    assert not any(isinstance(event, RateChanged) for event in callback.seen)


# -- evaluations, sums and chunks -----------------------------------------------------------------


@pytest.mark.parametrize("steps", [1, 2, 100])
def test_steps_of_one_call_make_no_difference(steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of losses, their means, records and what a callback that counts steps sees."""
    plain = At(Stepped, lambda _: False, None, every=4)
    run = fitted(plain)
    monkeypatch.setattr(engine, "_next_chunk", lambda *_: steps)
    other = At(Stepped, lambda _: False, None, every=4)
    again = fitted(other)
    assert run.history == again.history and list(run.log) == list(again.log)
    stepped = [[e for e in c.seen if isinstance(e, Stepped)] for c in (plain, other)]
    assert stepped[0] == stepped[1] and [e.step for e in stepped[0]] == [4, 8, 12, 16, 20, 24]


def test_the_loss_of_the_batches_is_their_mean() -> None:
    seen = At(Stepped, lambda _: False, None, every=1)
    run = fitted(seen)
    losses = np.array([e.loss for e in seen.seen if isinstance(e, Stepped)]).reshape(4, 6)
    means = [entry.batch_loss for entry in run.history]
    assert means == [None, *(pytest.approx(v, rel=1e-12) for v in losses.mean(axis=1))]


@pytest.mark.parametrize("every", [2, 3, 10])
def test_evaluations_come_every_so_many_epochs_and_at_the_end(every: int) -> None:
    plain, run = fitted(), fitted(evaluate_every=every)
    epochs = [entry.epoch for entry in run.history]
    assert epochs == sorted({0, *range(0, 5, every), 4})
    for entry in run.history:
        assert entry.score == plain.history[entry.epoch].score


def test_patience_counts_epochs_however_often_they_are_measured() -> None:
    """Nothing is learned at this rate, so the first epoch stays the best."""
    settings: dict[str, Any] = {"optimizer": optim.SGD(1e-30), "epochs": 50, "patience": 4}
    for every in (1, 2):
        run = fitted(evaluate_every=every, **settings)
        assert run.history[-1].epoch == 8 and run.best_epoch == 0
        assert run.stopped_because.endswith("not improved for 4 epochs since epoch 0")


def test_a_time_limit_ends_with_an_evaluation() -> None:
    run = fitted(time_limit=0.0)
    assert "time limit of 0 s" in run.stopped_because
    assert run.history[-1].step == 1 and run.history[-1].epoch == 0 and len(run.history) == 2
