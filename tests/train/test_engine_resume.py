"""A killed run with callbacks and reacting schedules goes on to the same bytes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pellucid import optim
from pellucid.errors import PellucidWarning
from pellucid.train.actions import Log, Replace, Rollback, Save, SetRate
from pellucid.train.events import (
    Callback,
    Checkpointed,
    Evaluated,
    Event,
    Progressed,
    Stepped,
)
from pellucid.train.storage.folder import HISTORY, MODEL, RECORDS
from tests.train.checkpoints import save_always
from tests.train.runs import Killed, fitted


class Wandering(Callback):
    """Keeps a sum of losses and acts on it, by step and by epoch."""

    every = 4

    def __init__(self) -> None:
        self.total = 0.0

    def __call__(self, event: Event, /) -> Any:
        """An action that depends on everything before."""
        if isinstance(event, Stepped):
            self.total += event.loss
            return [SetRate(factor=1.0 + 0.2 * math.sin(self.total)), Log("total", self.total)]
        if isinstance(event, Evaluated):
            self.total += event.score
            if event.epoch == 2:
                return [Rollback(), Replace(optim.Adam(0.01))]
            return Save() if event.epoch == 3 else None
        return None

    def state_dict(self) -> dict[str, Any]:
        """The sum."""
        return {"total": self.total}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from there."""
        self.total = state["total"]


class Cautious(optim.Schedule):
    """Falls with the validation loss that was measured last."""

    def factor(self, epoch: float, epochs: float) -> float:
        """1."""
        return 1.0

    def reaction(self, measures: Sequence[Mapping[str, float]]) -> float:
        """The last loss over the first."""
        return measures[-1]["validation.loss"] / measures[0]["validation.loss"] if measures else 1.0


KILLS = [(Progressed, 2), (Progressed, 9), (Evaluated, 12), (Progressed, 18), (Checkpointed, 18)]


@pytest.mark.parametrize(("kind", "step"), KILLS)
def test_a_killed_run_with_callbacks_goes_on_to_the_same_bytes(
    kind: type[Any], step: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_always(monkeypatch)

    def kill(event: Event) -> None:
        if isinstance(event, kind) and event.step >= step:
            raise Killed

    settings = {"schedule": Cautious(), "net": None}
    whole = fitted(Wandering(), out=tmp_path / "whole", **settings)
    with pytest.raises(Killed):
        fitted(Wandering(), kill, out=tmp_path / "run", **settings)
    run = fitted(Wandering(), out=tmp_path / "run", resume=True, **settings)
    for name in (MODEL, HISTORY, RECORDS):
        assert (tmp_path / "run" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert list(run.log) == list(whole.log) and run.history == whole.history


def test_a_schedule_reacts_to_what_was_measured() -> None:
    run = fitted(schedule=Cautious())
    losses = [entry.score for entry in run.history]
    rates = [0.05, 0.05, *(0.05 * loss / losses[0] for loss in losses[1:-1])]
    assert [entry.learning_rate for entry in run.history] == pytest.approx(rates)


def test_a_memory_that_json_cannot_hold_is_told_before_training(tmp_path: Path) -> None:
    class Wrong(Callback):
        def state_dict(self) -> dict[str, Any]:
            return {"array": np.zeros(2)}

    seen: list[Event] = []
    with pytest.raises(TypeError, match=r"state_dict of the callback .*Wrong holds JSON"):
        fitted(Wrong(), seen.append, out=tmp_path / "run")
    assert not any(isinstance(event, Progressed) for event in seen)
    assert not (tmp_path / "run").exists()


def test_a_memory_that_no_callback_takes_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_always(monkeypatch)

    def kill(event: Event) -> None:
        if isinstance(event, Progressed) and event.step >= 7:
            raise Killed

    with pytest.raises(Killed):
        fitted(Wandering(), kill, out=tmp_path / "run")
    with pytest.warns(PellucidWarning, match="had a callback Wandering, which is not passed now"):
        fitted(out=tmp_path / "run", resume=True)
