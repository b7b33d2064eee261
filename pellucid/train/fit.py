"""`fit`: train a network on arrays."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from pathlib import Path
from types import NoneType
from typing import Any

import numpy as np

from pellucid import nn, optim
from pellucid.data import split
from pellucid.errors import DataError
from pellucid.train import arrays
from pellucid.train.aims import Prepared, prepare
from pellucid.train.choices import Choice
from pellucid.train.events import Callback
from pellucid.train.folder import RunFolder
from pellucid.train.model import Member, Model
from pellucid.train.progress import reporter
from pellucid.train.run import Run
from pellucid.train.session import check_savable, train_network
from pellucid.train.step import Data, LossFunction
from pellucid.train.trainer import Problem, Settings

SHOWN_ROWS = 10_000
Rows = tuple[Any, Any] | tuple[Any, Any, Any]


def fit(
    net: nn.Module,
    train: Rows,
    validation: Rows | float | None = 0.2,
    *,
    loss: LossFunction | None = None,
    optimizer: optim.Optimizer | None = None,
    batch_size: int | None = None,
    epochs: int = 100,
    schedule: optim.Schedule | None = None,
    patience: int = 10,
    seed: int = 0,
    time_limit: float | None = None,
    out: str | Path | None = None,
    resume: bool = False,
    force: bool = False,
    callbacks: Sequence[Callback] = (),
    progress: bool = True,
) -> Run:
    """Train `net` and return the run, with the best weights in its model.

    train:       (X, y): inputs (n, …) and targets: class labels (integers, texts, booleans) or
                 values (floats, (n, …)), or the classes of the places of a sequence (integers,
                 (n, length)), which are 0 to the number of outputs less 1. With a loss of numbers
                 (`Poisson`, `MSE` …) integers are values. (X, y, weights) gives each row a weight in
                 the loss, or, in y's shape, each target (a mask of the places of a sequence).
    validation:  (X, y) to stop by, with weights or without, or the fraction of the training rows to
                 set aside for that (stratified, seeded), or None: then all epochs are made and the
                 training loss picks the best.
    loss:        a function (outputs, targets) → scalar tensor, given the weights too if there are
                 any; by default softmax cross-entropy on logits for classes (of one logit for two),
                 mean squared error for values.
    optimizer:   Adam with η = 0.001 by default.
    batch_size:  rows a step; None is 32 (Bengio 2012), and all rows for an optimizer that needs them
                 (`optim.LBFGS`); 1 is stochastic.
    epochs:      the most passes over the training rows.
    schedule:    how η changes with the epochs, such as `optim.CosineRate()`; None keeps it.
    patience:    epochs without a better validation loss after which η is divided by 10, once, and
                 after which training then stops; 0 never stops early.
    time_limit:  seconds; the only setting that makes the result depend on a clock.
    out:         a new folder for the model, the history and checkpoints; `force` replaces one that
                 exists, `resume` goes on where a run in it stopped.
    callbacks:   objects that are called with each event (see `pellucid.train.events`).

    Training metrics are measured in evaluation mode on the first 10,000 training rows (in a seeded
    order) and named so. Ctrl-C ends training with the best weights so far. Raises DataError for
    arrays that do not fit together.
    """
    _check_parts(net, loss, optimizer, schedule)
    _check_counts(batch_size=batch_size, epochs=epochs, patience=patience)
    parts = _validation(_rows(train, "train"), validation, seed)
    net.build(parts[0][0][:1], seed=seed)
    prepared = prepare(net, *parts, loss)
    chosen = optim.Adam() if optimizer is None else optimizer
    batch = _batch_size(batch_size, chosen, len(prepared.train[0]))
    problem = Problem(
        net,
        prepared.loss,
        chosen,
        prepared.train,
        _shown(prepared.train, seed),
        prepared.validation,
        prepared.metric,
        prepared.metric_name,
        optim.ConstantRate() if schedule is None else schedule,
    )
    problem.schedule.check(epochs)
    settings = Settings(batch, epochs, seed, patience, time_limit=time_limit)
    model = Model([Member(net, prepared.train[0].shape[1:])], prepared.classes)
    reasons = _reasons(prepared, chosen, settings, optimizer is None, loss is None)
    with reporter(progress) as report:
        return train_model(
            model, problem, settings, reasons, out, resume, force, [report, *callbacks]
        )


def train_model(
    model: Model,
    problem: Problem,
    settings: Settings,
    reasons: Sequence[Choice],
    out: str | Path | None,
    resume: bool,
    force: bool,
    callbacks: Sequence[Callback],
) -> Run:
    """Train the network of a model, in a run folder if there is to be one."""
    if out is not None:
        check_savable(problem)
    folder = None if out is None else RunFolder.open(Path(out), resume=resume, force=force)
    trained = train_network(problem, settings, callbacks, folder, resume)
    best = trained.history[trained.best]
    model.details |= {
        "choices": [choice.to_json() for choice in reasons],
        "stopped_because": [trained.because],
        "epochs": [trained.history[-1].epoch],
        "best_epoch": [best.epoch],
        "seed": settings.seed,
    }
    path = None if folder is None else folder.path
    run = Run(model, trained.history, best.epoch, trained.because, tuple(reasons), path)
    if folder is not None:
        folder.finish(model, [trained.history])
    return run


def _check_parts(net: Any, loss: Any, optimizer: Any, schedule: Any) -> None:
    """Raise TypeError for a part that is none, saying what it should be."""
    kinds: list[tuple[str, Any, Any, str]] = [
        ("net", net, nn.Module, "a network, such as nn.MLP([64], 2)"),
        ("optimizer", optimizer, (optim.Optimizer, NoneType), "one of pellucid.optim"),
        ("schedule", schedule, (optim.Schedule, NoneType), "one of pellucid.optim"),
    ]
    for name, part, kind, expected in kinds:
        if not isinstance(part, kind):
            hint = ": write it with brackets" if isinstance(part, type) else ""
            raise TypeError(f"{name} is {expected}, got {part!r}{hint}")
    if isinstance(loss, type) or not (loss is None or callable(loss)):
        hint = ": write it with brackets" if isinstance(loss, type) else ""
        raise TypeError(f"loss is a loss of pellucid.nn or a function, got {loss!r}{hint}")


def _check_counts(**counts: int | None) -> None:
    """Raise unless each is an integer in its range."""
    for name, value in counts.items():
        if name == "batch_size" and value is None:
            continue
        least = 1 if name == "batch_size" else 0
        if isinstance(value, bool) or not isinstance(value, Integral):
            raise TypeError(f"{name} is an integer of at least {least}, got {value!r}")
        if value < least:
            raise ValueError(f"{name} is at least {least}, got {value}")


def _rows(given: Any, what: str) -> Data:
    if not isinstance(given, (tuple, list)) or len(given) not in (2, 3):
        raise TypeError(f"{what} is a pair (X, y), or (X, y, weights), got {type(given).__name__}")
    x = arrays.inputs(given[0], f"{what}[0]")
    y = arrays.targets(given[1], len(x), f"{what}[1]")
    return (x, y, *(arrays.weights(w, y, f"{what}[2]") for w in given[2:]))


def _validation(data: Data, validation: Any, seed: int) -> tuple[Data, Data | None]:
    if validation is None:
        return data, None
    if not isinstance(validation, (int, float)):
        held = _rows(validation, "validation")
        if held[0].shape[1:] != data[0].shape[1:]:
            raise DataError(
                f"validation inputs have shape {held[0].shape}, training inputs {data[0].shape}."
            )
        return data, held
    if not 0 < validation < 1:
        raise ValueError(f"validation is (X, y), a fraction in (0, 1) or None: {validation}")
    x, y = data[:2]
    by = {"labels": y} if arrays.are_classes(y) else {"values": y} if y.ndim == 1 else {}
    kept, held_out = split(len(x), [1 - validation, validation], seed, **by)
    parts = tuple(tuple(part[rows] for part in data) for rows in (kept, held_out))
    if len(data) > 2 and not all(part[2].any() for part in parts):
        raise DataError("The rows that have weight are too few to hold some out to stop by.")
    return parts[0], parts[1]


def _batch_size(asked: int | None, optimizer: optim.Optimizer, rows: int) -> int:
    """Rows a step; raises ValueError for fewer than all where the optimizer needs all."""
    if asked is None:
        return rows if optimizer.full_batch else 32
    if optimizer.full_batch and asked < rows:
        raise ValueError(
            f"{type(optimizer).__name__} needs all {rows} training rows in each step, got a batch "
            f"size of {asked}: leave batch_size out"
        )
    return asked


def _shown(data: Data, seed: int) -> Data:
    """The training rows on which training metrics are measured."""
    count = len(data[0])
    if count <= SHOWN_ROWS:
        return data
    rows = np.sort(np.random.default_rng([seed, 1]).permutation(count)[:SHOWN_ROWS])
    return tuple(part[rows] for part in data)


def _reasons(
    prepared: Prepared,
    optimizer: optim.Optimizer,
    settings: Settings,
    chose_optimizer: bool,
    chose_loss: bool,
) -> list[Choice]:
    reasons: list[Choice] = []
    if chose_loss:
        kind = "values" if prepared.classes is None else f"{len(prepared.classes)} classes"
        reasons.append(
            Choice(
                "loss",
                type(prepared.loss).__name__,
                "cross-entropy for classes, mean squared error for values",
                "maximum likelihood under a categorical or a normal distribution",
                f"the targets are {kind}",
                "loss=",
            )
        )
    if chose_optimizer:
        reasons.append(
            Choice(
                "optimizer",
                repr(optimizer),
                "Adam with its published settings unless another is asked for",
                "Kingma & Ba 2014",
                "",
                "optimizer=",
            )
        )
    reasons.append(
        Choice(
            "batch size",
            min(settings.batch_size, len(prepared.train[0])),
            "32 unless another is asked for, at most all rows",
            "Bengio 2012",
            f"{len(prepared.train[0]):,} training rows",
            "batch_size=",
        )
    )
    return reasons
