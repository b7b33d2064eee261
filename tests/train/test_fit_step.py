"""`fit_step`: the loop around a step of one's own, its measures and files, and going on after a kill."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pellucid as pel
from pellucid import nn, optim
from pellucid.errors import DataError, ModelFileError, PellucidWarning
from pellucid.graph import Tensor
from pellucid.train.actions import Replace
from pellucid.train.events import Evaluated
from pellucid.train.fit_step import StepRun
from pellucid.train.steps.step import Step
from pellucid.train.storage.folder import HISTORY, MODEL, RECORDS

ROOT = Path(__file__).parents[2]
rng = np.random.default_rng(11)
X = rng.normal(size=(70, 3)).astype(np.float32)
Y = (X @ rng.normal(size=(3, 1)) + 0.1 * rng.normal(size=(70, 1))).astype(np.float32)


def mse(x: Tensor, y: Tensor) -> Tensor:
    return (x - y).square().mean()


def regression(net: nn.Module, optimizer: optim.Optimizer | None = None) -> Any:
    """The step of least squares."""
    by = optim.Adam(0.01) if optimizer is None else optimizer

    def step(step: Step, x: Tensor, y: Tensor) -> None:
        step.minimise(mse(net(x), y), net, by)

    return step


def fitted(net: nn.Module, **settings: Any) -> StepRun:
    settings = {"epochs": 3, "batch_size": 16, "progress": False, **settings}
    return pel.fit_step(regression(net, settings.pop("by", None)), net, (X, Y), **settings)


def test_it_is_fit_where_the_step_is_that_of_fit() -> None:
    """The same rows, weights and updates, to the bit."""
    one, two = nn.MLP([8], 1), nn.MLP([8], 1)
    settings: dict[str, Any] = {"epochs": 5, "batch_size": 16, "progress": False, "seed": 3}
    pel.fit(one, (X, Y), None, optimizer=optim.AdamW(0.01), patience=0, **settings)

    def step(step: Step, x: Tensor, y: Tensor) -> None:
        step.minimise(nn.MSE()(two(x), y[:, 0]), two, optim.AdamW(0.01))

    run = pel.fit_step(
        step,
        two,
        (X, Y),
        (X, Y),
        measure=lambda x, y: nn.MSE()(two(x), y[:, 0]),
        **settings,
    )
    for (path, a), (_, b) in zip(one.named_parameters(), two.named_parameters(), strict=True):
        np.testing.assert_array_equal(a.value, b.value, path)
    assert run.history[-1].epoch == 5


def test_measures_are_means_over_all_rows_in_evaluation_mode() -> None:
    net = nn.MLP([8], 1, norm="batch", dropout=0.5)
    held = X[:37], Y[:37]

    def measure(x: Tensor, y: Tensor) -> dict[str, Tensor]:
        return {"error": mse(net(x), y), "mean": net(x).mean()}

    run = fitted(net, validation=held, measure=measure, monitor="mean", epochs=6)
    outputs = net(held[0]).numpy()
    best = run.history[run.best_epoch].measures
    assert best["validation.error"] == pytest.approx(
        float(((outputs - held[1]) ** 2).mean()), rel=1e-4
    )
    means = [entry.measures["validation.mean"] for entry in run.history]
    assert run.best_epoch == int(np.argmin(means))
    assert best["validation.mean"] == pytest.approx(float(outputs.mean()), rel=1e-4)


def test_without_a_measure_the_last_weights_are_kept_and_nothing_is_warned_of() -> None:
    net = nn.Linear(1)
    weights: list[Any] = []

    def seen(event: object) -> None:
        if isinstance(event, Evaluated):
            weights.append(net.W.value.copy())

    run = fitted(net, callbacks=[seen], epochs=4)
    assert run.best_epoch == 4 and len(weights) == 5
    np.testing.assert_array_equal(net.W.value, weights[-1])


def test_reports_are_means_over_the_steps_of_an_epoch() -> None:
    net = nn.Linear(1)

    def step(step: Step, x: Tensor, y: Tensor) -> None:
        step.minimise(mse(net(x), y), net, optim.SGD(0.01))
        step.report(number=step.number.cast(np.float32), mean=x.mean())

    run = pel.fit_step(step, net, (X, Y), epochs=2, batch_size=14, progress=False)
    numbers = [entry.measures["batches.number"] for entry in run.history[1:]]
    assert numbers == [2.0, 7.0]
    assert run.history[1].measures["batches.mean"] == pytest.approx(float(X.mean()), abs=1e-6)


def test_losses_are_named_by_the_networks_and_paths_begin_with_them() -> None:
    a, b = nn.Linear(1), nn.Linear(1)

    def step(step: Step, x: Tensor, y: Tensor) -> None:
        step.minimise(mse(a(x), y), a, optim.SGD(0.01))
        step.minimise(mse(b(x), y) * 2.0, b, optim.SGD(0.01))

    probes = [pel.probes.Norm("gradients")]
    run = pel.fit_step(
        step, {"a": a, "b": b}, (X, Y), epochs=1, progress=False, probes=probes, probe_every=1
    )
    measures = run.history[-1].measures
    total = measures["batches.loss.a"] + measures["batches.loss.b"]
    assert measures["batches.loss"] == pytest.approx(total)
    assert {r.path for r in run.log.named("gradient.norm")} == {"a.W", "a.b", "b.W", "b.b"}
    first = run.log.named("gradient.norm", "b.b")[0]
    assert first.step == 0 and math.isfinite(float(first.value))  # type: ignore[arg-type]


def test_probes_change_nothing() -> None:
    weights = []
    for probes in ([], [pel.probes.Norm("gradients"), pel.probes.Norm("activations")]):
        net = nn.MLP([8], 1, norm="batch", dropout=0.2)
        fitted(net, probes=probes, probe_every=2)
        weights.append([p.value.tobytes() for _, p in net.named_parameters()])
    assert weights[0] == weights[1]


def test_averaged_weights_are_what_is_measured_and_kept() -> None:
    net = nn.Linear(1, bias=False)
    by = optim.ScheduleFreeSGD(0.05)
    run = fitted(net, by=by, validation=(X, Y), measure=lambda x, y: mse(net(x), y), epochs=8)
    kept = run.history[run.best_epoch].measures["validation.loss"]
    assert kept == pytest.approx(float(((X @ net.W.value - Y) ** 2).mean()), rel=1e-4)


def test_a_killed_gan_goes_on_to_the_same_bytes(tmp_path: Path) -> None:
    """Model, history and records; the whole run takes two threads, the killed one a single one."""
    environment = {**os.environ, "PELLUCID_VERIFY": "0"}

    def run(folder: str, *more: str, threads: str) -> int:
        command = [sys.executable, "-m", "benchmarks.gan", str(tmp_path / folder), *more]
        used = {**environment, "PELLUCID_THREADS": threads}
        return subprocess.run(command, cwd=ROOT, env=used).returncode

    assert run("whole", "--epochs", "6", threads="2") == 0
    assert run("killed", "--epochs", "6", "--kill-at", "41", threads="1") == -signal.SIGKILL
    assert not (tmp_path / "killed" / MODEL).exists()
    assert run("killed", "--epochs", "6", "--resume", threads="1") == 0
    for name in (MODEL, HISTORY, RECORDS):
        whole, killed = ((tmp_path / folder / name).read_bytes() for folder in ("whole", "killed"))
        assert whole == killed, name


class Killed(BaseException):
    """As sudden as SIGKILL, for this process."""


@pytest.mark.parametrize("change", ["optimizer", "network", "data", "step"])
def test_another_run_is_not_resumed(change: str, tmp_path: Path) -> None:
    def kill(event: object) -> None:
        if isinstance(event, pel.train.events.Checkpointed):
            raise Killed

    class Saving(pel.train.events.Callback):
        every = 2

        def __call__(self, event: object, /) -> Any:
            return pel.train.actions.Save() if isinstance(event, pel.train.events.Stepped) else None

    settings: dict[str, Any] = {"out": tmp_path / "run", "epochs": 3, "progress": False}
    net = nn.MLP([4], 1)
    with pytest.raises(Killed):
        pel.fit_step(regression(net), net, (X, Y), callbacks=[Saving(), kill], **settings)
    by = optim.Adam(0.02) if change == "optimizer" else None
    other = nn.MLP([5 if change == "network" else 4], 1)
    function = regression(other, by)
    if change == "step":
        function = lambda step, x, y: regression(other)(step, x, y)  # noqa: E731
    data = (X, Y + 1) if change == "data" else (X, Y)
    with pytest.raises(ModelFileError, match="other settings"):
        pel.fit_step(function, other, data, resume=True, **settings)


def test_a_run_is_loaded_as_its_networks(tmp_path: Path) -> None:
    net = nn.MLP([4], 1, norm="batch")
    run = fitted(net, out=tmp_path / "run")
    (loaded,) = pel.load_networks(tmp_path / "run" / MODEL).values()
    assert run.folder == tmp_path / "run"
    np.testing.assert_array_equal(loaded(X).numpy(), net(X).numpy())


def test_divergence_keeps_the_last_good_weights() -> None:
    net = nn.Linear(1)
    with pytest.warns(PellucidWarning, match="diverged"):
        run = fitted(net, by=optim.SGD(1e8), epochs=20)
    assert run.diverged and np.isfinite(net.W.value).all()


def test_replacing_the_optimizer_is_refused() -> None:
    net = nn.Linear(1)

    def callback(event: object) -> Replace | None:
        return Replace(optim.SGD(0.1)) if isinstance(event, Evaluated) and event.epoch else None

    with pytest.raises(ValueError, match="names its optimizers itself"):
        fitted(net, callbacks=[callback])


def test_what_does_not_fit_is_refused() -> None:
    net = nn.Linear(1)
    step = regression(net)

    def no_call(step: Step, x: Tensor, y: Tensor) -> None:
        step.minimise(mse(net(x), y), net, optim.SGD(0.1))

    cases: list[tuple[Any, type[Exception], str]] = [
        (lambda: pel.fit_step(step, {}, (X, Y)), TypeError, "networks by name"),
        (lambda: pel.fit_step(step, {"a b": net}, (X, Y)), ValueError, "identifier"),
        (lambda: pel.fit_step(step, {"a": 3}, (X, Y)), TypeError, "holds networks"),  # type: ignore[dict-item]
        (lambda: fitted(net, validation=(X, Y)), ValueError, "measure="),
        (lambda: fitted(net, measure=lambda x, y: x.mean()), ValueError, "validation="),
        (lambda: fitted(net, monitor="loss"), ValueError, "give measure="),
        (
            lambda: fitted(
                net, validation=(X, Y), measure=lambda x, y: {"a": x.mean()}, monitor="b"
            ),
            ValueError,
            "monitor is one of 'a'",
        ),
        (lambda: fitted(net, validation=(X, Y), measure=lambda x, y: x), TypeError, "scalar"),
        (lambda: fitted(net, validation=(X, Y), measure=lambda x, y: 3), TypeError, "by name"),
        (lambda: fitted(net, by=optim.LBFGS()), ValueError, "all training rows"),
        (
            lambda: pel.fit_step(no_call, {"a": net, "b": nn.Linear(1)}, (X, Y)),
            DataError,
            "does not call the network 'b'",
        ),
    ]
    for call, kind, message in cases:
        with pytest.raises(kind, match=message):
            call()
