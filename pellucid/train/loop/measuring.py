"""Measuring the networks of a run, and keeping the best weights."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np

from pellucid.graph import Array
from pellucid.train.evaluator import Evaluator
from pellucid.train.events import BATCHES, Evaluated
from pellucid.train.loop.problem import Problem
from pellucid.train.statistics import Statistics
from pellucid.train.steps.programs import StepPrograms
from pellucid.train.storage.checkpoint import Position


class Measuring:
    """The evaluations of one run.

    best: the best weights so far, by path.
    """

    def __init__(self, problem: Problem, programs: StepPrograms) -> None:
        self.best: dict[str, Array] = {}
        self._problem = problem
        self._programs = programs
        self._evaluators: dict[str, Evaluator] = {}
        self._statistics: Statistics | None = None

    def prepare(self) -> None:
        """Build what is run after each epoch."""
        self._evaluators = {name: make() for name, make in self._problem.evaluators.items()}
        if self._programs.averaged:
            self._make_statistics()

    def _make_statistics(self) -> Statistics | None:
        make = self._problem.statistics
        if self._statistics is None and make is not None:
            self._statistics = make()
        return self._statistics

    @contextmanager
    def weights_to_use(self) -> Iterator[None]:
        """Inside, the networks have the weights that they are to be used with: averages, if any."""
        averaged, weights = self._programs.averaged, self._programs.weights
        if not averaged:
            yield
            return
        own = {path: state.value.copy() for path, state in weights.items()}
        for path, state in averaged.items():
            weights[path].value = state.value
        try:
            statistics = self._make_statistics()
            if statistics is not None:
                statistics.run()
            yield
        finally:
            for path, value in own.items():
                weights[path].value = value

    def measure(self, position: Position, epoch: int, learning_rate: float) -> Evaluated:
        """Measure, append the entry to the history, and keep the weights if they are the best."""
        problem, history = self._problem, position.history
        measures: dict[str, float] = {}
        if position.steps:
            measures = {f"{BATCHES}.{n}": s / position.steps for n, s in position.sums.items()}
        for name, evaluator in self._evaluators.items():
            measures |= {f"{name}.{n}": value for n, value in evaluator.run()[1].items()}
        # Of one order, which a resumed run has too: JSON is written with sorted names.
        measures = dict(sorted(measures.items()))
        entry = Evaluated(
            epoch, position.step, learning_rate, measures, problem.metric, False, problem.monitor
        )
        best = history[position.best] if history else None
        weights = {path: state.value for path, state in self._programs.weights.items()}
        finite = all(bool(np.isfinite(value).all()) for value in weights.values())
        if entry.is_best(best, finite):
            entry = replace(entry, best=True)
        # Without a score to choose by, the last weights that are numbers are kept.
        unscored = best is None or not best.is_finite
        if entry.best or (unscored and (best is None or finite)):
            position.best = len(history)
            self.best = {path: value.copy() for path, value in weights.items()}
        history.append(entry)
        return entry

    def restore_best(self) -> None:
        """Give the networks the best weights."""
        for path, array in self.best.items():
            self._programs.weights[path].value = array
