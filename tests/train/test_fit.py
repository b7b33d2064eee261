"""`pel.fit` against a loop written in PyTorch, and how training ends."""

from __future__ import annotations

import errno
import itertools
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pellucid as pel
from pellucid import nn, optim
from pellucid.data import RowStream
from pellucid.errors import DataError, ModelFileError, PellucidWarning, RunFolderError
from pellucid.graph import Tensor
from pellucid.train import events
from pellucid.train.loop import engine
from pellucid.train.storage.folder import MODEL
from tests.by_torch import ByTorch, F, torch
from tests.train.checkpoints import save_always

ROWS = 96


def made(classes: bool = True) -> tuple[Any, Any]:
    dice = np.random.default_rng(0)
    x = dice.normal(size=(ROWS, 5)).astype(np.float32)
    y = x @ dice.normal(size=5) + 0.1 * dice.normal(size=ROWS)
    return x, (y > 0).astype(np.int64) if classes else y.astype(np.float32)


def network(outputs: int = 2) -> nn.Sequential:
    return nn.Sequential(nn.Linear(8), nn.Tanh(), nn.Linear(outputs))


def torch_loop(
    make: Callable[[Any], torch.optim.Optimizer],
    x: torch.Tensor,
    y: torch.Tensor,
    batches: torch.Tensor,
    weights: dict[str, torch.Tensor],
) -> list[Any]:
    """The loss of every step, and of all rows at the end, of a network with the same weights."""
    twin = torch.nn.Sequential(torch.nn.Linear(5, 8), torch.nn.Tanh(), torch.nn.Linear(8, 2))
    with torch.no_grad():
        for mine, theirs in zip(weights.values(), twin.parameters(), strict=True):
            theirs.copy_(mine.T if mine.ndim == 2 else mine)
    descent = make(twin.parameters())
    losses: list[torch.Tensor] = []
    for rows in batches:
        loss = F.cross_entropy(twin(x[rows]), y[rows])
        descent.zero_grad()
        torch.autograd.backward(loss)
        descent.step()
        losses.append(loss.detach())
    return [torch.stack(losses), F.cross_entropy(twin(x), y)]


