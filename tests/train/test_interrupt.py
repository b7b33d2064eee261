"""Ctrl-C at every moment of a run: what is kept, what it says of itself, and that it goes on."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pellucid as pel
from pellucid import nn, optim
from pellucid.data import Preparation
from pellucid.errors import RunFolderError
from pellucid.train import events
from pellucid.train.actions import Stop
from pellucid.train.evaluator import mean_loss
from pellucid.train.loop import engine, interrupt
from pellucid.train.loop.interrupt import Abandoned, Interrupts
from pellucid.train.storage.files import write_atomically
from pellucid.train.storage.folder import MODEL, RunFolder
from tests.train.checkpoints import save_always

RNG = np.random.default_rng(0)
X = RNG.normal(size=(90, 4)).astype(np.float32)
Y = (X[:, 0] > 0).astype(int)


class Killed(BaseException):
    """As sudden as SIGKILL, for this process."""


def press(times: int = 1) -> None:
    """Ctrl-C in this process."""
    for _ in range(times):
        os.kill(os.getpid(), signal.SIGINT)


# -- waiting for a moment --------------------------------------------------------------------------


def test_the_first_waits_to_be_polled_and_the_second_does_not() -> None:
    with Interrupts() as interrupts:
        press()
        with pytest.raises(KeyboardInterrupt):
            interrupt.poll()
        assert interrupts.polled
        press()
        with pytest.raises(Abandoned):
            press()
        interrupt.poll()
    with pytest.raises(KeyboardInterrupt):
        press()


def test_one_that_was_not_polled_comes_at_the_end() -> None:
    interrupts = Interrupts()
    with pytest.raises(KeyboardInterrupt), interrupts:
        press()
    assert not interrupts.polled
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_handler_of_the_users_own_is_called_a_little_later() -> None:
    calls: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: calls.append(number))
    try:
        with Interrupts():
            press()
            assert not calls
            interrupt.poll()
            assert calls == [signal.SIGINT]
    finally:
        signal.signal(signal.SIGINT, before)


def test_where_they_are_ignored_and_in_other_threads_nothing_changes() -> None:
    def enter() -> None:
        with Interrupts():
            interrupt.poll()

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with Interrupts():
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


# -- a run on arrays -------------------------------------------------------------------------------


def fit(out: Path, *callbacks: Callable[[events.Event], None], **more: Any) -> pel.Run:
    options: dict[str, Any] = {"epochs": 6, "batch_size": 10, "out": out, "progress": False}
    net = nn.MLP([5], 2, norm="batch", dropout=0.1)
    optimizer = optim.MovingAverage(optim.Adam(), 0.9)
    options |= more
    return pel.fit(net, (X, Y), optimizer=optimizer, callbacks=callbacks, **options)


def presses(kind: type[events.Event], step: int, times: int = 1) -> Callable[[events.Event], None]:
    """A callback that is the user's Ctrl-C at the first event of a kind from a step on."""
    pressed: list[int] = []

    def call(event: events.Event) -> None:
        if isinstance(event, kind) and getattr(event, "step", 0) >= step and not pressed:
            pressed.append(step)
            press(times)

    return call


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The model of a run that nobody disturbed."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    fit(folder)
    return (folder / MODEL).read_bytes()


@pytest.mark.parametrize("table", [False, True])
def test_an_interrupt_on_a_full_disk_hands_the_run_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, table: bool
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    def train() -> object:
        press_soon = presses(events.Progressed, 0)
        if not table:
            return fit(tmp_path / "run", press_soon)
        columns = {"x": X[:, 0], "y": X[:, 1]}
        settings: dict[str, Any] = {"out": tmp_path / "run", "progress": False}
        return pel.fit_table(columns, "y", callbacks=[press_soon], **settings)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RunFolderError, match="disk is full") as caught:
        train()
    run = caught.value.run.run if table else caught.value.run
    assert run.interrupted and run.model.details["interrupted"]["complete"] == 0
    assert len(run.model.members) == 1 and np.isfinite(run.best.score)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("step", [1, 9, 14, 15, 36, 40])
@pytest.mark.parametrize("kind", [events.Progressed, events.Evaluated])
def test_an_interrupted_run_keeps_a_model_and_goes_on(
    tmp_path: Path, whole: bytes, kind: type[events.Event], step: int
) -> None:
    run = fit(tmp_path / "run", presses(kind, step))
    folder = RunFolder(tmp_path / "run")
    assert run.stopped_because == "it was interrupted"
    assert RunFolder(tmp_path / "run").state == "interrupted"
    kept = pel.Model.load(folder.model)
    assert kept.details["interrupted"] == {"complete": 0, "networks": 1}
    assert len(kept.predict(X)) == len(X)
    # Interrupted again as it goes on, at its first step.
    fit(tmp_path / "run", presses(events.Progressed, 0), resume=True)
    assert RunFolder(tmp_path / "run").state == "interrupted"
    fit(tmp_path / "run", resume=True)
    assert RunFolder(tmp_path / "run").state == "finished"
    assert folder.model.read_bytes() == whole
    assert sorted(file.name for file in folder.path.iterdir()) == [
        "history.jsonl",
        MODEL,
        "records.jsonl",
    ]


