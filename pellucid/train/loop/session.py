"""Training one network of a run, or taking it from where the run was stopped."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from pellucid import schema
from pellucid.errors import ModelFileError, RunFolderError, warn
from pellucid.nn.inputs import is_tree, leaves
from pellucid.train.evaluator import Data
from pellucid.train.events import CallbackFunction, Evaluated
from pellucid.train.inputs.stored import is_stored
from pellucid.train.loop.engine import Engine
from pellucid.train.loop.problem import Problem, Settings
from pellucid.train.records import Records, read_records
from pellucid.train.steps.supervised import policies_for
from pellucid.train.steps.training_step import network_states
from pellucid.train.storage import container
from pellucid.train.storage.checkpoint import ENTRY, agree, described, fit_states
from pellucid.train.storage.files import make_folder
from pellucid.train.storage.folder import RECORDS, Keepable, RunFolder, unsaved

_NETWORK = schema.record(
    identity=schema.mapping(schema.anything),
    trained=schema.record(
        history=schema.items(ENTRY, least=1),
        best=schema.whole(),
        reason=schema.text(2_000),
        interrupted=schema.flag,
        diverged=schema.flag,
    ),
)


@dataclass(frozen=True)
class Trained:
    """What training one network left; the network itself has the best weights.

    history: an entry an evaluation. best: the index of the best. reason: why it stopped.
    interrupted: whether the user stopped it. diverged: whether its loss became NaN or infinite.
    records: what was measured since training began or, of a run with a folder, in all of it.
    """

    history: tuple[Evaluated, ...]
    best: int
    reason: str
    interrupted: bool
    diverged: bool = False
    records: Records = field(default_factory=Records, compare=False)

    @property
    def entry(self) -> Evaluated:
        """The history's entry of the best epoch."""
        return self.history[self.best]

    def to_json(self) -> dict[str, Any]:
        """All but the records, as plain values."""
        return {
            "history": [asdict(entry) for entry in self.history],
            "best": self.best,
            "reason": self.reason,
            "interrupted": self.interrupted,
            "diverged": self.diverged,
        }

    def warn(self, which: str = "The network") -> None:
        """Say what its weights are if it diverged, or if no epoch could be measured.

        Whoever makes warnings errors loses nothing if this is said after the run is written.
        """
        entry = self.entry
        trained = "before any training" if entry.step == 0 else "the best before that"
        if self.diverged and entry.is_finite:
            text = (
                f"diverged: {self.reason}. Its weights are those of epoch {entry.epoch}, {trained}."
            )
        elif not entry.is_finite:
            stopped = f"diverged: {self.reason}" if self.diverged else "has no finite loss"
            text = (
                f"{stopped}. No epoch could be measured, so its weights are those of epoch "
                f"{entry.epoch}, the last that are finite."
            )
        else:
            return
        warn(f"{which} {text}")


class Session:
    """The networks of a run, trained one after another, in its folder if it has one.

    trained:     how the training of each went. interrupted: whether the user ended it.
    failure:     the error if the folder could not be written, which ends training too.
    """

    def __init__(
        self,
        folder: RunFolder | None,
        callbacks: Sequence[CallbackFunction],
        resume: bool,
        networks: int = 1,
    ) -> None:
        self.folder = folder
        self.networks = networks
        self.trained: list[Trained] = []
        self.interrupted = False
        self.failure: RunFolderError | None = None
        self._callbacks = callbacks
        self._resume = resume

    def train(self, problem: Problem, settings: Settings) -> Trained:
        """Train the next network; one that was interrupted counts only if none is complete."""
        number = len(self.trained)
        try:
            trained = train_network(
                problem, settings, self._callbacks, self.folder, self._resume, number, self.networks
            )
        except RunFolderError as error:
            if not isinstance(error.run, Trained):
                raise
            trained, self.failure = error.run, error
        self.interrupted = trained.interrupted
        if not trained.interrupted or not self.trained:
            self.trained.append(trained)
        return trained

    @property
    def reason(self) -> str:
        """Why the first network stopped, or the first that diverged if any did."""
        diverged = (trained for trained in self.trained if trained.diverged)
        return next(diverged, self.trained[0]).reason

    @property
    def diverged(self) -> bool:
        """Whether any network did."""
        return any(trained.diverged for trained in self.trained)

    @property
    def path(self) -> Path | None:
        """The folder, None if there is none."""
        return None if self.folder is None else self.folder.path

    def records(self) -> Records:
        """The records of all networks, one after another."""
        records = Records()
        for trained in self.trained:
            records.add(trained.records)
        return records

    def details(self, seed: int) -> dict[str, Any]:
        """What a file says of the training, as plain values."""
        details: dict[str, Any] = {
            "stopped_because": [trained.reason for trained in self.trained],
            "diverged": [trained.diverged for trained in self.trained],
            "epochs": [trained.history[-1].epoch for trained in self.trained],
            "best_epoch": [trained.entry.epoch for trained in self.trained],
            "seed": seed,
        }
        if self.interrupted:
            complete = sum(not trained.interrupted for trained in self.trained)
            details["interrupted"] = {"complete": complete, "networks": self.networks}
        return details

    def keep(self, model: Keepable, run: object) -> None:
        """Write what was trained to the folder; raises RunFolderError, which holds the run."""
        if self.folder is not None:
            histories = [trained.history for trained in self.trained]
            self.folder.hand_over(model, histories, run, self.failure)

    def warn(self, which: str = "The network") -> None:
        """Say which networks diverged, or could not be measured."""
        for number, trained in enumerate(self.trained, 1):
            several = f"Network {number} of {self.networks}"
            trained.warn(which if self.networks == 1 else several)


