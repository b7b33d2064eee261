"""`fit`: train a network on arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pellucid import nn, optim
from pellucid.data import split
from pellucid.errors import DataError
from pellucid.graph import Array
from pellucid.train import arrays, metrics
from pellucid.train.choices import Choice
from pellucid.train.events import Callback
from pellucid.train.folder import RunFolder
from pellucid.train.model import Label, Member, Model, probabilities
from pellucid.train.progress import reporter
from pellucid.train.run import Run
from pellucid.train.session import train_network
from pellucid.train.step import LossFunction
from pellucid.train.trainer import Metric, Problem, Settings

SHOWN_ROWS = 10_000
Pair = tuple[Any, Any]


def fit(
    net: nn.Module,
    train: Pair,
    validation: Pair | float | None = 0.2,
    *,
    loss: LossFunction | None = None,
    optimizer: optim.Optimizer | None = None,
    batch_size: int = 32,
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
                 values (floats, (n,) or (n, k)).
    validation:  (X, y) to stop by, or the fraction of the training rows to set aside for that
                 (stratified, seeded), or None: then all epochs are made and the training loss picks
                 the best.
    loss:        a function (outputs, targets) → scalar tensor; by default softmax cross-entropy on
                 logits for classes, mean squared error for values.
    optimizer:   Adam with η = 0.001 by default.
    batch_size:  rows a step, 32 by default (Bengio 2012); 1 is stochastic, all rows full-batch.
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
    x, y = _pair(train, "train")
    parts = _validation((x, y), validation, seed)
    prepared = _prepare(net, parts, loss, seed)
    chosen = optim.Adam() if optimizer is None else optimizer
    problem = Problem(
        net,
        prepared.loss,
        chosen,
        prepared.train,
        _shown(prepared.train, seed),
        prepared.validation,
        prepared.metric,
        prepared.metric_name,
        schedule or optim.ConstantRate(),
    )
    problem.schedule.check(epochs)
    settings = Settings(batch_size, epochs, seed, patience, time_limit=time_limit)
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


@dataclass(frozen=True)
class Prepared:
    """Arrays ready to train on, and how to measure."""

    train: tuple[Array, Array]
    validation: tuple[Array, Array] | None
    classes: tuple[Label, ...] | None
    loss: LossFunction
    metric: Metric
    metric_name: str


def accuracy(outputs: Array, codes: Array) -> float:
    """The share of rows whose most probable class is the true one."""
    return float((probabilities(outputs).argmax(axis=1) == codes).mean())


def root_mean_square(outputs: Array, values: Array) -> float:
    """RMSE in the unit of the targets."""
    return metrics.regression(values.reshape(-1), outputs.reshape(-1))["rmse"] or 0.0


def _pair(pair: Any, what: str) -> tuple[Array, Array]:
    if not isinstance(pair, (tuple, list)) or len(pair) != 2:
        raise TypeError(f"{what} is a pair (X, y), got {type(pair).__name__}")
    x = arrays.inputs(pair[0], f"{what}[0]")
    return x, arrays.targets(pair[1], len(x), f"{what}[1]")


Parts = tuple[tuple[Array, Array], tuple[Array, Array] | None]


def _validation(data: tuple[Array, Array], validation: Any, seed: int) -> Parts:
    if validation is None:
        return data, None
    if not isinstance(validation, (int, float)):
        held = _pair(validation, "validation")
        if held[0].shape[1:] != data[0].shape[1:]:
            raise DataError(
                f"validation inputs have shape {held[0].shape}, training inputs {data[0].shape}."
            )
        return data, held
    if not 0 < validation < 1:
        raise ValueError(f"validation is a pair (X, y), a fraction in (0, 1) or None: {validation}")
    x, y = data
    by = {"labels": y} if arrays.are_classes(y) else {"values": y} if y.ndim == 1 else {}
    kept, held_out = split(len(x), [1 - validation, validation], seed, **by)
    return (x[kept], y[kept]), (x[held_out], y[held_out])


def _prepare(net: nn.Module, parts: Parts, loss: LossFunction | None, seed: int) -> Prepared:
    (x, y), held = parts
    net.build(x[:1], seed=seed)
    if not arrays.are_classes(y):
        values = y.astype(np.float32)
        checked = None if held is None else (held[0], held[1].astype(np.float32))
        return Prepared(
            (x, values), checked, None, loss or nn.MeanSquaredError(), root_mean_square, "rmse"
        )
    classes = arrays.class_labels(y)
    _check_width(net, x, len(classes))
    codes = arrays.encode_classes(y, classes, "train[1]")
    checked = None
    if held is not None:
        checked = (held[0], arrays.encode_classes(held[1], classes, "validation[1]"))
    return Prepared((x, codes), checked, classes, loss or nn.CrossEntropy(), accuracy, "accuracy")


def _check_width(net: nn.Module, x: Array, classes: int) -> None:
    outputs = net(x[:1])
    width = outputs.shape[-1] if outputs.ndim == 2 else 1
    if width != classes and not (width == 1 and classes == 2):
        raise DataError(
            f"The network puts out {width} values for each row, but the targets have {classes} "
            f"classes: end the network with Linear({classes})."
        )


def _shown(data: tuple[Array, Array], seed: int) -> tuple[Array, Array]:
    """The training rows on which training metrics are measured."""
    count = len(data[0])
    if count <= SHOWN_ROWS:
        return data
    rows = np.sort(np.random.default_rng([seed, 1]).permutation(count)[:SHOWN_ROWS])
    return data[0][rows], data[1][rows]


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
