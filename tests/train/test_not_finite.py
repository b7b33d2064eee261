"""Losses, metrics and outputs that are NaN or infinite: never the best, never lost, never silent."""

from __future__ import annotations

import errno
import json
import math
import shutil
import tempfile
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pellucid as pel
from pellucid import nn, optim
from pellucid.data import read_table
from pellucid.data.class_scores import most_probable_class
from pellucid.errors import NotFiniteError, PellucidWarning, RunFolderError
from pellucid.graph import Tensor
from pellucid.train import events, metrics
from pellucid.train.evaluator import Evaluator
from pellucid.train.events import Evaluated
from pellucid.train.loop.engine import Engine
from pellucid.train.loop.session import train_network
from pellucid.train.plain import from_plain, to_plain
from pellucid.train.rules import plan_for
from pellucid.train.storage import container
from pellucid.train.storage.folder import HISTORY, MODEL
from tests.train.checkpoints import save_always

DICE = np.random.default_rng(5)
X = DICE.normal(size=(80, 3)).astype(np.float32)
Y = X @ np.array([1.0, -2.0, 0.5], np.float32)
HELD = (X[:20], Y[:20])
WILD = [math.nan, math.inf, -math.inf]


def fitted(net: nn.Module | None = None, **settings: Any) -> pel.Run:
    given = {"validation": HELD, "epochs": 6, "patience": 0, "optimizer": optim.SGD(0.05)}
    return pel.fit(net or nn.Linear(1), (X, Y), **{**given, "progress": False, **settings})


def scored(*scores: float) -> list[Evaluated]:
    first = Evaluated(0, 0, 0.1, {}, "rmse", False)
    return [replace(first, measures={"validation.loss": score}) for score in scores]


@pytest.mark.parametrize("wild", WILD)
def test_what_is_not_finite_is_worse_than_every_number(wild: float) -> None:
    bad, huge, small, other = scored(wild, 1e300, -3.0, math.nan)
    assert huge.beats(bad) and small.beats(bad) and small.beats(huge)
    assert not bad.beats(huge) and not bad.beats(other) and not bad.beats(bad)