def train_network(
    problem: Problem,
    settings: Settings,
    callbacks: Sequence[CallbackFunction],
    folder: RunFolder | None = None,
    resume: bool = False,
    number: int = 0,
    networks: int = 1,
) -> Trained:
    """Train network `number` of `networks`; resume: use what the folder holds of it.

    A network is kept as one whose training has ended only if it has: after an interrupt its
    checkpoint stays, to go on from. Raises RunFolderError, whose `run` is what was trained, if the
    folder cannot be written.
    """
    identity = {} if folder is None else _identity(problem, settings, number)
    if folder is not None and resume and folder.network(number).exists():
        return _finished(problem, folder, identity, number)
    checkpoint = None if folder is None else folder.checkpoint(number)
    engine = Engine(
        problem,
        settings,
        policies_for(problem, settings, checkpoint is not None),
        callbacks,
        checkpoint,
        identity,
        number,
        networks,
    )
    if resume:
        engine.resume()
    reason = engine.run()
    trained = Trained(
        tuple(engine.position.history),
        engine.position.best,
        reason,
        engine.interrupted,
        engine.diverged,
        engine.records,
    )
    if folder is not None:
        try:
            _keep(folder, problem, trained, identity, number, engine.failure)
        except Exception as error:
            raise unsaved(error, trained, folder.path) from error
    return trained


def _keep(
    folder: RunFolder,
    problem: Problem,
    trained: Trained,
    identity: Mapping[str, Any],
    number: int,
    failure: RunFolderError | None,
) -> None:
    """Write what a network has become, unless it was interrupted; raises the failure if there is one."""
    if failure is not None:
        raise failure
    if trained.interrupted:
        return
    make_folder(folder.path)
    details = {"identity": identity, "trained": trained.to_json()}
    arrays = {name: state.value for name, state in network_states(problem.networks).items()}
    container.write(folder.network(number), arrays, details, "network")
    folder.checkpoint(number).unlink(missing_ok=True)


def check_savable(problem: Problem) -> None:
    """Raise TypeError, naming class and setting, for a part that a file of the run cannot hold."""
    problem.described()


def _identity(problem: Problem, settings: Settings, number: int) -> dict[str, Any]:
    """What the result depends on, as plain JSON values: a run resumes only with the same."""
    identity = {
        **settings.deciding(),
        **{name: data and fingerprint(data) for name, data in problem.data.items()},
        **problem.described(),
        "number": number,
    }
    plain: dict[str, Any] = json.loads(json.dumps(identity))
    return plain


def _finished(
    problem: Problem, folder: RunFolder, identity: Mapping[str, Any], number: int
) -> Trained:
    """A network whose training had ended when the run was stopped."""
    path = folder.network(number)
    arrays, details = container.read(path, "network")
    content = described(path, details, _NETWORK)
    agree(path, content["identity"], identity)
    trained = content["trained"]
    history = tuple(Evaluated(**entry) for entry in trained["history"])
    if trained["best"] >= len(history):
        raise ModelFileError(f"{path} is damaged: its best epoch is none of its history.")
    states = network_states(problem.networks)
    fit_states(path, arrays, states)
    for name, state in states.items():
        state.value = arrays[name]
    folder.checkpoint(number).unlink(missing_ok=True)
    records = Records()
    records.add([r for r in read_records(folder.path / RECORDS) if r.network == number])
    return Trained(**{**trained, "history": history}, records=records)


_SAMPLED = 1_000
"""Rows of a file that are compared; reading all of it would take as long as an epoch."""


def fingerprint(data: Data) -> str:
    """A hash of arrays; of those that lie in a file of some rows, evenly spaced."""
    seal = hashlib.sha256()
    for part in data:
        if is_tree(part):
            seal.update(" ".join(leaves(part)).encode())
        for array in leaves(part).values():
            seal.update(f"{array.shape} {array.dtype}".encode())
            rows = slice(None, None, max(len(array) // _SAMPLED, 1) if is_stored(array) else 1)
            seal.update(np.ascontiguousarray(array[rows]).tobytes())
    return seal.hexdigest()
