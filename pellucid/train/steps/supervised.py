"""The problem of learning targets from inputs: what `fit` and `fit_table` train."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid import nn, optim
from pellucid.train.batches import Batches, GatheredBatches, ResidentBatches
from pellucid.train.evaluator import Data, Evaluator, network_evaluator
from pellucid.train.events import TRAIN, VALIDATION, Callback
from pellucid.train.inputs.stored import in_memory, subset
from pellucid.train.loop.problem import Problem, Settings
from pellucid.train.measures import Measure
from pellucid.train.policies import (
    Checkpointing,
    EarlyStopping,
    ReduceOnPlateau,
    StopOnDivergence,
    TimeLimit,
)
from pellucid.train.probes import Probe
from pellucid.train.statistics import Statistics
from pellucid.train.steps.build import (
    LossFunction,
    StepFunction,
    build_networks,
    supervised,
    training_step,
)
from pellucid.train.steps.training_step import TrainingStep

MEASURED_ROWS = 10_000
"""Training rows that training measures are of, at most."""


@dataclass(frozen=True)
class Watching:
    """What is measured while training goes on, besides what early stopping needs.

    train: whether the training rows are measured in evaluation mode too. metrics: further measures.
    probes: what looks into the step, every `probe_every` steps.
    """

    train: bool = False
    metrics: Sequence[Measure] = ()
    probes: Sequence[Probe] = ()
    probe_every: int = 50


def supervised_problem(
    net: nn.Module,
    loss: LossFunction,
    optimizer: optim.Optimizer,
    train: Data,
    validation: Data | None,
    metric: Measure | None,
    settings: Settings,
    schedule: optim.Schedule | None = None,
    watching: Watching = Watching(),
) -> Problem:
    """The problem of minimising a loss between the outputs of a network and targets.

    Without validation rows the training rows are measured, and the best epoch is that of the least
    training loss.
    """
    metrics = [*([] if metric is None else [metric]), *watching.metrics]
    batches = batches_of(train, settings)

    def evaluator(data: Data) -> Callable[[], Evaluator]:
        return lambda: network_evaluator(net, loss, data, metrics, runs=settings.evaluations)

    seen = _measured_rows(train, settings.seed)
    evaluators: dict[str, Callable[[], Evaluator]] = {}
    if validation is None or watching.train:
        evaluators[TRAIN] = evaluator(seen)
    if validation is not None:
        evaluators[VALIDATION] = evaluator(validation)

    def step(replacement: optim.Optimizer | None) -> StepFunction:
        return supervised(net, loss, replacement or optimizer)

    def statistics() -> Statistics:
        return Statistics(net, seen[0], min(settings.batch_size, len(train[1])), settings.seed)

    chosen_schedule = optim.ConstantRate() if schedule is None else schedule

    def described() -> dict[str, Any]:
        return {
            "loss": loss_name(loss),
            "network": nn.to_spec(net),
            "optimizer": optim.to_spec(optimizer),
            "schedule": optim.to_spec(chosen_schedule),
        }

    return Problem(
        {"": net},
        step,
        optimizer,
        batches,
        evaluators,
        "loss" if metric is None else metric.name,
        f"{TRAIN if validation is None else VALIDATION}.loss",
        described,
        {"data": train, "validation data": validation},
        chosen_schedule,
        [loss],
        statistics,
        watching.probes,
        watching.probe_every,
    )


def supervised_step(
    net: nn.Module,
    loss: LossFunction,
    optimizer: optim.Optimizer,
    data: Data,
    batch_size: int,
    seed: int,
) -> TrainingStep:
    """One training step of a network on shuffled rows of arrays, as a graph.

    Parameters that are missing are made by the seed.
    """
    batches = ResidentBatches(data, batch_size, seed, len(data[1]))
    step, networks = supervised(net, loss, optimizer), {"": net}
    build_networks(step, networks, batches, seed)
    return training_step(step, networks, batches, seed, parts=[loss])


def loss_name(loss: LossFunction) -> Any:
    """A loss of the library with its settings; of one's own its name, its code cannot be compared."""
    if isinstance(loss, nn.Loss):
        return nn.to_spec(loss)
    return getattr(loss, "__qualname__", type(loss).__qualname__)


def batches_of(data: Data, settings: Settings) -> Batches:
    """Shuffled batches of arrays: in memory, or read from files where one of them lies in a file."""
    rows = len(data[1])
    kind = ResidentBatches if in_memory(data) else GatheredBatches
    return kind(data, settings.batch_size, settings.seed, rows)


def policies_for(problem: Problem, settings: Settings, checkpoint: bool) -> list[Callback]:
    """The policies of a run: when the rate falls, when training stops, when it is saved."""
    policies: list[Callback] = []
    own = problem.schedule.plateau()
    measured = problem.monitor.startswith(f"{VALIDATION}.")
    plateau: ReduceOnPlateau | None = None
    if own is not None:
        plateau = ReduceOnPlateau(own.patience, own.by, own.times)
    elif measured and settings.patience and settings.reductions:
        plateau = ReduceOnPlateau(settings.patience, 0.1, settings.reductions)
    if measured and settings.patience:
        policies.append(EarlyStopping(settings.patience, plateau))
    if plateau is not None:
        policies.append(plateau)
    if settings.time_limit is not None:
        policies.append(TimeLimit(settings.time_limit))
    if checkpoint:
        policies.append(Checkpointing(settings.checkpoint_seconds))
    return [*policies, StopOnDivergence()]


def _measured_rows(data: Data, seed: int) -> Data:
    """The training rows on which training measures are taken."""
    count = len(data[1])
    if count <= MEASURED_ROWS:
        return data
    rows = np.sort(np.random.default_rng([seed, 1]).permutation(count)[:MEASURED_ROWS])
    return (subset(data[0], rows), *(part[rows] for part in data[1:]))
