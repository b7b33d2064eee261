"""`fit`: train a network on arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from pellucid import check, nn, optim
from pellucid.errors import NotFiniteError, warn
from pellucid.graph import Tensor
from pellucid.keywords import FIT, explained
from pellucid.train.choices import Choice
from pellucid.train.events import CallbackFunction
from pellucid.train.inputs.arguments import (
    CALLBACK,
    PROBE,
    callables,
    check_limits,
    check_on_divergence,
    check_parts,
    metrics_of,
    rows_of,
    with_validation,
)
from pellucid.train.inputs.indices import build
from pellucid.train.inputs.kinds import kinds_of, like
from pellucid.train.inputs.labels import packed, type_of_labels
from pellucid.train.inputs.targets import Prepared, prepare
from pellucid.train.loop.problem import Problem, Settings
from pellucid.train.loop.session import Session, check_savable
from pellucid.train.measures import Measure
from pellucid.train.model import Member, Model
from pellucid.train.probes import Probe
from pellucid.train.progress import reporter
from pellucid.train.run import Run
from pellucid.train.steps.build import LossFunction
from pellucid.train.steps.supervised import Watching, supervised_problem
from pellucid.train.storage.folder import run_folder

OnDivergence = Literal["warn", "raise"]
_GOES_ON = Choice(
    "weights",
    "those that the network had",
    "a network that has weights goes on from them",
    "fine-tuning",
    "it was built, loaded or trained before",
    "fresh=True",
)
Rows = tuple[Any, Any] | tuple[Any, Any, Any]


@explained(FIT)
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
    callbacks: Sequence[CallbackFunction] = (),
    progress: bool = True,
    fresh: bool | None = None,
    on_divergence: OnDivergence = "warn",
    metrics: Sequence[Measure | Callable[..., Tensor]] = (),
    measure_train: bool = False,
    evaluate_every: int = 1,
    probes: Sequence[Probe] = (),
    probe_every: int = 50,
) -> Run:
    """Train `net` and return the run, with the best weights in its model.

    train:       (X, y): inputs (n, …) and targets: class labels (integers, texts, booleans, mixed)
                 or values (floats, (n, …)), or the classes of the positions of a sequence (integers,
                 (n, length)), which are 0 to the number of outputs less 1. With a loss of numbers
                 (`Poisson`, `MSE` …) integers are values; with `CrossEntropy` or `Focal` floats (n,)
                 are labels. (X, y, weights) gives each row a weight in the loss, or, in y's shape,
                 each target (a mask of the positions of a sequence). X is one array, or a tuple or dict
                 of them: `forward(self, a, b)` gets those of a tuple in order, those of a dict by
                 name. Integers that the network looks up (`Embedding`) stay integers, other inputs
                 become float32; numbers that are too fine for it are refused. Rows without a target
                 (None, NaN, NaT, pandas.NA) are left out, with a warning. Inputs that are
                 memory-mapped may be larger than memory: they are looked through once, and their
                 rows are read when their step comes.
    validation:  (X, y) to stop by, with weights or without, or the fraction of the training rows to
                 set aside for that (stratified, seeded), or None: then all epochs are made and the
                 training loss picks the best.
    loss:        a function (outputs, targets) → scalar tensor, which receives the weights too if there
                 are any; by default softmax cross-entropy on logits for classes (of one logit for two),
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
    callbacks:   objects or functions that are called with each event, and may answer with actions such
                 as `Stop` or `SetRate` (see `pellucid.train.events`).
    metrics:     further measures of the rows that are measured (see `pellucid.train.measures`), or
                 functions (outputs, targets) → scalar tensor, taken as means over rows.
    measure_train: measure the training rows too, in evaluation mode: the first 10,000 in a seeded order.
    evaluate_every: epochs from one evaluation to the next.
    probes:      what looks into the training step every `probe_every` steps (see
                 `pellucid.train.probes`); what they give is in `run.records`.
    fresh:       what to do with weights that the network has: True draws them anew by the seed, as
                 for a new network; False goes on from them; None does, and warns if they come from
                 an earlier `fit`.
    on_divergence: "warn", or "raise" for a NotFiniteError, which holds the run, where the loss becomes
                 NaN or infinite, or is so in every epoch. Either way the model has the best weights
                 before that.

    The history has the mean loss of each epoch's batches, and what was measured in evaluation mode on
    the validation rows, or on the training rows if there are no others. Ctrl-C ends training with the
    best weights so far, and `resume` goes on with it all the same. A loss that is NaN or infinite is
    worse than every number; if it never is one, a warning says so, and the model has the last weights
    that are finite. Raises DataError for arrays that do not fit together, RunFolderError where another
    process trains in the folder, and RunFolderError, which holds the run, if `out` cannot be written.
    """
    check_parts(net, loss, optimizer, schedule)
    if batch_size is not None:
        check.integer("batch_size", batch_size)
    check.integer("epochs", epochs, 0)
    check.integer("patience", patience, 0)
    check.integer("evaluate_every", evaluate_every, 1)
    check.integer("probe_every", probe_every, 1)
    check_limits(seed, time_limit)
    callbacks = callables("callbacks", callbacks, CALLBACK)
    probes = callables("probes", probes, PROBE)
    measures = metrics_of(metrics)
    check_on_divergence(on_divergence)
    whole = rows_of(train, "train")
    had_weights = _begin(net, fresh, resume)
    whole = (build(net, whole[0], seed, "train[0]"), *whole[1:])
    kinds = kinds_of(whole[0])
    data, held = with_validation(whole, validation, seed)
    if held is not None:
        held = (like(held[0], kinds, "validation[0]"), *held[1:])
    prepared = prepare(net, data, held, loss)
    chosen = optim.Adam() if optimizer is None else optimizer
    batch = _batch_size(batch_size, chosen, len(prepared.train[1]))
    settings = Settings(
        batch,
        int(epochs),
        seed,
        int(patience),
        time_limit=time_limit,
        evaluate_every=int(evaluate_every),
    )
    watching = Watching(measure_train, measures, probes, int(probe_every))
    problem = supervised_problem(
        net,
        prepared.loss,
        chosen,
        prepared.train,
        prepared.validation,
        prepared.metric,
        settings,
        schedule,
        watching,
    )
    problem.schedule.check(epochs)
    model = Model([Member(net, kinds)], prepared.classes, labels=_label_type(train[1], prepared))
    reasons = _reasons(prepared, chosen, settings, optimizer is None, loss is None)
    if had_weights:
        reasons.append(_GOES_ON)
    with reporter(progress) as report:
        run = train_model(
            model, problem, settings, reasons, out, resume, force, [report, *callbacks]
        )
    raise_if_diverged(run, run, on_divergence)
    return run


def train_model(
    model: Model,
    problem: Problem,
    settings: Settings,
    reasons: Sequence[Choice],
    out: str | Path | None,
    resume: bool,
    force: bool,
    callbacks: Sequence[CallbackFunction],
) -> Run:
    """Train the network of a model, in a run folder if there is to be one."""
    if out is not None:
        # What cannot be written is refused before it is trained, and before a folder is made.
        model.check_plain()
        check_savable(problem)
    with run_folder(out, resume, force) as folder:
        session = Session(folder, callbacks, resume)
        session.train(problem, settings)
        choices = [choice.to_json() for choice in reasons]
        model.details |= {"choices": choices, **session.details(settings.seed)}
        run = run_of(session, model, reasons)
        session.keep(model, run)
    session.warn()
    return run


def run_of(session: Session, model: Model, reasons: Sequence[Choice]) -> Run:
    """The run whose networks were trained; its history is that of the first."""
    first = session.trained[0]
    return Run(
        model,
        first.history,
        first.entry.epoch,
        session.reason,
        tuple(reasons),
        session.path,
        session.diverged,
        session.interrupted,
        session.records(),
    )


def raise_if_diverged(holder: Any, run: Run, on_divergence: OnDivergence) -> None:
    """Raise NotFiniteError, which holds the run or table run, if that is to be an error.

    It is one where the run diverged, and where no epoch of it had a finite loss.
    """
    if on_divergence == "warn" or (run.best.is_finite and not run.diverged):
        return
    why = f"diverged: {run.stopped_because}" if run.diverged else "has no finite loss in any epoch"
    error = NotFiniteError(f"Training {why}.")
    error.run = holder
    error.add_note(
        "The attribute `run` of this error has the best weights, or the last finite ones."
    )
    raise error


def _begin(net: nn.Module, fresh: bool | None, resume: bool) -> bool:
    """Whether training goes on from weights; they are dropped for a fresh start."""
    if fresh not in (True, False, None):
        raise TypeError(f"fresh is True, False or None, got {fresh!r}")
    if fresh:
        net.forget()
    if net._trained and fresh is None and not resume:
        warn(
            "This network was trained by fit before, and training goes on from its weights: "
            "fresh=True draws them anew, fresh=False goes on without this warning."
        )
    return net._built and not resume


def _batch_size(asked: int | None, optimizer: optim.Optimizer, rows: int) -> int:
    """Rows a step; raises ValueError for fewer than all where the optimizer needs all."""
    if asked is None:
        return rows if optimizer.full_batch else 32
    if optimizer.full_batch and asked < rows:
        raise ValueError(
            f"{type(optimizer).__name__} needs all {rows} training rows in each step, got a batch "
            f"size of {asked}: leave batch_size out"
        )
    return int(asked)


def _label_type(y: Any, prepared: Prepared) -> str | None:
    """The type of the labels as they came in, where they would not have it by themselves."""
    dtype = getattr(y, "dtype", None)
    if prepared.classes is None or not isinstance(dtype, np.dtype):
        return None
    return None if packed(prepared.classes).dtype == dtype else type_of_labels(dtype)


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
            min(settings.batch_size, len(prepared.train[1])),
            "32 unless another is asked for, at most all rows",
            "Bengio 2012",
            f"{len(prepared.train[1]):,} training rows",
            "batch_size=",
        )
    )
    return reasons
