"""The engine: runs compiled steps, measures, and does what policies and callbacks ask for."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from pellucid import optim
from pellucid.errors import RunFolderError
from pellucid.graph import Array
from pellucid.train.actions import Action, Log, Replace, Rollback, Save, SetRate, Stop
from pellucid.train.batches import Chunk
from pellucid.train.events import (
    Callback,
    CallbackFunction,
    Checkpointed,
    Diverged,
    Progressed,
    RateChanged,
    Recorded,
    Started,
    Stepped,
    Stopped,
)
from pellucid.train.journal import Journal
from pellucid.train.loop import divergence
from pellucid.train.loop.dispatch import Dispatch, check_json
from pellucid.train.loop.interrupt import Abandoned, Interrupts, poll
from pellucid.train.loop.measuring import Measuring
from pellucid.train.loop.problem import Problem, Settings
from pellucid.train.loop.rates import Rates
from pellucid.train.records import ProbeBlock, Record, Records
from pellucid.train.steps.programs import StepPrograms
from pellucid.train.steps.training_step import LOSS, REPORT
from pellucid.train.storage.checkpoint import Checkpoint, Position, save_checkpoint
from pellucid.train.storage.files import make_folder
from pellucid.train.storage.folder import unsaved
from pellucid.train.watch import Probed

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
        self.programs = StepPrograms(problem, settings.seed)
        self._identity = dict(identity or settings.deciding())
        self._number, self._networks = number, networks
        self._dispatch = Dispatch(callbacks, policies)
        self._journal = Journal(None if checkpoint is None else checkpoint.parent, number)
        self._measuring = Measuring(problem, self.programs)
        self._rate = Rates(problem.schedule, problem.batches, settings.epochs)
        self._stop: Stop | None = None
        self._good = divergence.Snapshot(0, {}, [])

    @property
    def records(self) -> Records:
        """What was measured, of a run with a folder also before it was resumed."""
        return self._journal.records

    @property
    def best(self) -> Mapping[str, Array]:
        """The best weights so far, by path."""
        return self._measuring.best

    # -- the rate -----------------------------------------------------------------------------------

    @property
    def learning_rate(self) -> float:
        """η of the first optimizer now."""
        step = self.position.step
        return self._rates(self.programs.first_optimizer, range(step, step + 1))[0]

    def _rates(self, optimizer: optim.Optimizer, steps: range) -> list[float]:
        """η of an optimizer at each of some steps."""
        return self._rate.at(self.position, optimizer, steps)

    # -- the loop -----------------------------------------------------------------------------------

    def resume(self) -> bool:
        """Go on from the checkpoint if there is one."""
        if self.checkpoint is None or not self.checkpoint.exists():
            return False
        saved = Checkpoint.read(self.checkpoint, self._identity)
        position = saved.position
        if position.schedule is not None:
            self._rate.schedule = optim.schedule_from_spec(position.schedule)
        if position.optimizer is not None:
            self.programs.replace(optim.from_spec(position.optimizer), position.begun_at)
        elif position.begun_at:
            self.programs.begin_anew(position.begun_at)
        self._measuring.best = saved.restore(self.programs.states, self.programs.weights)
        self.position = position
        self._stop = None if position.stop is None else Stop(**position.stop)
        self.problem.batches.load_state_dict(position.batches, position.step)
        self._dispatch.load_state_dict(position.callbacks)
        return True

    def run(self) -> str:
        """Train, restore the best weights, and say why training stopped."""
        for net in self.problem.networks.values():
            vars(net)["_trained"] = True
        self._began = time.monotonic()
        self._rate.react(self.position)
        position, per_epoch = self.position, self.problem.batches.steps_per_epoch
        current = (position.epoch, position.step, self._number, self._networks)
        interrupts = Interrupts()
        try:
            self._dispatch.tell(Started(self.settings.epochs, per_epoch, *current))
            self._prepare()
            with interrupts:
                reason = self._loop()
            self._journal.flush()
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
        self._measuring.restore_best()
        best = position.history[position.best].epoch
        self._dispatch.tell(Stopped(position.epoch, position.step, best, reason))
        return reason

    def _prepare(self) -> None:
        if self.checkpoint is not None:
            self._dispatch.state_dict()
            check_json("the state_dict of the batches", self.problem.batches.state_dict())
        self._journal.open(self.position)
        self.programs.prepare()
        self._measuring.prepare()
        self._steps_a_chunk = 1
        self._snapshot()
        if not self.position.history:
            self._do(self._evaluate(0))

    def _loop(self) -> str:
        position, epochs = self.position, self.settings.epochs
        while self._stop is None and position.epoch < epochs:
            self._run_epoch()
            if self._stop is None:
                self._end_epoch()
        if self._stop is None:
            return f"it reached the {epochs:,}-epoch limit"
        if self._stop.evaluate and position.steps:
            self._do(self._evaluate(position.epoch))
        return self._stop.reason

    def _run_epoch(self) -> None:
        """Steps up to the end of the epoch, or to where training is to stop."""
        position, batches = self.position, self.problem.batches
        while self._stop is None:
            if not batches.replayable:
                self._snapshot()
            before = time.monotonic()
            most = min(self._steps_a_chunk, self._dispatch.steps_to_next(position.step))
            chunk = batches.take(position.step, position.epoch, most)
            if chunk.steps and not self._advance(chunk, before):
                continue
            if self._stop is None:
                poll()
            if chunk.ends_epoch:
                return

    def _advance(self, chunk: Chunk, before: float) -> bool:
        """Run a chunk and tell of it; False if a loss in it was not finite. before: when it began."""
        results, probed = self.programs.run(chunk, self.position.step, self._rates)
        finite = np.isfinite(results[LOSS])
        if not finite.all():
            self._recover(chunk, int(np.argmin(finite)))
            return False
        self._steps_a_chunk = _next_chunk(chunk.steps, time.monotonic() - before)
        self._count(results, chunk.steps, probed)
        self._tell_progress(results)
        return True

    def _count(self, results: Mapping[str, Array], steps: int, probed: Probed | None) -> None:
        position = self.position
        position.count(steps, {name.removeprefix(REPORT): v for name, v in results.items()})
        if probed is not None:
            self._record(ProbeBlock(self._number, position.epoch, *probed))

    def _tell_progress(self, results: Mapping[str, Array]) -> None:
        """Callbacks that count steps first: a checkpoint that is asked for then holds their actions."""
        position = self.position
        due = self._dispatch.due(position.step)
        if due:
            values = {name.removeprefix(REPORT): float(v[-1]) for name, v in results.items()}
            loss, rate = values.pop(LOSS), self.learning_rate
            event = Stepped(position.epoch, position.step, loss, values, rate)
            self._do(self._dispatch.ask(event, due))
        loss, elapsed = float(results[LOSS].mean()), time.monotonic() - self._began
        progress = Progressed(position.epoch, position.step, loss, self.learning_rate, elapsed)
        self._do(self._dispatch.ask(progress))

    def _end_epoch(self) -> None:
        position, settings = self.position, self.settings
        lost = divergence.lost_reason(self.programs, position.step, self.learning_rate)
        ended = position.epoch + 1
        actions: list[Action] = []
        if ended % settings.evaluate_every == 0 or ended == settings.epochs or lost:
            actions = self._evaluate(ended)
        position.epoch, position.sums, position.steps = ended, {}, 0
        if lost:
            self._lose(position.step, lost)
        self._do(actions)
        if self._stop is None:
            self._snapshot()

    def _evaluate(self, epoch: int) -> list[Action]:
        """Measure after so many epochs; returns what is asked for then."""
        position, rate = self.position, self.learning_rate
        with self._measuring.weights_to_use():
            entry = self._measuring.measure(position, epoch, rate)
            self._rate.react(position)
            values = {**entry.measures, "learning_rate": entry.learning_rate}
            self._record(self._journal.values(position.step, epoch, values))
            return self._dispatch.ask(entry)

    # -- divergence ---------------------------------------------------------------------------------

    def _snapshot(self) -> None:
        """Keep all states, so that a divergence can be replayed from here."""
        self._good = divergence.snapshot_of(self.programs.states, self.position.step, self._good)

    def _recover(self, chunk: Chunk, bad: int) -> None:
        """Go back to before the step whose loss was not finite, and ask what to do."""
        position, batches, first = self.position, self.problem.batches, self.position.step
        batches.put_back(chunk, bad)
        divergence.replay(self.programs, batches, self._good, first, position.epoch, self._rates)
        if bad:
            results, probed = self.programs.run(chunk.first(bad), first, self._rates)
            self._count(results, bad, probed)
        cause = divergence.loss_reason(self.programs, chunk, bad, first, self._rates)
        self._lose(first + bad, cause)

    def _lose(self, step: int, cause: str) -> None:
        """Training diverged: stop, or go on from finite weights and slots."""
        position = self.position
        position.divergences += 1
        event = Diverged(position.epoch, step, cause)
        actions = self._dispatch.ask(event, self._dispatch.own)
        answered = any(isinstance(action, (SetRate, Rollback, Replace)) for action in actions)
        if not answered or position.divergences > MOST_DIVERGENCES:
            actions += self._dispatch.ask(event, self._dispatch.policies)
        if any(isinstance(action, Stop) for action in actions):
            actions = [action for action in actions if isinstance(action, (Stop, Log))]
        self._do(actions, anew=True)
        self.diverged = self._stop is not None

    def _begin_anew(self) -> None:
        """The best weights, and new slots."""
        self._measuring.restore_best()
        self.programs.begin_anew(self.position.step)
        self.position.begun_at = self.position.step

    # -- actions --------------------------------------------------------------------------------------

    def _do(self, actions: Sequence[Action], anew: bool = False) -> None:
        """Do what callbacks ask for, in order; a checkpoint is written last, with all of it in it.

        anew: after a divergence, where slots are begun anew.
        """
        for action in actions:
            if isinstance(action, Log):
                self._log(action)
            elif self._stop is not None:
                continue
            elif isinstance(action, Stop):
                self._stop, self.position.stop = action, asdict(action)
            elif isinstance(action, SetRate):
                self._set_rate(action)
            elif isinstance(action, Rollback) and not anew and not self.programs.averaged:
                self._measuring.restore_best()
            elif isinstance(action, Replace):
                self._replace(action)
        if self._stop is not None:
            return
        if anew:
            back = any(isinstance(action, Rollback) for action in actions)
            if back or divergence.first_not_finite(self.programs.states) is not None:
                self._begin_anew()
        if anew or any(isinstance(action, (SetRate, Rollback, Replace)) for action in actions):
            # Steps made before cannot be replayed with what has changed.
            self._snapshot()
        if any(isinstance(action, (SetRate, Replace)) for action in actions):
            self._dispatch.tell(RateChanged(self.position.epoch, self.learning_rate))
        if any(isinstance(action, Save) for action in actions):
            self._save()

    def _set_rate(self, action: SetRate) -> None:
        if action.factor is not None:
            self.position.rate_factor *= action.factor
        elif action.learning_rate is not None:
            first = self.programs.first_optimizer
            self.position.rate_factor = action.learning_rate / first.learning_rate

    def _replace(self, action: Replace) -> None:
        position, kept = self.position, self.checkpoint is not None
        if action.optimizer is not None:
            position.optimizer = optim.to_spec(action.optimizer) if kept else None
            self.programs.replace(action.optimizer, position.step)
            position.begun_at = position.step
        if action.schedule is not None:
            position.schedule = optim.to_spec(action.schedule) if kept else None
            self._rate.schedule = action.schedule
            self._rate.react(self.position)
        position.rate_factor = 1.0

    def _log(self, action: Log) -> None:
        position, values = self.position, {action.name: action.value}
        self._record(self._journal.values(position.step, position.epoch, values, action.path))

    # -- records and checkpoints ----------------------------------------------------------------------

    def _record(self, records: Sequence[Record] | ProbeBlock) -> None:
        self._journal.add(self.position, records)
        self._dispatch.tell(Recorded(records))

    def _save(self) -> None:
        if self.checkpoint is None:
            return
        position = self.position
        position.batches = self.problem.batches.state_dict()
        position.callbacks = self._dispatch.state_dict()
        try:
            self._journal.flush()
            make_folder(self.checkpoint.parent)
            save_checkpoint(
                self.checkpoint, position, self.programs.states, self.best, self._identity
            )
        except Exception as error:
            raise unsaved(error, None, self.checkpoint.parent) from error
        self._dispatch.tell(Checkpointed(position.step))

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
