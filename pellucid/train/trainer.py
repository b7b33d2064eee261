"""The training loop: full-batch, stochastic and mini-batch are one loop over one graph."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from pellucid import nn, optim
from pellucid.data import RowStream
from pellucid.errors import RunFolderError
from pellucid.graph import Array, executor
from pellucid.train import metrics
from pellucid.train.blame import first_bad_node
from pellucid.train.checkpoint import Position, load_checkpoint, save_checkpoint
from pellucid.train.events import (
    Callback,
    Checkpointed,
    Evaluated,
    Progressed,
    RateReduced,
    Started,
    Stopped,
    tell,
)
from pellucid.train.files import make_folder
from pellucid.train.folder import unsaved
from pellucid.train.interrupt import Abandoned, Interrupts, poll
from pellucid.train.statistics import Statistics
from pellucid.train.step import Data, Evaluator, LossFunction, training_step

CHUNK_SECONDS = 0.03
Metric = Callable[[Array, Array], float]


@dataclass(frozen=True)
class Settings:
    """How to train.

    batch_size: rows a step. epochs: the most passes over the training rows. seed: of everything
    random. patience: epochs without a better validation loss after which the learning rate is
    divided by 10, and after `reductions` such divisions training stops; 0 never stops early.
    time_limit: seconds after which training stops, None for no limit; only this depends on a clock.
    checkpoint_seconds: how often everything is written to disk, or less often where writing would
    take more than a fiftieth of the time.
    """

    batch_size: int = 32
    epochs: int = 100
    seed: int = 0
    patience: int = 10
    reductions: int = 1
    time_limit: float | None = None
    checkpoint_seconds: float = 1.0

    def deciding(self) -> dict[str, Any]:
        """The settings that the result depends on, as plain JSON values."""
        return {
            "batch_size": self.batch_size,
            "epochs": self.epochs,
            "seed": self.seed,
            "patience": self.patience,
            "reductions": self.reductions,
        }


@dataclass(frozen=True)
class Problem:
    """What is to be learned: a network, a loss, an optimizer, and rows to train and to check on.

    Rows are inputs and targets, and weights where the loss is given any.
    """

    net: nn.Module
    loss: LossFunction
    optimizer: optim.Optimizer
    train: Data
    shown: Data
    validation: Data | None
    metric: Metric
    metric_name: str
    schedule: optim.Schedule = field(default_factory=optim.ConstantRate)


class Trainer:
    """One run of training."""

    def __init__(
        self,
        problem: Problem,
        settings: Settings,
        callbacks: Sequence[Callback] = (),
        checkpoint: Path | None = None,
        identity: Mapping[str, Any] | None = None,
        place: tuple[int, int] = (0, 1),
    ) -> None:
        """identity: what a checkpoint must agree with. place: which network of how many.

        After `run`, `interrupted` and `diverged` say whether that ended it, and `failure` holds the
        error if a checkpoint could not be written.
        """
        self.problem = problem
        self.settings = settings
        self.callbacks = callbacks
        self.checkpoint = checkpoint
        self.interrupted = False
        self.diverged = False
        self.failure: RunFolderError | None = None
        self._identity = dict(identity or settings.deciding())
        self._place = place
        count = len(problem.train[1])
        self.stream = RowStream(count, min(settings.batch_size, count), settings.seed)
        self.step = training_step(
            problem.net,
            problem.loss,
            problem.optimizer,
            problem.train,
            self.stream.batch_size,
            settings.seed,
        )
        self._weights = {
            path: held.state
            for named in (problem.net.named_parameters(), problem.net.named_buffers())
            for path, held in named
        }
        self.position = Position()
        self.best: dict[str, Array] = {}

    @property
    def learning_rate(self) -> float:
        """η now."""
        return self._rate(self.position.step)

    def _rate(self, step: int) -> float:
        """η of a step."""
        epoch = step * self.stream.batch_size / self.stream.count
        factor = self.problem.schedule.factor(epoch, self.settings.epochs)
        return self.problem.optimizer.learning_rate * self.position.rate_factor * factor

    # -- the loop -------------------------------------------------------------------------------

    def resume(self) -> bool:
        """Go on from the checkpoint if there is one."""
        if self.checkpoint is None or not self.checkpoint.exists():
            return False
        self.position = load_checkpoint(
            self.checkpoint, self.step.states, self._weights, self.best, self._identity
        )
        return True

    def run(self) -> str:
        """Train, restore the best weights, and say why training stopped."""
        vars(self.problem.net)["_trained"] = True
        self._started = time.monotonic()
        self._next_save = self._started + self.settings.checkpoint_seconds
        per_epoch = self.stream.count / self.stream.batch_size
        tell(
            self.callbacks,
            Started(
                self.settings.epochs,
                per_epoch,
                self.position.epoch,
                self.position.step,
                *self._place,
            ),
        )
        interrupts = Interrupts()
        try:
            self._prepare()
            with interrupts:
                because = self._loop()
        except Abandoned:
            raise
        except KeyboardInterrupt:
            if not self.position.history:
                raise
            self.interrupted = True
            because = "it was interrupted"
            if interrupts.polled:
                self._save_at_last()
        except RunFolderError as error:
            if not self.position.history:
                raise
            self.failure = error
            because = f"its state could not be kept: {str(error).rstrip('.')}"
        self._restore_best()
        best = self.position.history[self.position.best].epoch
        tell(self.callbacks, Stopped(self.position.epoch, self.position.step, best, because))
        return because

    def _prepare(self) -> None:
        self.program = executor().build(self.step.graph, repeated=True)
        self._on_train = self._evaluator(self.problem.shown)
        self._statistics = None
        if self.step.evaluated:
            shown, size = self.problem.shown[0], self.stream.batch_size
            self._statistics = Statistics(self.problem.net, shown, size, self.settings.seed)
        validation = self.problem.validation
        self._on_validation = None if validation is None else self._evaluator(validation)
        self._steps_a_chunk = 1
        self._snapshot()
        if not self.position.history:
            self._evaluate(0)

    def _evaluator(self, data: Data) -> Evaluator:
        return Evaluator(self.problem.net, self.problem.loss, data, repeated=True)

    def _loop(self) -> str:
        position, settings = self.position, self.settings
        while position.epoch < settings.epochs:
            stop = self._run_epoch()
            if stop is not None:
                return stop
            self._snapshot()
            self._evaluate(position.epoch + 1)
            position.epoch += 1
            stop = self._lost() or self._react()
            if stop is not None:
                return stop
        return (
            f"all {settings.epochs} epochs were made" if settings.epochs > 1 else "1 epoch was made"
        )

    def _run_epoch(self) -> str | None:
        position = self.position
        count, batch = self.stream.count, self.stream.batch_size
        end = -(-(position.epoch + 1) * count // batch)
        while position.step < end:
            steps = min(self._steps_a_chunk, end - position.step)
            before = time.monotonic()
            losses = self._advance(position.step, steps)
            took = time.monotonic() - before
            if not np.isfinite(losses).all():
                return self._diverged(position.step + int(np.argmin(np.isfinite(losses))))
            position.step += steps
            self._steps_a_chunk = _next_chunk(steps, took)
            elapsed = time.monotonic() - self._started
            tell(
                self.callbacks,
                Progressed(
                    position.epoch,
                    position.step,
                    float(losses.mean()),
                    self.learning_rate,
                    elapsed,
                ),
            )
            if self.settings.time_limit is not None and elapsed > self.settings.time_limit:
                self._snapshot()
                self._evaluate(position.epoch)
                return f"the time limit of {self.settings.time_limit:g} s was reached"
            self._save_if_due()
            poll()
        return None

    def _advance(self, first: int, steps: int) -> Array:
        return self.program.run(steps, self._feeds(first, steps))["loss"]

    def _feeds(self, first: int, steps: int) -> dict[str, Array]:
        feeds: dict[str, Array] = {
            "rows": self.stream.rows(first, steps),
            "learning_rate": np.array(
                [self._rate(step) for step in range(first, first + steps)], np.float32
            ),
            "step": np.arange(first, first + steps, dtype=np.int64),
        }
        return {name: feeds[name] for name in self.step.graph.inputs}

    # -- what happens at the end of an epoch ------------------------------------------------------

    def _evaluate(self, epoch: int) -> None:
        """Measure the network with the weights that it is to be used with, after so many epochs."""
        if self._statistics is None:
            self._measure(epoch)
            return
        own = {path: state.value.copy() for path, state in self._weights.items()}
        for path, state in self.step.evaluated.items():
            self._weights[path].value = state.value
        try:
            self._statistics.run()
            self._measure(epoch)
        finally:
            for path, value in own.items():
                self._weights[path].value = value

    def _measure(self, epoch: int) -> None:
        problem, position = self.problem, self.position
        name = f"{problem.metric_name} of epoch {epoch}"
        outputs, train_loss = self._on_train.run()
        train_metric = metrics.measured(name, problem.metric, outputs, problem.shown[1])
        loss = metric = None
        if self._on_validation is not None and problem.validation is not None:
            outputs, loss = self._on_validation.run()
            metric = metrics.measured(name, problem.metric, outputs, problem.validation[1])
        entry = Evaluated(
            epoch,
            position.step,
            self.learning_rate,
            train_loss,
            train_metric,
            loss,
            metric,
            problem.metric_name,
            False,
        )
        history = position.history
        best = history[position.best] if history else None
        weights = {path: state.value for path, state in self._weights.items()}
        if entry.is_finite if best is None else entry.beats(best):
            entry = replace(entry, best=True)
        position.stale = 0 if entry.best or best is None else position.stale + 1
        # Without a score to choose by, the last weights that are numbers are kept.
        unscored = best is None or not best.is_finite
        if entry.best or (unscored and (best is None or _are_finite(weights))):
            position.best = len(history)
            self.best = {path: value.copy() for path, value in weights.items()}
        history.append(entry)
        tell(self.callbacks, entry)

    def _react(self) -> str | None:
        """Reduce the rate or stop when the loss stagnates."""
        position, settings = self.position, self.settings
        plateau = self.problem.schedule.plateau()
        waits = plateau.patience if plateau else settings.patience
        times = plateau.times if plateau else settings.reductions
        measured = self.problem.validation is not None
        if waits and position.reductions < times and (measured or plateau):
            if position.stale >= waits:
                self._reduce(plateau.by if plateau else 0.1)
            return None
        if not measured or not settings.patience or position.stale < settings.patience:
            return None
        best = position.history[position.best]
        if not best.is_finite:
            return f"the validation loss was not finite in any of {position.epoch} epochs"
        return (
            f"the validation loss has not improved for {settings.patience} epochs "
            f"since epoch {best.epoch}"
        )

    def _reduce(self, by: float) -> None:
        """A smaller rate, from the best weights on."""
        position = self.position
        position.reductions += 1
        position.stale = 0
        position.rate_factor *= by
        if not self.step.evaluated:
            self._restore_best()
        tell(self.callbacks, RateReduced(position.epoch, self.learning_rate))

    def _restore_best(self) -> None:
        for path, array in self.best.items():
            self._weights[path].value = array

    # -- keeping what was reached -----------------------------------------------------------------

    def _snapshot(self) -> None:
        """Keep all states, so that a divergence can be replayed from here."""
        self._good_step = self.position.step
        self._good = {name: state.value.copy() for name, state in self.step.states.items()}

    def _save_if_due(self) -> None:
        if self.checkpoint is None:
            return
        began = time.monotonic()
        if began < self._next_save:
            return
        self._save()
        now = time.monotonic()
        self._next_save = now + max(self.settings.checkpoint_seconds, 50 * (now - began))

    def _save(self) -> None:
        if self.checkpoint is None:
            return
        try:
            make_folder(self.checkpoint.parent)
            save_checkpoint(
                self.checkpoint, self.position, self.step.states, self.best, self._identity
            )
        except Exception as error:
            raise unsaved(error, None, self.checkpoint.parent) from error
        tell(self.callbacks, Checkpointed(self.position.step))

    def _save_at_last(self) -> None:
        """Save where training has ended; a failure is kept, not raised."""
        try:
            self._save()
        except RunFolderError as error:
            self.failure = error

    def _lost(self) -> str | None:
        """Why training ends if an epoch left weights or optimizer slots that are not finite.

        A second moment that overflows makes every later update 0, which no loss would tell.
        """
        lost = next(
            (name for name, array in self._good.items() if not np.isfinite(array).all()), ""
        )
        if not lost:
            return None
        self.diverged = True
        if lost in self._weights:
            return (
                f"the weights were not finite after step {self.position.step:,}; "
                f"try a learning rate below {self.learning_rate / 10:.2g}"
            )
        return (
            f"the optimizer's {lost!r} was not finite after step {self.position.step:,}, because "
            "gradients overflowed: scale the inputs and targets, or wrap the optimizer in optim.Clip"
        )

    def _diverged(self, step: int) -> str:
        """Replay from the last good state up to the step that failed, and find what went wrong."""
        self.diverged = True
        for name, array in self._good.items():
            self.step.states[name].value = array
        ahead = step - self._good_step
        if ahead:
            self._advance(self._good_step, ahead)
        feeds = {name: array[0] for name, array in self._feeds(step, 1).items()}
        cause = first_bad_node(self.step, feeds)
        return (
            f"the loss was not finite at step {step:,}: {cause}; "
            f"try a learning rate below {self.learning_rate / 10:.2g}"
        )


def _are_finite(arrays: Mapping[str, Array]) -> bool:
    """Whether no value of these arrays is NaN or infinite."""
    return all(bool(np.isfinite(array).all()) for array in arrays.values())


def _next_chunk(steps: int, seconds: float) -> int:
    """As many steps as fit the time of a chunk, at most twice as many as before."""
    wanted = int(steps * CHUNK_SECONDS / max(seconds, 1e-9))
    return max(1, min(wanted, steps * 2))