@pytest.fixture
def validation_is(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes the validation loss of epoch n what a dictionary says, once for each measurement."""

    def install(losses: dict[int, float]) -> None:
        real, count = Evaluator.run, iter(range(10**6))

        def run(self: Any) -> Any:
            outputs, measures = real(self)
            if len(self._data[0]) != len(HELD[0]):
                return outputs, measures
            epoch = next(count)
            loss = losses.get(epoch, losses.get(-1, measures["loss"]))
            return outputs, {**measures, "loss": loss}

        monkeypatch.setattr(Evaluator, "run", run)

    return install


@pytest.mark.parametrize("wild", WILD)
@pytest.mark.parametrize("epochs", [[0], [0, 1], [3], [6], [0, 6]])
def test_epochs_without_a_finite_loss_are_never_the_best(
    validation_is: Any, wild: float, epochs: list[int], tmp_path: Path
) -> None:
    plain = fitted()
    validation_is(dict.fromkeys(epochs, wild))
    run = fitted(out=tmp_path / "run")
    losses = [entry.validation_loss for entry in run.history]
    finite = {n: loss for n, loss in enumerate(losses) if n not in epochs and loss is not None}
    assert run.best_epoch == min(finite, key=lambda n: finite[n]) > 0
    assert run.best.is_finite and run.best.best
    if 6 not in epochs:
        np.testing.assert_array_equal(run.model.predict(X), plain.model.predict(X))
    lines = [json.loads(line) for line in (tmp_path / "run" / HISTORY).read_text().splitlines()]
    text = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[str(wild)]
    for epoch in epochs:
        assert lines[epoch]["measures"]["validation.loss"] is None
        assert lines[epoch]["measures"]["not_finite"] == {"validation.loss": text}
    again = pel.Model.load(tmp_path / "run" / MODEL)
    np.testing.assert_array_equal(again.predict(X), run.model.predict(X))


def test_without_any_finite_loss_the_last_weights_are_kept(
    validation_is: Any, tmp_path: Path
) -> None:
    net, other = nn.Linear(1), nn.Linear(1)
    validation_is({-1: math.nan})
    with pytest.warns(PellucidWarning, match="has no finite loss.*are those of epoch 6"):
        run = fitted(net, out=tmp_path / "run")
    assert run.best_epoch == run.best.epoch == 6 and not run.diverged
    assert "nan" in str(run) and (tmp_path / "run" / MODEL).exists()
    fit_plain = pel.fit(
        other, (X, Y), None, epochs=6, patience=0, optimizer=optim.SGD(0.05), progress=False
    )
    assert fit_plain.best_epoch == 6
    np.testing.assert_array_equal(net.W.numpy(), other.W.numpy())


def test_patience_counts_epochs_without_a_finite_loss(validation_is: Any) -> None:
    validation_is({-1: math.inf})
    with pytest.warns(PellucidWarning, match="no finite loss"):
        run = fitted(patience=3, epochs=50)
    assert run.history[-1].epoch == 6
    assert run.stopped_because == "the validation loss was not finite in any of 6 epochs"


def test_a_plateau_is_not_hidden_by_a_first_loss_that_is_nan(validation_is: Any) -> None:
    validation_is({0: math.nan, **{n: 1.0 + n for n in range(1, 20)}})
    run = fitted(schedule=optim.PlateauRate(2), epochs=6)
    assert run.best_epoch == 1
    assert run.history[-1].learning_rate == pytest.approx(0.05 * 0.1**2)


class Killed(BaseException):
    """As sudden as SIGKILL, for this process."""


def test_a_run_with_wild_numbers_resumes(
    validation_is: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Checkpoints hold the history, NaN and all."""

    def kill(event: events.Event) -> None:
        if isinstance(event, events.Progressed) and event.epoch == 4:
            raise Killed

    save_always(monkeypatch)
    out = tmp_path / "run"
    validation_is({0: math.nan, 2: math.inf})
    with pytest.raises(Killed):
        fitted(callbacks=[kill], out=out)
    run = fitted(resume=True, out=out)
    losses = [entry.validation_loss or 0.0 for entry in run.history]
    assert [math.isfinite(loss) for loss in losses] == [False, True, False, True, True, True, True]


def test_an_evaluation_that_overflows_is_told_and_not_chosen() -> None:
    """The held-out rows overflow float32 in the loss; training rows do not."""
    held = (np.full((4, 3), 3e38, np.float32), np.zeros(4, np.float32))
    with pytest.warns(PellucidWarning, match="no finite loss"):
        run = fitted(validation=held)
    assert run.best_epoch == 6


def test_divergence_is_warned_of_or_raised(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"optimizer": optim.SGD(1e25), "batch_size": 80, "epochs": 9}
    with pytest.warns(PellucidWarning, match="diverged.*weights are those of epoch 0, before any"):
        run = fitted(**settings)
    assert run.diverged and not run.interrupted and "diverged" in str(run)
    assert run.model.details["diverged"] == [True]
    with (
        pytest.warns(PellucidWarning, match="diverged"),
        pytest.raises(NotFiniteError, match="Training diverged: the loss was not finite") as caught,
    ):
        fitted(on_divergence="raise", out=tmp_path / "run", **settings)
    np.testing.assert_array_equal(caught.value.run.model.predict(X), run.model.predict(X))
    assert pel.Model.load(tmp_path / "run" / MODEL).details["diverged"] == [True]
    assert not fitted(on_divergence="raise").diverged


def test_a_warning_that_is_an_error_loses_nothing(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(PellucidWarning, match="diverged"):
            fitted(optimizer=optim.SGD(1e25), batch_size=80, epochs=9, out=tmp_path / "run")
    assert pel.Model.load(tmp_path / "run" / MODEL).details["diverged"] == [True]


def test_weights_that_the_last_step_loses_are_a_divergence() -> None:
    """The loss of the only step was finite, so only the epoch's evaluation shows it."""
    with pytest.warns(PellucidWarning, match="diverged: the weights were not finite after step 1;"):
        run = fitted(optimizer=optim.SGD(3e38), batch_size=80, epochs=1)
    assert run.diverged and run.best_epoch == 0
    assert math.isfinite(run.history[0].score) and not run.history[1].is_finite


@pytest.mark.parametrize("choice", ["ignore", None, True])
def test_on_divergence_is_one_of_two(choice: Any) -> None:
    with pytest.raises(ValueError, match="on_divergence is 'warn' or 'raise', got"):
        fitted(on_divergence=choice)
    with pytest.raises(ValueError, match="on_divergence is 'warn' or 'raise', got"):
        pel.fit_table({"x": [1.0] * 30, "y": [0, 1] * 15}, "y", on_divergence=choice)


def test_an_interrupted_run_says_so(tmp_path: Path) -> None:
    def press(event: events.Event) -> None:
        if isinstance(event, Evaluated) and event.epoch == 2:
            raise KeyboardInterrupt

    run = fitted(callbacks=[press], out=tmp_path / "run")
    assert run.interrupted and not run.diverged and "interrupted" in str(run)
    assert pel.Model.load(tmp_path / "run" / MODEL).details["interrupted"] == {
        "complete": 0,
        "networks": 1,
    }


# -- nothing trained is lost -------------------------------------------------------------------------


def test_what_cannot_be_written_is_found_before_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[object] = []
    monkeypatch.setattr(Engine, "run", steps.append)

    def refuse(self: Any) -> Any:
        raise TypeError("net is a thing which a model file cannot hold")

    with monkeypatch.context() as patched:
        patched.setattr(nn.Linear, "to_spec", refuse)
        with pytest.raises(TypeError, match="cannot hold"):
            fitted(out=tmp_path / "run")
    assert not steps and not (tmp_path / "run").exists()
    (tmp_path / "file").write_text("in the way")
    for out in (tmp_path / "file", tmp_path / "file" / "run"):
        with pytest.raises(RunFolderError):
            fitted(out=out)
    assert not steps


def test_an_error_before_training_leaves_no_folder(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="scalar"):
        fitted(loss=lambda outputs, targets: outputs, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()
    net = nn.Linear(1)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    with pytest.raises(RunFolderError, match="exists already"):
        fitted(net, out=tmp_path / "full")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted(net)  # which no fit has trained yet


def test_a_folder_that_is_deleted_meanwhile_is_made_again(tmp_path: Path) -> None:
    out = tmp_path / "run"

    def delete(event: events.Event) -> None:
        if isinstance(event, Evaluated) and event.epoch == 3:
            shutil.rmtree(out)

    run = fitted(out=out, callbacks=[delete])
    again = pel.Model.load(out / MODEL)
    np.testing.assert_array_equal(again.predict(X), run.model.predict(X))
    assert len((out / HISTORY).read_text().splitlines()) == 7


@pytest.mark.parametrize("name", ["network-0", HISTORY, MODEL])
@pytest.mark.parametrize(
    "what", [OSError(errno.ENOSPC, "No space"), ValueError("odd"), MemoryError()]
)
def test_a_run_that_cannot_be_written_is_in_the_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, what: Exception
) -> None:
    plain = fitted()
    real = tempfile.mkstemp

    def fail(*args: Any, **named: Any) -> Any:
        if name in named.get("prefix", ""):
            raise what
        return real(*args, **named)

    monkeypatch.setattr(tempfile, "mkstemp", fail)
    with pytest.raises(RunFolderError) as caught:
        fitted(out=tmp_path / "run")
    np.testing.assert_array_equal(caught.value.run.model.predict(X), plain.model.predict(X))
    assert caught.value.run.best_epoch == plain.best_epoch
    assert any("not lost" in note for note in caught.value.__notes__)


def test_a_table_that_cannot_be_written_is_in_the_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = pel.fit_table(table(), "y", epochs=2, progress=False)

    def fail(*_: Any, **__: Any) -> Any:
        raise RunFolderError("Cannot write it: the disk is full.")

    monkeypatch.setattr(pel.Model, "save", fail)
    with pytest.raises(RunFolderError, match="full") as caught:
        pel.fit_table(table(), "y", epochs=2, out=tmp_path / "run", progress=False)
    found = caught.value.run
    assert found.metrics == plain.metrics
    np.testing.assert_array_equal(
        found.run.model.predict(table()), plain.run.model.predict(table())
    )


def table(rows: int = 60) -> dict[str, Any]:
    return {"a": X[:rows, 0], "b": X[:rows, 1], "y": Y[:rows]}


def test_networks_of_a_table_that_diverge(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def wild(*arguments: Any) -> Any:
        return replace(plan_for(*arguments), optimizer=optim.SGD(1e30))

    monkeypatch.setattr("pellucid.train.tables.plan_for", wild)
    with pytest.warns(PellucidWarning, match="Network . of 5 diverged"):
        found = pel.fit_table(table(), "y", epochs=3, progress=False)
    assert found.run.diverged and found.run.model.details["diverged"] == [True] * 5
    assert np.isfinite(found.run.model.predict(table())).all()
    with pytest.warns(PellucidWarning), pytest.raises(NotFiniteError, match="diverged") as caught:
        pel.fit_table(
            table(), "y", epochs=3, progress=False, on_divergence="raise", out=tmp_path / "run"
        )
    assert caught.value.run.metrics == found.metrics
    assert (tmp_path / "run" / MODEL).exists()


def test_a_network_that_is_not_finite_is_left_out_of_the_average(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The third of five has a loss that is no number, as if it had overflowed."""
    plain = pel.fit_table(table(), "y", epochs=2, progress=False).run
    real, calls = train_network, iter(range(5))

    def third(problem: Any, *args: Any) -> Any:
        trained = real(problem, *args)
        if next(calls) != 2:
            return trained
        state = problem.networks[""].state_dict()
        problem.networks[""].load_state_dict({path: v * np.nan for path, v in state.items()})
        return trained

    monkeypatch.setattr("pellucid.train.loop.session.train_network", third)
    with pytest.warns(PellucidWarning, match="are left out: 1 of 5"):
        found = pel.fit_table(table(), "y", epochs=2, progress=False)
    assert len(found.run.model.members) == 4 and math.isfinite(found.metrics["rmse"] or math.nan)
    sound = [m.outputs(read_table(table())) for i, m in enumerate(plain.model.members) if i != 2]
    left = [member.outputs(read_table(table())) for member in found.run.model.members]
    np.testing.assert_array_equal(left, sound)


def test_numbers_that_json_cannot_hold_go_there_and_back() -> None:
    given = {"a": 1.5, "b": math.inf, "in": [{"c": -math.inf, "d": None}], "e": [1, "NaN"]}
    plain = to_plain(given)
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
    assert plain["b"] is None and plain["not_finite"] == {"b": "Infinity"}
    assert from_plain(plain) == given
    assert math.isnan(from_plain(to_plain({"x": math.nan}))["x"])
    assert to_plain([math.nan]) == ["NaN"]
    odd = {"not_finite": {"a": ["NaN"]}, "a": None}
    assert from_plain(odd) == odd
    content = container.pack({}, {"loss": math.nan}, "model")
    assert math.isnan(container.unpack(content, "model", "it")[1]["loss"])


# -- argmax over NaN is no class --------------------------------------------------------------------


def test_a_row_without_numbers_is_of_no_class() -> None:
    scores = np.array([[0.1, 0.9], [math.nan, 0.2], [0.3, math.nan], [-math.inf, -math.inf]])
    np.testing.assert_array_equal(most_probable_class(scores), [1, -1, -1, -1])
    codes = np.zeros(4, np.int32)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = metrics.classification(codes, scores[[0, 1]][[1, 1, 1, 0]])
    assert found["accuracy"] == 0.0 and found["auc"] is None
    assert math.isnan(found["log_loss"] or 0.0)


class Measured(nn.Module):
    """A line whose outputs are no numbers where it is measured."""

    def __init__(self) -> None:
        self.line = nn.Linear(1)

    def forward(self, x: pel.Tensor) -> pel.Tensor:
        """The line in training, NaN in evaluation."""
        return self.line(x) if nn.is_training() else self.line(x) * math.nan


def test_a_training_without_any_finite_loss_is_raised_too() -> None:
    with (
        pytest.warns(PellucidWarning, match="no finite loss"),
        pytest.raises(NotFiniteError, match="has no finite loss in any epoch") as caught,
    ):
        fitted(Measured(), on_divergence="raise")
    assert caught.value.run.best_epoch == 6


def test_warnings_are_at_the_line_of_the_caller() -> None:
    """By its place Python tells warnings apart, and shows each place once."""
    settings: list[dict[str, Any]] = [
        {"optimizer": optim.SGD(1e25), "batch_size": 80},
        {"validation": (X[:2], np.array([0.0, np.nan]))},
    ]
    for given in settings:
        with pytest.warns(PellucidWarning) as found:
            pel.fit(nn.Linear(1), (X, Y), progress=False, epochs=2, **given)
        assert {Path(one.filename).name for one in found} == {Path(__file__).name}


def test_a_table_run_says_why_the_network_diverged_that_did(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real, calls = train_network, iter(range(5))

    def third(problem: Any, *args: Any) -> Any:
        if next(calls) == 2:
            wild, step = optim.SGD(1e30), problem.step
            problem = replace(problem, optimizer=wild, step=lambda _: step(wild))
        return real(problem, *args)

    monkeypatch.setattr("pellucid.train.loop.session.train_network", third)
    with (
        pytest.warns(PellucidWarning, match="Network 3 of 5 diverged"),
        pytest.raises(NotFiniteError, match=r"Training diverged: the .* not finite"),
    ):
        pel.fit_table(table(), "y", epochs=2, progress=False, on_divergence="raise")


@pytest.mark.parametrize("rule", [optim.Adam, optim.RMSprop])
def test_a_second_moment_that_overflows_is_a_divergence(rule: type[optim.Optimizer]) -> None:
    """It would make every later update 0, while the loss stays finite."""
    x = np.random.default_rng(0).normal(size=(64, 4)).astype(np.float32)

    def huge(outputs: Tensor, targets: Tensor) -> Tensor:
        return (outputs.reshape(-1) - targets).square().mean() * 1e22

    net = nn.Sequential(nn.Linear(3), nn.Linear(1))
    with pytest.warns(PellucidWarning, match=r"\.v/0\.W' was not finite .* optim\.Clip"):
        run = pel.fit(net, (x, x[:, 0]), loss=huge, optimizer=rule(0.01), epochs=3, progress=False)
    assert run.diverged
