"""The engine: runs compiled steps, measures, and does what policies and callbacks ask for."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from pellucid import optim
from pellucid.errors import RunFolderError
from pellucid.graph import Array
from pellucid.train.actions import Action, Log, Replace, Rollback, Save, SetRate, Stop
from pellucid.train.batches import Chunk
from pellucid.train.checkpoint import Checkpoint, Position, save_checkpoint
from pellucid.train.dispatch import Dispatch
from pellucid.train.divergence import lost_reason, replayed
from pellucid.train.events import (
    BATCHES,
    Callback,
    CallbackFunction,
    Checkpointed,
    Diverged,
    Evaluated,
    Progressed,
    RateChanged,
    Recorded,
    Started,
    Stepped,
    Stopped,
)
from pellucid.train.files import make_folder
from pellucid.train.folder import unsaved
from pellucid.train.interrupt import Abandoned, Interrupts, poll
from pellucid.train.journal import Journal
from pellucid.train.problem import Problem, Settings
from pellucid.train.programs import StepPrograms
from pellucid.train.records import ProbeBlock, Record, Records
from pellucid.train.training_step import LOSS, REPORT

CHUNK_SECONDS = 0.03
MOST_DIVERGENCES = 20
"""After so many divergences a run ends, whatever a callback answers."""


class Engine:
    """One training of one or several networks by one step function.

    After `run`, `interrupted` and `diverged` say whether that ended it, and `failure` holds the error
    if a file could not be written.
    """

    def __init__(
        self,
        problem: Problem,
        settings: Settings,
        policies: Sequence[Callback] = (),
        callbacks: Sequence[CallbackFunction] = (),
        checkpoint: Path | None = None,
        identity: Mapping[str, Any] | None = None,
        number: int = 0,
        networks: int = 1,
    ) -> None:
        """identity: what a checkpoint must agree with. number: which network of how many."""
        self.problem = problem
        self.settings = settings
        self.checkpoint = checkpoint
        self.interrupted = False
        self.diverged = False
        self.failure: RunFolderError | None = None
        self.position = Position()
        self.best: dict[str, Array] = {}
        self.programs = StepPrograms(problem, settings.seed)
        self._identity = dict(identity or settings.deciding())
        self._number, self._networks = number, networks
        self._dispatch = Dispatch(callbacks, policies)
        self._journal = Journal(None if checkpoint is None else checkpoint.parent, number)
        self._schedule = problem.schedule
        self._stop: Stop | None = None
        self._divergences = 0

    # -- the rate -----------------------------------------------------------------------------------

    @property
    def records(self) -> Records:
        """What was measured since this engine was made."""
        return self._journal.records

    @property
    def learning_rate(self) -> float:
        """η of the first optimizer now."""
        return self._rate(self.programs.first_optimizer, self.position.step)

    def _rate(self, optimizer: optim.Optimizer, step: int) -> float:
        """η of an optimizer at a step."""
        epoch = self.problem.batches.epoch_at(step, self.position.epoch)
        factor = self._schedule.factor(epoch, self.settings.epochs)
        rate = optimizer.learning_rate * self.position.rate_factor * factor
        return rate if self._reaction == 1.0 else rate * self._reaction

    @property
    def _reaction(self) -> float:
        return self._schedule.reaction([entry.measures for entry in self.position.history])

    # -- the loop -----------------------------------------------------------------------------------

    def resume(self) -> bool:
        """Go on from the checkpoint if there is one."""
        if self.checkpoint is None or not self.checkpoint.exists():
            return False
        found = Checkpoint.read(self.checkpoint, self._identity)
        position = found.position
        if position.schedule is not None:
            self._schedule = optim.schedule_from_spec(position.schedule)
        if position.optimizer is not None:
            self.programs.replace(optim.from_spec(position.optimizer), position.replaced_at)
        self.best = found.restore(self.programs.states, self.programs.weights)
        self.position = position
        self.problem.batches.load_state_dict(position.batches, position.step)
        self._dispatch.load_state_dict(position.callbacks)
        return True

    def run(self) -> str:
        """Train, restore the best weights, and say why training stopped."""
        for net in self.problem.networks.values():
            vars(net)["_trained"] = True
        self._began = time.monotonic()
        position = self.position
        started = Started(
            self.settings.epochs,
            self.problem.batches.steps_per_epoch,
            position.epoch,
            position.step,
            self._number,
            self._networks,
        )
        interrupts = Interrupts()
        try:
            self._dispatch.ask(started)
            self._prepare()
            with interrupts:
                reason = self._loop()
        except Abandoned:
            raise
        except KeyboardInterrupt:
            if not position.history:
                raise
            self.interrupted = True
            reason = "it was interrupted"
            if interrupts.polled:
                self._save_at_last()
        except RunFolderError as error:
            if not position.history:
                raise
            self.failure = error
            reason = f"its state could not be kept: {str(error).rstrip('.')}"
        finally:
            self._journal.close()
        self._restore_best()
        best = position.history[position.best].epoch
        self._dispatch.ask(Stopped(position.epoch, position.step, best, reason))
        return reason

    def _prepare(self) -> None:
        self._journal.open(self.position)
        self.programs.prepare()
        self._evaluators = {name: make() for name, make in self.problem.evaluators.items()}
        averaged = self.programs.averaged
        make = self.problem.statistics
        self._statistics = make() if averaged and make is not None else None
        self._steps_a_chunk = 1
        self._snapshot()
        if not self.position.history:
            self._evaluate(0)

    def _loop(self) -> str:
        position, settings = self.position, self.settings
        while position.epoch < settings.epochs:
            if self._stop is None:
                self._run_epoch()
            if self._stop is not None:
                return self._stop.reason
            self._end_epoch()
            if self._stop is not None:
                return self._stop.reason
        return (
            f"all {settings.epochs} epochs were made" if settings.epochs > 1 else "1 epoch was made"
        )

    def _run_epoch(self) -> None:
        """Steps up to the end of the epoch, or to where training is to stop."""
        position, batches = self.position, self.problem.batches
        while True:
            if not batches.replayable:
                self._snapshot()
            most = min(self._steps_a_chunk, self._dispatch.steps_to_next(position.step))
            chunk = batches.take(position.step, position.epoch, most)
            if chunk.steps and not self._advance(chunk):
                if self._stop is not None:
                    return
                continue
            if self._stop is not None or chunk.ends_epoch:
                return
            poll()

    def _advance(self, chunk: Chunk) -> bool:
        """Run a chunk and tell of it; False if a loss in it was not finite."""
        position = self.position
        before = time.monotonic()
        results, probed = self.programs.run(chunk, position.step, self._rate)
        took = time.monotonic() - before
        finite = np.isfinite(results[LOSS])
        if not finite.all():
            self._recover(chunk, int(np.argmin(finite)))
            return False
        self._add(results, chunk.steps)
        position.step += chunk.steps
        self._steps_a_chunk = _next_chunk(chunk.steps, took)
        if probed is not None:
            self._record(ProbeBlock(self._number, position.epoch, *probed))
        self._progressed(results)
        return True

    def _progressed(self, results: Mapping[str, Array]) -> None:
        position = self.position
        rate, loss = self.learning_rate, float(results[LOSS].mean())
        elapsed = time.monotonic() - self._began
        self._do(self._dispatch.ask(Progressed(position.epoch, position.step, loss, rate, elapsed)))
        due = self._dispatch.due(position.step)
        if due:
            reports = {
                name.removeprefix(REPORT): float(values[-1])
                for name, values in results.items()
                if name != LOSS
            }
            loss = float(results[LOSS][-1])
            event = Stepped(position.epoch, position.step, loss, reports, rate)
            self._do(self._dispatch.ask(event, due))
        if self._stop is not None and self._stop.evaluate:
            self._snapshot()
            self._evaluate(position.epoch)

    def _add(self, results: Mapping[str, Array], steps: int) -> None:
        """Add up losses and reports, one after another so that chunks make no difference."""
        sums = self.position.sums
        for name, values in results.items():
            key = name.removeprefix(REPORT)
            ordered = np.concatenate([[sums.get(key, 0.0)], values[:steps]], dtype=np.float64)
            sums[key] = float(np.cumsum(ordered)[-1])
        self.position.steps += steps

    def _end_epoch(self) -> None:
        position, settings = self.position, self.settings
        lost = lost_reason(self.programs, position.step, self.learning_rate)
        if not lost:
            self._snapshot()
        ended = position.epoch + 1
        if ended % settings.evaluate_every == 0 or ended == settings.epochs or lost:
            self._evaluate(ended)
        position.epoch = ended
        position.sums, position.steps = {}, 0
        if lost:
            self._restore_snapshot()
            self._lose(position.step, lost)

    # -- divergence ---------------------------------------------------------------------------------

    def _recover(self, chunk: Chunk, bad: int) -> None:
        """Go back to before the step whose loss was not finite, and ask what to do."""
        position = self.position
        step = position.step + bad
        cause, results = replayed(
            self.programs,
            self.problem.batches,
            chunk,
            self._good,
            position.step,
            step,
            position.epoch,
            self._rate,
        )
        if bad:
            self._add(results, bad)
        position.step = step
        self._lose(step, cause)

    def _lose(self, step: int, cause: str) -> None:
        self._divergences += 1
        event = Diverged(self.position.epoch, step, cause)
        actions = self._dispatch.ask(event, self._dispatch.own)
        if not actions or self._divergences > MOST_DIVERGENCES:
            actions = [*self._dispatch.ask(event, self._dispatch.policies), *actions]
        self._do(actions)
        self.diverged = self._stop is not None
        if self._stop is None:
            self._snapshot()

    def _snapshot(self) -> None:
        """Keep all states, so that a divergence can be replayed from here."""
        states = self.programs.states
        self._good = self.position.step, {n: state.value.copy() for n, state in states.items()}

    def _restore_snapshot(self) -> None:
        for name, array in self._good[1].items():
            self.programs.states[name].value = array

    # -- measuring ----------------------------------------------------------------------------------

    def _evaluate(self, epoch: int) -> None:
        """Measure the networks with the weights that they are to be used with, after so many epochs."""
        averaged, weights = self.programs.averaged, self.programs.weights
        if not averaged:
            self._measure(epoch)
            return
        own = {path: state.value.copy() for path, state in weights.items()}
        for path, state in averaged.items():
            weights[path].value = state.value
        try:
            if self._statistics is not None:
                self._statistics.run()
            self._measure(epoch)
        finally:
            for path, value in own.items():
                weights[path].value = value

    def _measure(self, epoch: int) -> None:
        problem, position = self.problem, self.position
        measures: dict[str, float] = {}
        if position.steps:
            measures = {f"{BATCHES}.{n}": s / position.steps for n, s in position.sums.items()}
        for name, evaluator in self._evaluators.items():
            measures |= {f"{name}.{n}": value for n, value in evaluator.run()[1].items()}
        entry = Evaluated(
            epoch,
            position.step,
            self.learning_rate,
            measures,
            problem.metric,
            False,
            problem.monitor,
        )
        history = position.history
        best = history[position.best] if history else None
        weights = {path: state.value for path, state in self.programs.weights.items()}
        finite = all(bool(np.isfinite(value).all()) for value in weights.values())
        if entry.is_best(best, finite):
            entry = replace(entry, best=True)
        # Without a score to choose by, the last weights that are numbers are kept.
        unscored = best is None or not best.is_finite
        if entry.best or (unscored and (best is None or finite)):
            position.best = len(history)
            self.best = {path: value.copy() for path, value in weights.items()}
        history.append(entry)
        values = {**measures, "learning_rate": entry.learning_rate}
        self._record(self._journal.values(position.step, epoch, values))
        self._do(self._dispatch.ask(entry))

    def _restore_best(self) -> None:
        for path, array in self.best.items():
            self.programs.weights[path].value = array

    # -- callbacks and actions ------------------------------------------------------------------------

    def _do(self, actions: Sequence[Action]) -> None:
        """Do what callbacks ask for, in order."""
        position = self.position
        for action in actions:
            if isinstance(action, Stop):
                self._stop = self._stop or action
            elif isinstance(action, SetRate):
                self._set_rate(action)
            elif isinstance(action, Rollback):
                if not self.programs.averaged:
                    self._restore_best()
            elif isinstance(action, Replace):
                self._replace(action)
            elif isinstance(action, Save):
                self._save()
            elif isinstance(action, Log):
                values = {action.name: action.value}
                records = self._journal.values(position.step, position.epoch, values, action.path)
                self._record(records)
            else:
                raise TypeError(
                    f"a callback answers with actions such as Stop('why') or None, got {action!r}"
                )
        if any(isinstance(action, (SetRate, Replace)) for action in actions):
            self._dispatch.ask(RateChanged(position.epoch, self.learning_rate))

    def _set_rate(self, action: SetRate) -> None:
        position = self.position
        if action.factor is not None:
            position.rate_factor *= action.factor
        elif action.learning_rate is not None:
            position.rate_factor = (
                action.learning_rate / self.programs.first_optimizer.learning_rate
            )

    def _replace(self, action: Replace) -> None:
        position = self.position
        if action.optimizer is not None:
            self.programs.replace(action.optimizer, position.step)
            position.optimizer = optim.to_spec(action.optimizer)
            position.replaced_at = position.step
            self._snapshot()
        if action.schedule is not None:
            self._schedule = action.schedule
            position.schedule = optim.to_spec(action.schedule)
        position.rate_factor = 1.0

    # -- records and checkpoints ----------------------------------------------------------------------

    def _record(self, records: Sequence[Record] | ProbeBlock) -> None:
        self._journal.add(self.position, records)
        self._dispatch.ask(Recorded(records))

    def _save(self) -> None:
        if self.checkpoint is None:
            return
        position = self.position
        position.batches = self.problem.batches.state_dict()
        position.callbacks = self._dispatch.state_dict()
        try:
            make_folder(self.checkpoint.parent)
            save_checkpoint(
                self.checkpoint, position, self.programs.states, self.best, self._identity
            )
        except Exception as error:
            raise unsaved(error, None, self.checkpoint.parent) from error
        self._dispatch.ask(Checkpointed(position.step))

    def _save_at_last(self) -> None:
        """Save where training has ended; a failure is kept, not raised."""
        try:
            self._save()
        except RunFolderError as error:
            self.failure = error


def _next_chunk(steps: int, seconds: float) -> int:
    """As many steps as fit the time of a chunk, at most twice as many as before."""
    wanted = int(steps * CHUNK_SECONDS / max(seconds, 1e-9))
    return max(1, min(wanted, steps * 2))
