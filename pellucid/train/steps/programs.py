"""The compiled steps of one run: one for each signature of batches, with or without probes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pellucid import optim
from pellucid.graph import Array, Program, State, executor
from pellucid.train.batches import Chunk
from pellucid.train.batches.base import Signature
from pellucid.train.loop.problem import Problem
from pellucid.train.steps.build import build_networks, training_step
from pellucid.train.steps.training_step import TrainingStep
from pellucid.train.watch import Probed, Watch

Rates = Callable[[optim.Optimizer, range], Sequence[float]]
"""η of an optimizer at each of some steps."""


SEVERAL = 2
"""Runs of a step, at least."""


@dataclass(frozen=True)
class Compiled:
    """A step, the program that runs it, and its probes."""

    step: TrainingStep
    program: Program
    watch: Watch | None


class StepPrograms:
    """The training step of a problem, compiled for the batches that come."""

    def __init__(self, problem: Problem, seed: int) -> None:
        self._problem = problem
        self._seed = seed
        self._slots: dict[str, State] = {}
        self._compiled: dict[Signature, Compiled] = {}
        self._optimizer: optim.Optimizer | None = None
        self._start = 0
        function = problem.step(None)
        build_networks(function, problem.networks, problem.batches, seed)
        self._first = problem.batches.signature()
        self.step = self._traced(self._first)

    def _traced(self, signature: Signature) -> TrainingStep:
        problem = self._problem
        function = problem.step(self._optimizer)
        return training_step(
            function,
            problem.networks,
            problem.batches,
            self._seed,
            signature=signature,
            slots=self._slots,
            parts=[*problem.parts, function],
            start=self._start,
        )

    @property
    def states(self) -> Mapping[str, State]:
        """Everything that a step changes, by name."""
        return self.step.states

    @property
    def weights(self) -> Mapping[str, State]:
        """The parameters and buffers of the networks, by path."""
        return self.step.weights

    @property
    def averaged(self) -> Mapping[str, State]:
        """Averages that are measured and kept instead of weights, by the weights' path."""
        return self.step.evaluated

    @property
    def first_optimizer(self) -> optim.Optimizer:
        """The optimizer of the first loss."""
        return next(iter(self.step.rates.values()))

    def prepare(self) -> None:
        """Compile the step for the first batch."""
        self._of(self._first)

    def replace(self, optimizer: optim.Optimizer, step: int) -> None:
        """Go on with another optimizer, which counts its steps from this one on.

        Raises ValueError for a step of one's own, and for an optimizer that needs other batches.
        """
        if self._problem.optimizer is None:
            raise ValueError(
                "Replace(optimizer=…) is for `fit`, whose step has one optimizer; a step of your own "
                "names its optimizers itself: answer with SetRate instead"
            )
        if optimizer.full_batch and self._problem.batches.steps_per_epoch != 1:
            raise ValueError(f"{type(optimizer).__name__} needs all training rows in each step")
        self._optimizer = optimizer
        self.begin_anew(step)

    def begin_anew(self, step: int) -> None:
        """Begin the slots of all optimizers anew, which count their steps from this one on."""
        self._start = step
        self._slots, self._compiled = {}, {}
        self.step = self._traced(self._first)

    def run(self, chunk: Chunk, first: int, rates: Rates) -> tuple[dict[str, Array], Probed | None]:
        """Run the steps of a chunk, the first of which has this number."""
        compiled = self._of(chunk.signature)
        feeds = self.feeds(chunk, first, rates)
        if compiled.watch is None:
            inputs = {name: feeds[name] for name in compiled.step.graph.inputs}
            return compiled.program.run(chunk.steps, inputs), None
        return compiled.watch.run(first, chunk.steps, feeds, self._problem.probe_every)

    def feeds(self, chunk: Chunk, first: int, rates: Rates) -> dict[str, Array]:
        """Everything that the steps of a chunk read, with a leading axis over them."""
        steps = range(first, first + chunk.steps)
        feeds: dict[str, Array] = dict(chunk.feeds)
        for name, optimizer in self.step.rates.items():
            feeds[name] = np.array(rates(optimizer, steps), np.float32)
        feeds["step"] = np.arange(steps.start, steps.stop, dtype=np.int64)
        return feeds

    def step_for(self, chunk: Chunk) -> TrainingStep:
        """The step that runs a chunk."""
        return self._of(chunk.signature).step

    def _of(self, signature: Signature) -> Compiled:
        if signature not in self._compiled:
            step = self.step if signature == self._first else self._traced(signature)
            program = executor().build(step.graph, runs=SEVERAL)
            probes = self._problem.probes
            watch = Watch(step, program, probes) if probes else None
            self._compiled[signature] = Compiled(step, program, watch)
        return self._compiled[signature]
