"""Callbacks as users write them: called by step, with a memory that outlives a killed process."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pellucid.train.actions import Stop
from pellucid.train.events import Callback, Event, Progressed, Started, Stepped, Stopped
from pellucid.train.loop.dispatch import Dispatch
from pellucid.train.storage.folder import HISTORY, MODEL, RECORDS
from tests.train.runs import At, fitted

SCRIPT = """
import os, signal, sys
import numpy as np
import pellucid as pel
from pellucid import nn
from pellucid.train import Log, Save, SetRate, Stop
from pellucid.train.events import Evaluated, Stepped


class Mean(pel.Callback):
    every = 3

    def __init__(self, kill_at):
        self.mean, self.kill_at = 0.0, kill_at

    def __call__(self, event):
        if isinstance(event, Stepped):
            self.mean = 0.9 * self.mean + 0.1 * event.loss
            if event.step == self.kill_at:
                os.kill(os.getpid(), signal.SIGKILL)
            return [Save(), SetRate(learning_rate=0.01 * (1 + self.mean)), Log("mean", self.mean)]
        if isinstance(event, Evaluated) and event.epoch == 5:
            return Stop("five epochs are enough")

    def state_dict(self):
        return {"mean": self.mean}

    def load_state_dict(self, state):
        self.mean = state["mean"]


out, kill_at, resume = sys.argv[1], int(sys.argv[2]), len(sys.argv) > 3
x = np.random.default_rng(0).normal(size=(60, 3)).astype(np.float32)
pel.fit(
    nn.MLP([4], 1, dropout=0.1), (x, x[:, 0]), batch_size=8, epochs=9, out=out, resume=resume,
    callbacks=[Mean(kill_at)], progress=False,
)
"""


def run(folder: Path, kill_at: int, *more: str) -> int:
    """The exit code of the script."""
    command = [sys.executable, "-c", SCRIPT, str(folder), str(kill_at), *more]
    return subprocess.run(command, check=False).returncode


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="processes cannot be killed so")
def test_a_killed_process_leaves_its_memory_to_the_next(tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert run(whole, 0) == 0
    assert run(killed, 15) == -signal.SIGKILL
    assert not (killed / MODEL).exists()
    assert run(killed, 0, "resume") == 0
    for name in (MODEL, HISTORY, RECORDS):
        assert (killed / name).read_bytes() == (whole / name).read_bytes()


# -- who is called, and when ----------------------------------------------------------------------


class Every(Callback):
    """Is called after so many steps."""

    def __init__(self, every: Any, name: str = "", said: list[str] | None = None) -> None:
        self.every, self.name, self.said = every, name, said

    def __call__(self, event: Event, /) -> Any:
        """Say one's name."""
        if self.said is not None:
            self.said.append(self.name)

    def state_dict(self) -> dict[str, Any]:
        """The name."""
        return {"name": self.name}

    def load_state_dict(self, state: Any) -> None:
        """Take another's name."""
        self.name = state["name"]


def test_steps_that_end_a_call() -> None:
    dispatch = Dispatch([Every(4), Every(6), Every(None), print], [])
    assert [dispatch.steps_to_next(step) for step in (0, 3, 4, 5, 6, 11)] == [4, 1, 2, 1, 2, 1]
    assert [len(dispatch.due(step)) for step in (3, 4, 6, 12)] == [0, 1, 1, 2]
    assert Dispatch([print], []).steps_to_next(5) >= 2**31


@pytest.mark.parametrize("every", [-1, 2.5, True, "3"])
def test_every_is_a_whole_number(every: Any) -> None:
    with pytest.raises((TypeError, ValueError), match="every of Every is"):
        Dispatch([Every(every)], [])


def test_callbacks_are_called_in_order_and_the_users_own_before_policies() -> None:
    said: list[str] = []
    named = [Every(1, name, said) for name in "abc"]
    Dispatch(named[:2], named[2:]).ask(Stopped(0, 0, 0, ""))
    assert said == ["a", "b", "c"]


def test_callbacks_of_one_class_remember_for_themselves() -> None:
    saved = Dispatch([Every(1, "a"), Every(1, "b")], [Every(1, "c")]).state_dict()
    new = [Every(1) for _ in range(3)]
    Dispatch(new[:2], new[2:]).load_state_dict(saved)
    assert [each.name for each in new] == ["a", "b", "c"]


def test_an_answer_may_be_any_iterable_of_actions() -> None:
    def generator(event: Event) -> Any:
        if isinstance(event, Progressed):
            yield Stop("by a generator")

    assert fitted(generator).stopped_because == "by a generator"


def test_a_plain_function_hears_of_everything_but_steps() -> None:
    seen: list[Event] = []
    fitted(seen.append)
    kinds = {type(event).__name__ for event in seen}
    assert kinds == {"Started", "Progressed", "Evaluated", "Recorded", "Stopped"}
    started = seen[0]
    assert isinstance(started, Started) and started.steps_per_epoch == 6.0


def test_a_callback_that_counts_steps_hears_of_its_own_alone() -> None:
    one, other = At(Stop, bool, None, every=5), At(Stop, bool, None, every=8)
    fitted(one, other)
    for callback in (one, other):
        steps = [event.step for event in callback.seen if isinstance(event, Stepped)]
        assert steps == list(range(callback.every or 1, 25, callback.every or 1))
