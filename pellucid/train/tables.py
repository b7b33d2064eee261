"""`fit_table`: from a table and the name of its target to a trained model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from pellucid import check, nn
from pellucid.data import (
    ColumnEncoder,
    Note,
    Preparation,
    ReadOptions,
    Table,
    Task,
    choose_target,
    read_table,
    split,
)
from pellucid.data.encoding_notes import encoding_notes
from pellucid.data.extremes import extreme_notes
from pellucid.data.target import NumberTarget, Target, learn_target
from pellucid.errors import DataError, RunFolderError, warn
from pellucid.graph import Array
from pellucid.train.choices import Choice
from pellucid.train.events import CallbackFunction
from pellucid.train.fit import OnDivergence, raise_if_diverged, run_of
from pellucid.train.inputs.arguments import CALLBACK, callables, check_limits, check_on_divergence
from pellucid.train.loop.interrupt import Abandoned
from pellucid.train.loop.problem import Problem, Settings
from pellucid.train.loop.session import Session, Trained
from pellucid.train.measures import accuracy, root_mean_square
from pellucid.train.model import Member, Model
from pellucid.train.progress import reporter
from pellucid.train.rules import PlanSettings, TablePlan, plan_for
from pellucid.train.run import Run
from pellucid.train.scores.held_out import HeldOut, held_out_scores, reference_of
from pellucid.train.scores.linear import fit_linear
from pellucid.train.scores.report import Scores
from pellucid.train.steps.supervised import supervised_problem
from pellucid.train.storage.folder import run_folder
from pellucid.train.time_budget import RULE, TimeBudget

LEAST_ROWS = 10


@dataclass(frozen=True)
class TableRun:
    """A run on a table, with what was noticed in it and how good the model is.

    metrics: measured on rows that the network which predicted them was not trained on.
    scores:  the same with 95% intervals, beside baselines on the same rows.
    """

    run: Run
    task: Task
    notes: tuple[Note, ...]
    rows: int
    metrics: dict[str, float | None]
    scores: Scores

    @property
    def model(self) -> Model:
        """The model of the run."""
        return self.run.model


def fit_table(
    source: Any,
    target: str,
    *,
    task: str | None = None,
    drop: Sequence[str] = (),
    encoders: Mapping[str, type[ColumnEncoder]] | None = None,
    epochs: int | None = None,
    seed: int = 0,
    time_limit: float | None = None,
    out: str | Path | None = None,
    resume: bool = False,
    force: bool = False,
    callbacks: Sequence[CallbackFunction] = (),
    progress: bool = True,
    on_divergence: OnDivergence = "warn",
    networks: int | None = None,
    layers: int | None = None,
    width: int | None = None,
    dropout: float | None = None,
    learning_rate: float | None = None,
    weight_decay: float | None = None,
    batch_size: int | None = None,
    patience: int | None = None,
    separator: str | None = None,
    decimal: str | None = None,
    header: bool | None = None,
    encoding: str | None = None,
    missing: tuple[str, ...] | None = None,
    date_formats: Mapping[str, str] | None = None,
    kinds: Mapping[str, str] | None = None,
) -> TableRun:
    """Train a model that predicts the column `target` of a table from the others.

    source: a path (CSV, TSV, Parquet, JSON), a data frame, a mapping of columns or a `Table`.
    task:   "regression" or "classification"; by default the target's values tell.
    drop:   columns to leave out. The other settings are those of `fit`.
    encoders: classes of your own that encode columns, by the columns' names (see
            `pellucid.data.ColumnEncoder`).
    networks, layers, width, dropout, learning_rate, weight_decay, batch_size, epochs, patience: what the
            rules choose otherwise (see `pellucid.train.rules.PlanSettings`).
    time_limit: seconds; what fits in decides how many networks there are (see
            `pellucid.train.time_budget`).
    separator, decimal, header, encoding, missing, date_formats, kinds: how the table is written, where
            that should not be detected (see `pellucid.data.ReadOptions`).

    By the plan's rule several networks are trained, each with another part of the rows set aside
    (seeded, stratified) to stop by and to be measured on, or one network with a fifth set aside.
    What a network's preparation learns, it learns from that network's training rows. Raises
    DataError where the table cannot be learned from.
    """
    chosen = PlanSettings(
        networks,
        layers,
        width,
        dropout,
        learning_rate,
        weight_decay,
        batch_size,
        epochs,
        patience,
    )
    check_limits(seed, time_limit)
    callbacks = callables("callbacks", callbacks, CALLBACK)
    check_on_divergence(on_divergence)
    options = ReadOptions(
        separator, decimal, header, encoding, missing, date_formats or {}, kinds or {}
    )
    table = read_table(source, options).drop(list(drop))
    own = _checked_encoders(encoders or {}, table, target)
    choice = choose_target(table, target, task)
    known = table.take(choice.rows)
    if known.rows < LEAST_ROWS:
        raise DataError(
            f"{known.rows:,} rows have a value of '{target}'; at least {LEAST_ROWS} are needed."
        )
    plan = plan_for(known.rows, chosen)
    settings = Settings(plan.batch_size, plan.epochs, seed, plan.patience)
    with run_folder(out, resume, force) as folder:
        with reporter(progress) as report:
            session = Session(folder, [report, *callbacks], resume, plan.networks)
            fits = _TableFits(known, target, choice.task, plan, settings, time_limit, own, session)
            fits.train()
        numbers = () if choice.task.is_classification else (table.column(target),)
        extreme = extreme_notes([*numbers, *table.drop([target]).columns])
        notes = tuple(dict.fromkeys([*extreme, *table.notes, *choice.notes, *fits.notes]))
        table_run = fits.run(notes)
        session.keep(table_run.model, table_run)
    fits.warn()
    raise_if_diverged(table_run, table_run.run, on_divergence)
    return table_run


def _checked_encoders(
    encoders: Mapping[str, type[ColumnEncoder]], table: Table, target: str
) -> Mapping[str, type[ColumnEncoder]]:
    """The encoders; raises TypeError for what is no class of them, DataError for no such column."""
    for name, encoder in encoders.items():
        if not (isinstance(encoder, type) and issubclass(encoder, ColumnEncoder)):
            raise TypeError(
                f"encoders has subclasses of data.ColumnEncoder, got {check.brief(encoder)} for {name!r}"
            )
        if name not in table or name == target:
            raise DataError(
                f"encoders names '{name}', which is no column to predict '{target}' from."
            )
    return encoders


@dataclass(frozen=True)
class _Fitted:
    """One network, how its training went, and what it puts out for the rows that were held out."""

    member: Member
    trained: Trained
    rows: HeldOut

    @property
    def is_sound(self) -> bool:
        """Whether its loss and what it puts out are finite."""
        return self.trained.entry.is_finite and bool(np.isfinite(self.rows.outputs).all())


class _TableFits:
    """The networks of one table: their rows, their training, and what they say about held-out rows."""

    def __init__(
        self,
        table: Table,
        target: str,
        task: Task,
        plan: TablePlan,
        settings: Settings,
        time_limit: float | None,
        encoders: Mapping[str, type[ColumnEncoder]],
        session: Session,
    ) -> None:
        self.table = table
        self.encoders = encoders
        self.target = target
        self.task = task
        self.plan = plan
        self.settings = settings
        self.budget = TimeBudget(time_limit)
        self.session = session
        self.notes: list[Note] = []
        self._fitted: list[_Fitted] = []

    def train(self) -> None:
        """Train every network, or those that are complete when the user interrupts.

        If none is, the first as far as it came. A second interrupt ends everything. A folder that
        cannot be written ends training too, and is the `failure`.
        """
        session, budget = self.session, self.budget
        for number, (kept, held) in enumerate(self._parts()):
            if not budget.begin(len(self._fitted)):
                break
            try:
                fitted = self._train_one(number, kept, held, budget.left())
            except Abandoned:
                raise
            except KeyboardInterrupt:
                if session.interrupted or not self._fitted:
                    raise
                session.interrupted = True
                break
            except RunFolderError as error:
                if not self._fitted:
                    raise
                session.failure = error
                break
            if not budget.end(len(self._fitted)):
                break
            if len(self._fitted) < len(session.trained):
                self._fitted.append(fitted)
            if session.interrupted or session.failure is not None:
                break
        del session.trained[len(self._fitted) :]

    def _train_one(self, number: int, kept: Array, held: Array, limit: float | None) -> _Fitted:
        preparation = Preparation.learn(self.table, self.target, self.task, kept, self.encoders)
        if number == 0:
            self.notes = encoding_notes(preparation.encoders)
        x, y = preparation.features(self.table), preparation.target(self.table)
        net = self.plan.network(len(preparation.labels) or 1)
        seed = self.settings.seed + number
        net.build(x[:1], seed=seed)
        parts = (x[kept], y[kept]), (x[held], y[held])
        settings = replace(self.settings, seed=seed, time_limit=limit)
        problem = self._problem(net, *parts, preparation.target_encoder, settings)
        trained = self.session.train(problem, settings)
        member = Member(net, x.shape[1:], preparation)
        classes = len(preparation.labels)
        linear = fit_linear(x[kept], y[kept], classes, self.plan.networks)
        outputs = member.outputs(self.table.take(held)), linear.outputs(x[held])
        rows = HeldOut(preparation, kept, held, outputs[0], linear, outputs[1])
        return _Fitted(member, trained, rows)

    def _parts(self) -> Iterator[tuple[Array, Array]]:
        """For each network the rows to train on and those to hold out."""
        column = self.table.column(self.target)
        encoded = learn_target(column, self.task).encode(column)
        by = {"labels": encoded} if self.task.is_classification else {"values": encoded}
        rows, seed = self.table.rows, self.settings.seed
        if self.plan.networks == 1:
            kept, held = split(rows, [0.8, 0.2], seed, **by)
            yield kept, held
            return
        parts = split(rows, [1 / self.plan.networks] * self.plan.networks, seed, **by)
        for number, held in enumerate(parts):
            others = [part for place, part in enumerate(parts) if place != number]
            yield np.sort(np.concatenate(others)), held

    def _problem(
        self,
        net: nn.Module,
        train: tuple[Array, Array],
        validation: tuple[Array, Array],
        goal: Target,
        settings: Settings,
    ) -> Problem:
        loss: nn.Loss = nn.CrossEntropy()
        metric = accuracy()
        if isinstance(goal, NumberTarget):
            loss, metric = nn.MeanSquaredError(), root_mean_square(goal.scale)
        return supervised_problem(
            net, loss, self.plan.optimizer, train, validation, metric, settings
        )

    def run(self, notes: tuple[Note, ...]) -> TableRun:
        """The run of these networks; the notes are stored in its model."""
        sound = self._sound()
        rows = [fitted.rows for fitted in sound]
        scores, leaks = held_out_scores(self.table, rows)
        notes = tuple(dict.fromkeys([*leaks, *notes]))
        choices = self._choices()
        details: dict[str, Any] = {
            "task": self.task.kind,
            "task_reason": self.task.reason,
            "networks_planned": self.plan.networks,
            "rows": self.table.rows,
            "training_rows": len(self._fitted[0].rows.kept),
            "validation_rows": scores.rows,
            "validation_metrics": scores.values,
            "scores": scores.to_json(),
            "notes": [note.text for note in notes],
            "choices": [choice.to_json() for choice in choices],
            **self.session.details(self.settings.seed),
        }
        first = rows[0].preparation
        reference = reference_of(self.table, rows, self.settings.seed)
        members = [fitted.member for fitted in sound]
        model = Model(members, first.labels or None, details, reference=reference)
        run = run_of(self.session, model, choices)
        return TableRun(run, self.task, notes, self.table.rows, scores.values, scores)

    def _choices(self) -> tuple[Choice, ...]:
        """What was chosen by rules or by the user, with the networks that there was time for."""
        if not self.budget.was_short:
            return self.plan.reasons
        return self.plan.in_time(len(self._fitted), RULE)

    def warn(self) -> None:
        """Say which networks diverged, and how many are left out for it."""
        self.session.warn()
        left_out = len(self._fitted) - len(self._sound())
        if left_out:
            warn(
                "Networks that put out what is not finite are left out: "
                f"{left_out} of {len(self._fitted)}."
            )

    def _sound(self) -> list[_Fitted]:
        """The networks that could be measured; all of them if none could.

        One that is not finite would make the average of all so.
        """
        return [fitted for fitted in self._fitted if fitted.is_sound] or self._fitted
