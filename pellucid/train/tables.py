"""`fit_table`: from a table and the name of its target to a trained model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pellucid import nn
from pellucid.data import Note, Preparation, Table, Task, choose_target, read_table, split
from pellucid.data.target import learn_target
from pellucid.errors import DataError
from pellucid.graph import Array
from pellucid.train.events import Callback
from pellucid.train.fit import SHOWN_ROWS, accuracy, root_mean_square, train_model
from pellucid.train.model import Model
from pellucid.train.progress import reporter
from pellucid.train.rules import TablePlan, plan_for
from pellucid.train.run import Run
from pellucid.train.trainer import Problem, Settings

VALIDATION = 0.2
LEAST_ROWS = 10


@dataclass(frozen=True)
class TableRun:
    """A run on a table, with what was noticed in it and how good the model is."""

    run: Run
    task: Task
    notes: tuple[Note, ...]
    rows: int
    metrics: dict[str, float | None]


def fit_table(
    source: Any,
    target: str,
    *,
    task: str | None = None,
    drop: Sequence[str] = (),
    epochs: int | None = None,
    seed: int = 0,
    time_limit: float | None = None,
    out: str | Path | None = None,
    resume: bool = False,
    force: bool = False,
    callbacks: Sequence[Callback] = (),
    progress: bool = True,
) -> TableRun:
    """Train a network that predicts the column `target` of a table from the others.

    source: a path (CSV, TSV, Parquet, JSON), a data frame, a mapping of columns or a `Table`.
    task:   "regression" or "classification"; by default the target's values tell.
    drop:   columns to leave out. The other settings are those of `fit`.

    A seeded fifth of the rows is set aside, stratified, to stop by and to measure on; what the
    preparation learns, it learns from the other rows. Raises DataError where the table cannot be
    learned from.
    """
    table = read_table(source).drop(list(drop))
    choice = choose_target(table, target, task)
    known = table.take(choice.rows)
    if known.rows < LEAST_ROWS:
        raise DataError(
            f"{known.rows:,} rows have a value of '{target}'; at least {LEAST_ROWS} are needed."
        )
    kept, held = _parts(known, target, choice.task, seed)
    preparation = Preparation.learn(known, target, choice.task, kept)
    notes = [*table.notes, *choice.notes]
    x = preparation.features(known, notes)
    y = preparation.target(known)
    train, validation = (x[kept], y[kept]), (x[held], y[held])
    plan = plan_for(len(kept), x.shape[1], preparation)
    net = plan.network(len(preparation.labels) or 1)
    net.build(x[:1], seed=seed)
    model = Model(net, x.shape[1:], preparation.labels or None, preparation)
    problem = _problem(net, plan, preparation, train, validation, seed)
    settings = Settings(
        plan.batch_size, epochs or plan.epochs, seed, plan.patience, time_limit=time_limit
    )
    with reporter(progress) as report:
        run = train_model(
            model,
            problem,
            settings,
            plan.reasons,
            out,
            resume,
            force,
            [report, *callbacks],
            finish=lambda: model.details.update(_details(model, known, held, choice.task)),
        )
    found = model.details["validation_metrics"]
    return TableRun(run, choice.task, tuple(dict.fromkeys(notes)), known.rows, found)


def _parts(table: Table, target: str, task: Task, seed: int) -> tuple[Array, Array]:
    """Row numbers to train on and to hold out."""
    column = table.column(target)
    encoded = learn_target(column, task).encode(column)
    by = {"labels": encoded} if task.is_classification else {"values": encoded}
    kept, held = split(table.rows, [1 - VALIDATION, VALIDATION], seed, **by)
    return kept, held


def _problem(
    net: nn.Module,
    plan: TablePlan,
    preparation: Preparation,
    train: tuple[Array, Array],
    validation: tuple[Array, Array],
    seed: int,
) -> Problem:
    rows = np.sort(np.random.default_rng([seed, 1]).permutation(len(train[0]))[:SHOWN_ROWS])
    shown = (train[0][rows], train[1][rows])
    if preparation.labels:
        loss: nn.Loss = nn.CrossEntropy()
        return Problem(net, loss, plan.optimizer, train, shown, validation, accuracy, "accuracy")
    loss = nn.MeanSquaredError()
    return Problem(net, loss, plan.optimizer, train, shown, validation, root_mean_square, "rmse")


def _details(model: Model, table: Table, held: Array, task: Task) -> dict[str, Any]:
    """What the model file says about how good the model is and on what."""
    return {
        "task": task.kind,
        "task_reason": task.reason,
        "rows": table.rows,
        "validation_rows": len(held),
        "validation_metrics": model.evaluate(table.take(held)),
    }