@pytest.mark.parametrize("batch", [ROWS, 32, 20, 1])
@pytest.mark.parametrize(
    ("optimizer", "theirs"),
    [
        (optim.SGD(learning_rate=0.05), lambda p: torch.optim.SGD(p, 0.05)),
        (optim.SGD(0.05, momentum=0.9), lambda p: torch.optim.SGD(p, 0.05, momentum=0.9)),
        (optim.Adam(learning_rate=0.01), lambda p: torch.optim.Adam(p, 0.01)),
    ],
)
def test_the_same_losses_as_a_loop_in_pytorch(
    batch: int,
    optimizer: Any,
    theirs: Any,
    monkeypatch: pytest.MonkeyPatch,
    by_torch: ByTorch,
) -> None:
    """At every step: chunks of one step tell the loss of each."""
    monkeypatch.setattr(engine, "_next_chunk", lambda *_: 1)
    x, y = made()
    net = network()
    net.build(x[:1], seed=3)
    epochs = -(-100 * batch // ROWS) if batch > 1 else 2
    steps = -(-epochs * ROWS // batch)
    batches = RowStream(ROWS, batch, 7).rows(0, steps).astype(np.int64)
    weights = {name: value.numpy() for name, value in net.named_parameters()}
    losses, last = by_torch(partial(torch_loop, theirs), x, y, batches, weights)
    seen: list[events.Event] = []
    run = pel.fit(
        net,
        (x, y),
        validation=None,
        optimizer=optimizer,
        batch_size=batch,
        epochs=epochs,
        patience=0,
        seed=7,
        callbacks=[seen.append],
        progress=False,
    )
    path = np.array([event.loss for event in seen if isinstance(event, events.Progressed)])
    # On single rows PyTorch's own float32 losses stray 1e-3 from its float64 ones within 192 steps.
    losses.check(path, rtol=2e-3 if batch == 1 else 2e-4, atol=1e-6)
    assert run.history[-1].step == steps
    assert run.history[-1].train_loss == pytest.approx(last.item(), rel=2e-4)


def test_events_come_in_order() -> None:
    seen: list[events.Event] = []
    pel.fit(network(), made(), epochs=3, callbacks=[seen.append], progress=False)
    kinds = [kind.__name__ for kind, _ in itertools.groupby(map(type, seen))]
    assert kinds[0] == "Started" and kinds[-1] == "Stopped"
    assert [e.epoch for e in seen if isinstance(e, events.Evaluated)] == [0, 1, 2, 3]
    for before, after in itertools.pairwise(seen):
        if isinstance(before, events.Progressed) and isinstance(after, events.Progressed):
            assert before.step < after.step


def test_ctrl_c_keeps_the_best_weights(tmp_path: Path) -> None:
    def press(event: events.Event) -> None:
        if isinstance(event, events.Evaluated) and event.epoch == 4:
            raise KeyboardInterrupt

    out = tmp_path / "run"
    run = pel.fit(network(), made(), epochs=50, callbacks=[press], out=out, progress=False)
    assert "interrupted" in run.stopped_because
    assert run.history[-1].epoch == 4
    best = min(run.history, key=lambda e: e.validation_loss or 0.0)
    assert run.best_epoch == best.epoch
    again = pel.Model.load(out / MODEL)
    x = made()[0]
    np.testing.assert_array_equal(again.predict_proba(x), run.model.predict_proba(x))


def test_the_best_weights_are_restored_at_the_epoch_limit() -> None:
    x, y = made()
    held = (x[:30], 1 - y[:30])
    net = network()
    run = pel.fit(net, (x, y), validation=held, epochs=20, patience=0, progress=False)
    assert run.best_epoch == 0
    net2 = network()
    net2.build(x[:1], seed=0)
    for (_, one), (_, other) in zip(net.named_parameters(), net2.named_parameters(), strict=True):
        np.testing.assert_array_equal(one.state.value, other.state.value)


def test_early_stopping_waits_its_patience_twice() -> None:
    x, y = made()
    run = pel.fit(
        network(), (x, y), validation=(x[:30], 1 - y[:30]), epochs=90, patience=4, progress=False
    )
    assert run.history[-1].epoch == 8
    rates = [entry.learning_rate for entry in run.history]
    assert rates[-1] == pytest.approx(rates[0] / 10)


def test_a_time_limit_ends_training() -> None:
    began = time.monotonic()
    run = pel.fit(network(), made(), epochs=10**6, patience=0, time_limit=0.3, progress=False)
    assert "time limit" in run.stopped_because
    assert time.monotonic() - began < 30


def test_divergence_names_the_layer_and_keeps_the_best() -> None:
    class Bad(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return (x * 1e30).exp() * 0.0

    net = nn.Sequential(nn.Linear(4), Bad(), nn.Linear(2))
    with pytest.warns(PellucidWarning, match="diverged: the loss was not finite at step 0"):
        run = pel.fit(net, made(), epochs=2, progress=False)
    assert run.diverged and "not finite" in run.stopped_because and "'1'" in run.stopped_because
    assert "learning rate" in run.stopped_because


def test_too_large_a_learning_rate_is_told() -> None:
    x, y = made(classes=False)
    with pytest.warns(PellucidWarning, match="diverged"):
        run = pel.fit(
            network(1), (x, y), optimizer=optim.SGD(learning_rate=1e6), epochs=30, progress=False
        )
    assert "try a learning rate below" in run.stopped_because
    assert np.isfinite(run.model.predict(x)).all()


def test_a_loss_of_your_own() -> None:
    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        return (outputs.reshape(-1) - targets.reshape(-1)).abs().mean()

    x, y = made(classes=False)
    run = pel.fit(network(1), (x, y), None, loss=loss, epochs=40, batch_size=8, progress=False)
    assert run.history[-1].score < run.history[0].score
    with pytest.raises(ValueError, match="scalar"):
        pel.fit(network(1), (x, y), loss=lambda a, b: a - b.reshape(-1, 1), progress=False)


@pytest.mark.parametrize(
    ("train", "kind", "part"),
    [
        (np.zeros((3, 2)), TypeError, "pair"),
        ((np.zeros((3, 2)), np.zeros(4)), DataError, "4"),
        ((np.zeros((0, 2)), np.zeros(0)), DataError, "nothing to learn"),
        ((np.full((9, 2), np.nan), np.arange(9.0)), DataError, "missing or infinite"),
        ((np.array([["a"]] * 9), np.arange(9.0)), DataError, "number"),
    ],
)
def test_arrays_that_do_not_fit(train: Any, kind: type[Exception], part: str) -> None:
    with pytest.raises(kind, match=part):
        pel.fit(network(1), train, epochs=1, progress=False)


def test_a_network_of_the_wrong_width_is_told() -> None:
    with pytest.raises(DataError, match=r"Linear\(2\)"):
        pel.fit(network(3), made(), progress=False)


# -- stopped and resumed ---------------------------------------------------------------------------


class Killed(BaseException):
    """As sudden as SIGKILL, for this process."""


def killed_then_resumed(folder: Path, kind: type[events.Event], step: int) -> bytes:
    def kill(event: events.Event) -> None:
        if isinstance(event, kind) and getattr(event, "step", 0) >= step:
            raise Killed

    x, y = made()
    options: dict[str, Any] = {"epochs": 6, "batch_size": 10, "out": folder, "progress": False}
    with pytest.raises(Killed):
        pel.fit(network(), (x, y), callbacks=[kill], **options)
    pel.fit(network(), (x, y), resume=True, **options)
    return (folder / MODEL).read_bytes()


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Checkpoints as often as can be."""

    save_always(monkeypatch)


@pytest.mark.parametrize("step", [0, 1, 9, 20, 33, 40])
@pytest.mark.parametrize("kind", [events.Progressed, events.Evaluated, events.Stopped])
@pytest.mark.usefixtures("eager")
def test_a_killed_run_resumes_to_the_same_bytes(
    tmp_path: Path, kind: type[events.Event], step: int
) -> None:
    x, y = made()
    pel.fit(network(), (x, y), epochs=6, batch_size=10, out=tmp_path / "whole", progress=False)
    whole = (tmp_path / "whole" / MODEL).read_bytes()
    assert killed_then_resumed(tmp_path / "run", kind, step) == whole
    left = sorted(file.name for file in (tmp_path / "run").iterdir())
    assert left == ["history.jsonl", MODEL, "records.jsonl"]
    for file in ("history.jsonl", "records.jsonl"):
        written = [(tmp_path / name / file).read_text() for name in ("whole", "run")]
        assert written[0] == written[1]


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize(
    "change", ["data", "validation data", "loss", "optimizer", "network", "seed"]
)
def test_resuming_something_else_is_refused(tmp_path: Path, change: str) -> None:
    x, y = made()

    def kill(event: events.Event) -> None:
        if isinstance(event, events.Evaluated) and event.epoch == 3:
            raise Killed

    options: dict[str, Any] = {"epochs": 6, "out": tmp_path / "run", "progress": False}
    options["validation"] = (x[:30], y[:30])
    with pytest.raises(Killed):
        pel.fit(network(), (x, y), callbacks=[kill], **options)
    net = nn.Sequential(nn.Linear(8), nn.ReLU(), nn.Linear(2)) if change == "network" else network()
    if change == "optimizer":
        options["optimizer"] = optim.Adam(learning_rate=0.5)
    if change == "validation data":
        options["validation"] = (x[:30], 1 - y[:30])
    if change == "loss":
        options["loss"] = lambda outputs, _: outputs.sum()
    if change == "seed":
        options["seed"] = 4
    train = (x + 1 if change == "data" else x, y)
    with pytest.raises(ModelFileError, match=change):
        pel.fit(net, train, resume=True, **options)


def test_a_finished_run_is_not_resumed(tmp_path: Path) -> None:
    options: dict[str, Any] = {"epochs": 1, "out": tmp_path / "run", "progress": False}
    pel.fit(network(), made(), **options)
    with pytest.raises(RunFolderError, match="finished"):
        pel.fit(network(), made(), resume=True, **options)
    with pytest.raises(RunFolderError, match="exists already"):
        pel.fit(network(), made(), **options)


# -- disks -----------------------------------------------------------------------------------------


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("writes", [0, 1, 5, -3, -2, -1])
def test_a_disk_that_fills_up_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, writes: int
) -> None:
    """Whichever write fails, the run goes on from there once there is room, to the same bytes.

    writes: how many succeed; counted from the end, the last three are network, history and model.
    """
    monkeypatch.setattr(engine, "_next_chunk", lambda *_: 1)
    options: dict[str, Any] = {"epochs": 6, "batch_size": 30, "progress": False}
    whole: list[int] = []
    with monkeypatch.context() as patched:
        patched.setattr("os.fsync", whole.append)
        pel.fit(network(), made(), out=tmp_path / "whole", **options)
    room = writes % len(whole)
    done = itertools.count()

    def fill(handle: int) -> None:
        if next(done) >= room:
            raise OSError(errno.ENOSPC, "No space left on device")

    out = tmp_path / "run"
    with monkeypatch.context() as patched:
        patched.setattr("os.fsync", fill)
        with pytest.raises(RunFolderError, match="the disk is full"):
            pel.fit(network(), made(), out=out, **options)
    assert not (out / MODEL).exists() and not list(out.glob(".*"))
    pel.fit(network(), made(), out=out, resume=True, **options)
    assert (out / MODEL).read_bytes() == (tmp_path / "whole" / MODEL).read_bytes()


def test_a_folder_that_may_not_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr("tempfile.mkstemp", refuse)
    with pytest.raises(RunFolderError, match="read-only"):
        pel.fit(network(), made(), epochs=1, out=tmp_path / "run", progress=False)


@pytest.mark.parametrize(
    ("settings", "error", "said"),
    [
        ({"epochs": -1}, ValueError, "epochs is at least 0, got -1"),
        ({"epochs": 2.5}, TypeError, "epochs is an integer of at least 0, got 2.5"),
        ({"epochs": "3"}, TypeError, "epochs is an integer"),
        ({"seed": -1}, ValueError, "seed is at least 0, got -1"),
        ({"seed": None}, TypeError, "seed is an integer"),
        ({"time_limit": "60s"}, TypeError, "time_limit is a number, got '60s'"),
        ({"time_limit": -1}, ValueError, "time_limit is at least 0 seconds"),
        ({"time_limit": float("nan")}, ValueError, "time_limit is at least 0 seconds"),
    ],
)
def test_settings_of_both_fits(settings: Any, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        pel.fit(nn.Linear(1), (np.ones((9, 1)), np.ones(9)), **{"epochs": 1, **settings})
    with pytest.raises(error, match=said):
        pel.fit_table({"x": [1.0] * 30, "y": [0, 1] * 15}, "y", **{"epochs": 1, **settings})


def test_a_table_for_no_epochs() -> None:
    """None is the plan's number; 0 is none at all."""
    columns = {"x": np.arange(30.0), "y": [0, 1] * 15}
    found = pel.fit_table(columns, "y", epochs=0, progress=False)
    assert found.run.model.details["epochs"] == [0] * 5
