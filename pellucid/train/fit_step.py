"""`fit_step`: train networks by a step of one's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import NoneType
from typing import Any

from pellucid import check, nn, optim
from pellucid.data.note import counted
from pellucid.graph import Tensor
from pellucid.train.batches import Batches
from pellucid.train.evaluator import Evaluator, placeholders
from pellucid.train.events import VALIDATION, CallbackFunction, Evaluated
from pellucid.train.inputs.arguments import CALLBACK, PROBE, callables, check_limits
from pellucid.train.inputs.step_data import Data, batches_for, checked
from pellucid.train.loop.problem import Problem, Settings
from pellucid.train.loop.session import Session, check_savable
from pellucid.train.measures import Measure, mean_of
from pellucid.train.probes import Probe
from pellucid.train.progress import reporter
from pellucid.train.records import Records
from pellucid.train.steps.build import StepFunction, rehearsed
from pellucid.train.storage.folder import run_folder
from pellucid.train.storage.networks_file import Networks

MeasureFunction = Callable[..., Mapping[str, Tensor] | Tensor]


@dataclass(frozen=True)
class StepRun:
    """A finished run of a step of one's own.

    networks:        by name, with the best weights, or the last where nothing was monitored.
    history:         an entry for each evaluation, the first before any training.
    best_epoch:      the epoch whose weights the networks have.
    stopped_because: why training stopped, in words.
    folder:          where it was written, None if nowhere.
    diverged:        whether a loss became NaN or infinite. interrupted: whether the user stopped it.
    log:             what was measured, record by record.
    """

    networks: Mapping[str, nn.Module]
    history: tuple[Evaluated, ...]
    best_epoch: int
    stopped_because: str
    folder: Path | None = None
    diverged: bool = False
    interrupted: bool = False
    log: Records = field(default_factory=Records, repr=False, compare=False)

    @property
    def records(self) -> Any:
        """The records as a data frame of the library that you have: see `Records.frame`."""
        return self.log.frame()

    def __str__(self) -> str:
        ended = "diverged" if self.diverged else "stopped"
        epochs = counted(self.history[-1].epoch, "epoch")
        last = ", ".join(f"{name} {value:.4g}" for name, value in self.history[-1].measures.items())
        return (
            f"Trained for {epochs}, then {ended}: {self.stopped_because}. The networks have the weights "
            f"of epoch {self.best_epoch}. Last measured: {last or 'nothing'}."
        )

    __repr__ = __str__


def fit_step(
    step: StepFunction,
    networks: Mapping[str, nn.Module] | nn.Module,
    train: Any,
    validation: Any = None,
    *,
    measure: MeasureFunction | None = None,
    monitor: str | None = None,
    batch_size: int = 32,
    steps_per_epoch: int | None = None,
    epochs: int = 100,
    schedule: optim.Schedule | None = None,
    patience: int = 0,
    seed: int = 0,
    time_limit: float | None = None,
    out: str | Path | None = None,
    resume: bool = False,
    force: bool = False,
    callbacks: Sequence[CallbackFunction] = (),
    progress: bool = True,
    evaluate_every: int = 1,
    probes: Sequence[Probe] = (),
    probe_every: int = 50,
) -> StepRun:
    """Train networks by a step of your own, compiled whole.

    step:        a function of a `Step` and the parts of a batch: step(step, x), step(step, x, y) … It
                 computes losses with the networks and calls `step.minimise(loss, net, optimizer)` for
                 each update, `step.follow` for averages of weights, and `step.report` for what is to be
                 recorded. It is called while the graph is built, not for each batch: what changes from
                 step to step is a tensor (`step.number`, `step.normal(shape)`).
    networks:    the networks that the step trains, by name, or a single one. Parameters that are missing
                 are made by a first call of the step.
    train:       an array, or a tuple of parts (arrays, or dicts and tuples of them) with as many rows:
                 shuffled batches of `batch_size` rows are taken. Arrays that are memory-mapped may be
                 larger than memory. Anything else that can be iterated over gives the batches itself,
                 arrays or tuples of arrays (see `pellucid.train.batches.IteratedBatches` for resuming).
    validation:  parts like those of train to measure on; by default none.
    measure:     a function of the parts of some rows → scalar tensors by name, or one scalar named
                 "loss"; each is taken as a mean over rows. Networks are in evaluation mode.
    monitor:     the measure by which the best weights are chosen and training is stopped, the lower the
                 better; by default the first. Without any the last weights are kept.
    batch_size:  rows a step, of arrays. steps_per_epoch: batches an epoch of an iterable; by default one
                 pass over it.
    patience:    epochs without a better measure after which η is divided by 10, once, and after which
                 training then stops; 0, the default, never stops early.
    The other settings are those of `fit`.

    The run is as one of `fit` is: progress, Ctrl-C, checkpoints in `out`, `resume` that goes on to the
    same bytes, records and probes; paths begin with the name of the network. `out` receives
    model.safetensors, which `load_networks` reads. Raises TypeError or ValueError for a step that does
    not build, TracingError for one that draws with NumPy, DataError for unusable data, RunFolderError,
    which holds the run, if `out` cannot be written.
    """
    named = _named(networks)
    if not callable(step):
        raise TypeError(
            f"step is a function of a Step and a batch's tensors, got {check.brief(step)}"
        )
    if not isinstance(schedule, (optim.Schedule, NoneType)):
        raise TypeError(f"schedule is one of pellucid.optim, got {check.brief(schedule)}")
    if not (measure is None or callable(measure)):
        raise TypeError(f"measure is a function of the parts of rows, got {check.brief(measure)}")
    callbacks = callables("callbacks", callbacks, CALLBACK)
    probes = callables("probes", probes, PROBE)
    check_limits(seed, time_limit)
    check.integer("batch_size", batch_size)
    check.integer("epochs", epochs, 0)
    check.integer("patience", patience, 0)
    check.integer("evaluate_every", evaluate_every)
    check.integer("probe_every", probe_every)
    batches = batches_for(train, batch_size, steps_per_epoch, seed)
    held = None if validation is None else checked(validation, "validation")[0]
    _check_measuring(measure, held, monitor)
    optimizers = rehearsed(step, named, batches, seed)
    _check_full_batch(optimizers, batches)
    measures = [] if measure is None or held is None else _measures(measure, held)
    settings = Settings(
        batch_size,
        epochs,
        seed,
        patience,
        time_limit=time_limit,
        evaluate_every=evaluate_every,
    )
    chosen = optim.ConstantRate() if schedule is None else schedule
    chosen.check(epochs)
    names = [each.name for each in measures]
    if monitor is not None and monitor not in names:
        raise ValueError(f"monitor is one of {', '.join(map(repr, names))}, got {monitor!r}")

    def evaluator() -> Evaluator:
        nets, parts, runs = list(named.values()), [measure], settings.evaluations
        return Evaluator(nets, lambda *_: {}, measures, held or (), runs=runs, parts=parts)

    problem = Problem(
        named,
        lambda _: step,
        None,
        batches,
        {VALIDATION: evaluator} if measures else {},
        names[0] if names else "",
        f"{VALIDATION}.{monitor or names[0]}" if names else "",
        lambda: _described(step, named, optimizers, chosen),
        _data(batches, held),
        chosen,
        [] if measure is None else [measure],
        None,
        tuple(probes),
        probe_every,
    )
    with reporter(progress) as report:
        return _train(problem, settings, out, resume, force, [report, *callbacks])


def _train(
    problem: Problem,
    settings: Settings,
    out: str | Path | None,
    resume: bool,
    force: bool,
    callbacks: Sequence[CallbackFunction],
) -> StepRun:
    with run_folder(out, resume, force) as folder:
        if folder is not None:
            check_savable(problem)
        session = Session(folder, callbacks, resume)
        trained = session.train(problem, settings)
        run = StepRun(
            problem.networks,
            trained.history,
            trained.entry.epoch,
            session.reason,
            session.path,
            session.diverged,
            session.interrupted,
            session.records(),
        )
        session.keep(Networks(problem.networks, session.details(settings.seed)), run)
    session.warn("The training")
    return run


def _named(networks: Any) -> dict[str, nn.Module]:
    """Networks by name; a single one has the name ""."""
    if isinstance(networks, nn.Module):
        return {"": networks}
    if not isinstance(networks, Mapping) or not networks:
        raise TypeError(f"networks is a network, or networks by name, got {check.brief(networks)}")
    for name, net in networks.items():
        if not isinstance(name, str) or not name.isidentifier():
            raise ValueError(f"the name of a network is an identifier, got {check.brief(name)}")
        if not isinstance(net, nn.Module):
            raise TypeError(f"networks holds networks, got {check.brief(net)} as {name!r}")
    return dict(networks)


def _check_full_batch(optimizers: Sequence[optim.Optimizer], batches: Batches) -> None:
    """Raise ValueError for an optimizer that needs all rows in a step that gets some of them."""
    for optimizer in optimizers:
        if optimizer.full_batch and batches.steps_per_epoch != 1:
            raise ValueError(
                f"{type(optimizer).__name__} needs all training rows in each step: give batch_size= at "
                "least as many as there are rows"
            )


def _check_measuring(
    measure: MeasureFunction | None, held: Data | None, monitor: str | None
) -> None:
    if (measure is None) != (held is None):
        present = "validation rows" if measure is None else "a measure"
        absent = "measure=" if measure is None else "validation="
        raise ValueError(f"fit_step got {present} but no {absent}: both are needed to measure")
    if measure is None and monitor is not None:
        raise ValueError("monitor names a measure, but there is none: give measure= as well")


def _measures(measure: MeasureFunction, held: Data) -> list[Measure]:
    """A measure for each value that the function gives, whose names are known by calling it."""

    def values(*parts: Any) -> dict[str, Tensor]:
        measured = measure(*parts)
        if not isinstance(measured, (Tensor, Mapping)):
            raise TypeError(
                f"measure returns a scalar tensor, or such tensors by name, got {check.brief(measured)}"
            )
        return {"loss": measured} if isinstance(measured, Tensor) else dict(measured)

    def one(name: str) -> Measure:
        return mean_of(name, lambda *parts: values(*parts)[name])

    return [one(name) for name in values(*placeholders(held, 1))]


def _described(
    step: StepFunction,
    networks: Mapping[str, nn.Module],
    optimizers: Sequence[optim.Optimizer],
    schedule: optim.Schedule,
) -> dict[str, Any]:
    """What a run that is resumed has to agree with; the code of a function cannot be compared."""
    return {
        "step": getattr(step, "__qualname__", type(step).__qualname__),
        "networks": {name: nn.to_spec(net) for name, net in networks.items()},
        "optimizers": [optim.to_spec(each) for each in optimizers],
        "schedule": optim.to_spec(schedule),
    }


def _data(batches: Batches, held: Data | None) -> dict[str, Data | None]:
    return {"data": getattr(batches, "data", None), "validation data": held}
