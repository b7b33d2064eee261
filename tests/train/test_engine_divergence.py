"""What callbacks do about a divergence, and how a run goes on after it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import pellucid as pel
from pellucid import nn, optim
from pellucid.errors import NotFiniteError, PellucidWarning
from pellucid.graph import Tensor
from pellucid.train.actions import Log, Replace, Rollback, Save, SetRate, Stop
from pellucid.train.events import (
    Callback,
    Diverged,
    Event,
    Progressed,
    Stepped,
)
from pellucid.train.loop import engine
from pellucid.train.storage.folder import HISTORY, MODEL, RECORDS
from tests.train.checkpoints import save_always
from tests.train.runs import HELD, Killed, X, Y, fitted


def weights(run: pel.Run) -> Any:
    """Those of the model."""
    return run.model.net.state_dict()["W"]


class Recovers(Callback):
    """Goes back to the best weights with a tenth of the rate whenever training diverges."""

    def __init__(self, *actions: Any) -> None:
        self.actions = actions or (Rollback(), SetRate(factor=0.1))
        self.causes: list[str] = []

    def __call__(self, event: Event, /) -> Any:
        """Go back."""
        if not isinstance(event, Diverged):
            return None
        self.causes.append(event.cause)
        return list(self.actions)


@pytest.mark.parametrize(
    ("rule", "rate"),
    [
        (optim.SGD(1e4), SetRate(factor=0.1)),
        (optim.SGD(1e4, momentum=0.9), SetRate(factor=0.1)),
        (optim.Adam(1e20), SetRate(learning_rate=0.1)),
    ],
)
def test_training_goes_on_after_divergences(rule: optim.Optimizer, rate: SetRate) -> None:
    """From states that are finite, with a rate that is small enough in the end."""
    callback = Recovers(Rollback(), rate)
    run = fitted(callback, optimizer=rule, epochs=30)
    assert callback.causes and not run.diverged
    assert run.stopped_because == "it reached the 30-epoch limit"
    assert run.best.score < 0.9 * run.history[0].score


def test_an_answer_that_changes_nothing_lets_training_end() -> None:
    callback = Recovers(Log("diverged", 1.0), Save())
    with pytest.warns(PellucidWarning, match="diverged"):
        run = fitted(callback, optimizer=optim.SGD(1e25), epochs=9)
    assert run.diverged and len(callback.causes) == 1
    assert len(run.log.named("diverged")) == 1


def test_a_run_that_always_diverges_ends() -> None:
    callback = Recovers(SetRate(factor=1.0))
    with pytest.warns(PellucidWarning, match="diverged"):
        run = fitted(callback, optimizer=optim.SGD(1e25), epochs=9)
    assert run.diverged and len(callback.causes) == engine.MOST_DIVERGENCES + 1


def test_a_divergence_may_end_by_the_callbacks_own_words() -> None:
    stop = Recovers(SetRate(0.1), Stop("had enough"))
    with (
        pytest.warns(PellucidWarning, match="diverged: had enough"),
        pytest.raises(NotFiniteError, match="Training diverged: had enough"),
    ):
        fitted(stop, optimizer=optim.SGD(1e25), epochs=9, on_divergence="raise")


@pytest.mark.parametrize("steps", [1, 3, 100])
def test_what_follows_a_divergence_does_not_depend_on_the_steps_of_a_call(
    steps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rates that changed within the epoch are not replayed with the last one."""

    class Rises(Callback):
        every = 2

        def __call__(self, event: Event, /) -> Any:
            if isinstance(event, Stepped):
                return SetRate(factor=30.0)
            back = [Rollback(), SetRate(learning_rate=1e-6)]
            return back if isinstance(event, Diverged) else None

    plain = fitted(Rises(), optimizer=optim.SGD(0.01))
    assert not plain.diverged
    monkeypatch.setattr(engine, "_next_chunk", lambda *_: steps)
    again = fitted(Rises(), optimizer=optim.SGD(0.01))
    assert again.history == plain.history and list(again.log) == list(plain.log)


def test_a_run_that_recovered_goes_on_to_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_always(monkeypatch)
    settings: dict[str, Any] = {"optimizer": optim.SGD(1e4, momentum=0.9), "epochs": 9}

    def kill(event: Event) -> None:
        if isinstance(event, Progressed) and event.epoch >= 6:
            raise Killed

    fitted(Recovers(), out=tmp_path / "whole", **settings)
    with pytest.raises(Killed):
        fitted(Recovers(), kill, out=tmp_path / "run", **settings)
    fitted(Recovers(), out=tmp_path / "run", resume=True, **settings)
    for name in (MODEL, HISTORY, RECORDS):
        assert (tmp_path / "run" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_slots_that_overflow_are_begun_anew() -> None:
    """Weights stay finite while the second moment is not, which no loss tells."""
    factor = [1e22]

    def huge(outputs: Tensor, targets: Tensor) -> Tensor:
        return (outputs.reshape(-1) - targets).square().mean() * factor[0]

    callback = Recovers(Replace(optim.SGD(1e-24)))
    run = pel.fit(
        nn.Linear(1), (X, Y), HELD, loss=huge, optimizer=optim.Adam(0.01), epochs=6,
        callbacks=[callback], progress=False,
    )  # fmt: skip
    assert ".v/W' was not finite" in callback.causes[0] and len(callback.causes) == 1
    assert not run.diverged and run.best.score < run.history[0].score
