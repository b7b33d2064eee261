"""What a run is to learn, how it is measured, and how long."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pellucid import nn, optim
from pellucid.train.batches import Batches
from pellucid.train.evaluator import Data, Evaluator
from pellucid.train.probes import Probe
from pellucid.train.statistics import Statistics
from pellucid.train.steps.build import StepFunction


@dataclass(frozen=True)
class Settings:
    """How to train.

    epochs: the most passes over the training rows. seed: of everything random. batch_size: rows a
    step. patience: epochs without a better score after which the learning rate is divided by 10, and
    after `reductions` such divisions training stops; 0 never stops early. evaluate_every: epochs from
    one evaluation to the next. time_limit: seconds after which training stops, None for no limit; only
    this depends on a clock. checkpoint_seconds: how often everything is written to disk.
    """

    batch_size: int = 32
    epochs: int = 100
    seed: int = 0
    patience: int = 10
    reductions: int = 1
    time_limit: float | None = None
    checkpoint_seconds: float = 1.0
    evaluate_every: int = 1

    @property
    def evaluations(self) -> int:
        """How often the networks are measured, at most."""
        return self.epochs // self.evaluate_every + 1

    def deciding(self) -> dict[str, Any]:
        """The settings that the result depends on, as plain JSON values."""
        return {
            "batch_size": self.batch_size,
            "epochs": self.epochs,
            "seed": self.seed,
            "patience": self.patience,
            "reductions": self.reductions,
            "evaluate_every": self.evaluate_every,
        }


@dataclass(frozen=True)
class Problem:
    """What is to be learned: networks, a step that trains them, batches, and what is measured.

    networks:   by name; a single one may have the name "".
    step:       the step function, given an optimizer that replaced `optimizer`, or `optimizer`.
    optimizer:  the one of `fit`; None where the step names its own.
    batches:    where the rows of each step come from.
    evaluators: by the rows that they measure on, "train" or "validation"; made when training begins.
    metric:     the name of the measure to show beside the loss.
    monitor:    the measure by which the best weights are chosen, the lower the better; "" for none.
    described:  networks, step and optimizers as JSON values, which a run that is resumed has to agree
                with; raises TypeError for a part that a file cannot hold.
    data:       the arrays that it depends on, by what they are.
    parts:      what the step calls that may be of the user's own: losses, functions.
    statistics: sets running statistics for averaged weights.
    probes:     what looks into the step, every `probe_every` steps.
    """

    networks: Mapping[str, nn.Module]
    step: Callable[[optim.Optimizer | None], StepFunction]
    optimizer: optim.Optimizer | None
    batches: Batches
    evaluators: Mapping[str, Callable[[], Evaluator]]
    metric: str
    monitor: str
    described: Callable[[], dict[str, Any]]
    data: Mapping[str, Data | None] = field(default_factory=dict)
    schedule: optim.Schedule = field(default_factory=optim.ConstantRate)
    parts: Sequence[Any] = ()
    statistics: Callable[[], Statistics] | None = None
    probes: Sequence[Probe] = ()
    probe_every: int = 50