def test_not_a_step_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Though a checkpoint was not due."""
    monkeypatch.setattr(engine, "_next_chunk", lambda *_: 1)
    seen: list[events.Event] = []
    fit(tmp_path / "run", presses(events.Progressed, 17))
    fit(tmp_path / "run", seen.append, resume=True)
    started = next(event for event in seen if isinstance(event, events.Started))
    assert started.step == 17


@pytest.mark.parametrize("step", [0, 9, 30])
def test_a_second_ctrl_c_keeps_what_is_on_the_disk(tmp_path: Path, whole: bytes, step: int) -> None:
    with pytest.raises(KeyboardInterrupt):
        fit(tmp_path / "run", presses(events.Progressed, step, times=2))
    assert RunFolder(tmp_path / "run").state == "unfinished"
    fit(tmp_path / "run", resume=True)
    assert (tmp_path / "run" / MODEL).read_bytes() == whole


@pytest.mark.parametrize("writes", [0, 1, 2])
def test_a_kill_while_the_interrupted_run_is_written(
    tmp_path: Path, whole: bytes, monkeypatch: pytest.MonkeyPatch, writes: int
) -> None:
    """After checkpoint, history or neither."""
    left = [writes]

    def write(path: Path, content: bytes) -> None:
        if not left[0]:
            raise Killed
        left[0] -= 1
        write_atomically(path, content)

    with monkeypatch.context() as patched:
        patched.setattr("pellucid.train.storage.folder.write_atomically", write)
        patched.setattr("pellucid.train.storage.container.write_atomically", write)
        with pytest.raises(Killed):
            fit(tmp_path / "run", presses(events.Progressed, 20))
    assert RunFolder(tmp_path / "run").state == "unfinished"
    fit(tmp_path / "run", resume=True)
    assert (tmp_path / "run" / MODEL).read_bytes() == whole


def test_ctrl_c_while_a_callback_measures_waits_for_the_other_callbacks(
    tmp_path: Path, whole: bytes
) -> None:
    """What a callback calls polls for interrupts, too; the position is not whole there."""
    told: list[int] = []

    def measures(event: events.Event) -> None:
        if isinstance(event, events.Evaluated) and event.epoch == 2 and told[-1] < 2:
            press()
            mean_loss(nn.Identity(), nn.MSE(), (X, X))

    def counts(event: events.Event) -> None:
        if isinstance(event, events.Evaluated):
            told.append(event.epoch)

    run = fit(tmp_path / "run", measures, counts)
    assert run.interrupted and run.history[-1].epoch == 2
    fit(tmp_path / "run", measures, counts, resume=True)
    assert told == [0, 1, 2, 3, 4, 5, 6]
    assert (tmp_path / "run" / MODEL).read_bytes() == whole


def test_ctrl_c_in_the_last_evaluation_of_a_stopped_run(tmp_path: Path) -> None:
    """The stop is kept: the run that goes on measures, and ends."""

    class Ends(events.Callback):
        every = 10

        def __call__(self, event: events.Event, /) -> Any:
            if isinstance(event, events.Stepped) and event.step == 10:
                return Stop("enough", evaluate=True)
            return None

    whole = fit(tmp_path / "whole", Ends())
    assert whole.stopped_because == "enough" and whole.history[-1].step == 10
    run = fit(tmp_path / "run", presses(events.Progressed, 10), Ends())
    assert run.interrupted and run.history[-1].step == 8
    again = fit(tmp_path / "run", Ends(), resume=True)
    assert again.stopped_because == "enough" and again.history == whole.history
    for name in (MODEL, "history.jsonl", "records.jsonl"):
        assert (tmp_path / "run" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_ctrl_c_comes_in_epochs_that_are_not_measured(tmp_path: Path) -> None:
    """Each of which is one call of the program."""
    seen: list[events.Event] = []
    settings: dict[str, Any] = {"epochs": 400, "batch_size": 90, "evaluate_every": 400}
    run = fit(tmp_path / "run", presses(events.Progressed, 3), seen.append, **settings)
    assert run.interrupted
    stopped = seen[-1]
    assert isinstance(stopped, events.Stopped) and stopped.step == 3


# -- a run on a table ------------------------------------------------------------------------------


def fit_table(out: Path, *callbacks: Callable[[events.Event], None], **more: Any) -> pel.Model:
    table = {f"x{place}": column for place, column in enumerate(X.T)} | {"y": Y}
    found = pel.fit_table(
        table, "y", task="classification", epochs=3, out=out, progress=False,
        callbacks=callbacks, **more,
    )  # fmt: skip
    return found.run.model


@pytest.fixture(scope="module")
def whole_table(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The same for a table."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    fit_table(folder)
    return (folder / MODEL).read_bytes()


def in_network(number: int, kind: type[events.Event]) -> Callable[[events.Event], None]:
    """Ctrl-C at the first event of a kind of a network."""
    at: list[int] = [-1, 0]

    def call(event: events.Event) -> None:
        if isinstance(event, events.Started):
            at[0] = event.network
        if isinstance(event, kind) and at[0] == number and not at[1]:
            at[1] = 1
            press()

    return call


@pytest.mark.parametrize("kind", [events.Progressed, events.Evaluated, events.Stopped])
@pytest.mark.parametrize("number", [0, 2, 4])
def test_the_model_of_an_interrupted_table_has_the_complete_networks(
    tmp_path: Path, whole_table: bytes, number: int, kind: type[events.Event]
) -> None:
    folder = RunFolder(tmp_path / "run")
    try:
        model = fit_table(folder.path, in_network(number, kind))
    except KeyboardInterrupt:
        # In the first network as it ended: nothing was complete, and nothing in training.
        assert number == 0 and kind is not events.Progressed
    else:
        assert len(model.members) == max(number, 1)
        assert model.details["interrupted"] == {"complete": number, "networks": 5}
        assert folder.state == "interrupted"
    fit_table(folder.path, resume=True)
    assert folder.state == "finished" and folder.model.read_bytes() == whole_table


def test_ctrl_c_between_networks(
    tmp_path: Path, whole_table: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    learn, calls = Preparation.learn, []

    def learned(*arguments: Any) -> Preparation:
        calls.append(1)
        if len(calls) == 3:
            press()
        return learn(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(Preparation, "learn", learned)
        model = fit_table(tmp_path / "run")
    assert model.details["interrupted"] == {"complete": 2, "networks": 5}
    fit_table(tmp_path / "run", resume=True)
    assert (tmp_path / "run" / MODEL).read_bytes() == whole_table


@pytest.mark.parametrize("number", [0, 1, 4])
def test_a_kill_right_after_ctrl_c(
    tmp_path: Path, whole_table: bytes, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """No network that was half trained is taken for a complete one."""

    def kill(*_: Any) -> None:
        raise Killed

    folder = RunFolder(tmp_path / "run")
    with monkeypatch.context() as patched:
        patched.setattr(RunFolder, "finish", kill)
        with pytest.raises(Killed):
            fit_table(folder.path, in_network(number, events.Progressed))
    assert folder.state == "unfinished"
    assert not folder.network(number).exists() and folder.checkpoint(number).exists()
    fit_table(folder.path, resume=True)
    assert folder.model.read_bytes() == whole_table


def test_a_kill_between_a_networks_file_and_its_checkpoints_end(
    tmp_path: Path, whole_table: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The checkpoint of a network that is complete is not taken for the next one's."""
    unlink = Path.unlink

    def kill(self: Path, missing_ok: bool = False) -> None:
        if self.name.startswith("checkpoint"):
            raise Killed
        unlink(self, missing_ok)

    folder = RunFolder(tmp_path / "run")
    save_always(monkeypatch)
    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", kill)
        with pytest.raises(Killed):
            fit_table(folder.path)
    assert folder.network(0).exists() and folder.checkpoint(0).exists()
    fit_table(folder.path, resume=True)
    assert folder.model.read_bytes() == whole_table


def test_a_second_ctrl_c_while_the_model_is_made(
    tmp_path: Path, whole_table: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def press_again(*_: Any) -> None:
        press()

    folder = RunFolder(tmp_path / "run")
    with monkeypatch.context() as patched:
        patched.setattr("pellucid.train.model.Member.outputs", press_again)
        with pytest.raises(KeyboardInterrupt):
            fit_table(folder.path, in_network(0, events.Progressed))
    assert folder.state == "unfinished"
    fit_table(folder.path, resume=True)
    assert folder.model.read_bytes() == whole_table


def test_replacing_keeps_a_write_protected_model(tmp_path: Path) -> None:
    fit(tmp_path / "run")
    model = tmp_path / "run" / MODEL
    model.chmod(0o444)
    before = model.read_bytes()
    with pytest.raises(pel.RunFolderError, match="write-protected"):
        fit(tmp_path / "run", force=True)
    assert model.read_bytes() == before
