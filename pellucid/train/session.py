"""Training one network of a run, or taking it from where the run was stopped."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from pellucid import nn, optim, schema
from pellucid.errors import ModelFileError, RunFolderError, warn
from pellucid.nn.inputs import is_tree, leaves
from pellucid.train import container
from pellucid.train.checkpoint import ENTRY, agree, described, fit_states
from pellucid.train.events import Callback, Evaluated
from pellucid.train.files import make_folder
from pellucid.train.folder import RunFolder, unsaved
from pellucid.train.step import Data, LossFunction
from pellucid.train.trainer import Problem, Settings, Trainer

_NETWORK = schema.record(
    identity=schema.mapping(schema.anything),
    trained=schema.record(
        history=schema.items(ENTRY, least=1),
        best=schema.whole(),
        because=schema.text(2_000),
        interrupted=schema.flag,
        diverged=schema.flag,
    ),
)


@dataclass(frozen=True)
class Trained:
    """What training one network left; the network itself has the best weights.

    history: an entry an epoch. best: the place of the best. because: why it stopped.
    interrupted: whether the user stopped it. diverged: whether its loss became NaN or infinite.
    """

    history: tuple[Evaluated, ...]
    best: int
    because: str
    interrupted: bool
    diverged: bool = False

    def warn(self, which: str = "The network") -> None:
        """Say what its weights are if it diverged, or if no epoch could be measured.

        Whoever makes warnings errors loses nothing if this is said after the run is written.
        """
        entry = self.history[self.best]
        trained = "before any training" if entry.step == 0 else "the best before that"
        if self.diverged and entry.is_finite:
            text = f"diverged: {self.because}. Its weights are those of epoch {entry.epoch}, {trained}."
        elif not entry.is_finite:
            stopped = f"diverged: {self.because}" if self.diverged else "has no finite loss"
            text = (
                f"{stopped}. No epoch could be measured, so its weights are those of epoch "
                f"{entry.epoch}, the last that are finite."
            )
        else:
            return
        warn(f"{which} {text}")


def train_network(
    problem: Problem,
    settings: Settings,
    callbacks: Sequence[Callback],
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
    trainer = Trainer(problem, settings, callbacks, checkpoint, identity, (number, networks))
    if resume:
        trainer.resume()
    because = trainer.run()
    found = Trained(
        tuple(trainer.position.history),
        trainer.position.best,
        because,
        trainer.interrupted,
        trainer.diverged,
    )
    if folder is not None:
        try:
            _keep(folder, problem, found, identity, number, trainer.failure)
        except Exception as error:
            raise unsaved(error, found, folder.path) from error
    return found


def _keep(
    folder: RunFolder,
    problem: Problem,
    found: Trained,
    identity: Mapping[str, Any],
    number: int,
    failure: RunFolderError | None,
) -> None:
    """Write what a network has become, unless it was interrupted; raises the failure if there is one."""
    if failure is not None:
        raise failure
    if found.interrupted:
        return
    make_folder(folder.path)
    details = {"identity": identity, "trained": asdict(found)}
    container.write(folder.network(number), problem.net.state_dict(), details, "network")
    folder.checkpoint(number).unlink(missing_ok=True)


def check_savable(problem: Problem) -> None:
    """Raise TypeError, naming class and setting, for a part that a file of the run cannot hold."""
    nn.to_spec(problem.net)
    optim.to_spec(problem.optimizer)
    optim.to_spec(problem.schedule)
    _loss_identity(problem.loss)


def _identity(problem: Problem, settings: Settings, number: int) -> dict[str, Any]:
    """What the result depends on, as plain JSON values: a run resumes only with the same."""
    identity = {
        **settings.deciding(),
        "data": fingerprint(problem.train),
        "validation data": problem.validation and fingerprint(problem.validation),
        "loss": _loss_identity(problem.loss),
        "network": nn.to_spec(problem.net),
        "optimizer": optim.to_spec(problem.optimizer),
        "schedule": optim.to_spec(problem.schedule),
        "number": number,
    }
    plain: dict[str, Any] = json.loads(json.dumps(identity))
    return plain


def _loss_identity(loss: LossFunction) -> Any:
    """A loss of the library with its settings; of one's own its name, its code cannot be compared."""
    if isinstance(loss, nn.Loss):
        return nn.to_spec(loss)
    return getattr(loss, "__qualname__", type(loss).__qualname__)


def _finished(
    problem: Problem, folder: RunFolder, identity: Mapping[str, Any], number: int
) -> Trained:
    """A network whose training had ended when the run was stopped."""
    path = folder.network(number)
    arrays, details = container.read(path, "network")
    found = described(path, details, _NETWORK)
    agree(path, found["identity"], identity)
    trained = found["trained"]
    history = tuple(Evaluated(**entry) for entry in trained["history"])
    if trained["best"] >= len(history):
        raise ModelFileError(f"{path} is damaged: its best epoch is none of its history.")
    held = [*problem.net.named_parameters(), *problem.net.named_buffers()]
    fit_states(path, arrays, {name: one.state for name, one in held})
    problem.net.load_state_dict(arrays)
    folder.checkpoint(number).unlink(missing_ok=True)
    return Trained(**{**trained, "history": history})


def fingerprint(data: Data) -> str:
    """A hash of the training arrays."""
    seal = hashlib.sha256()
    if is_tree(data[0]):
        seal.update(" ".join(leaves(data[0])).encode())
    for array in [*leaves(data[0]).values(), *data[1:]]:
        seal.update(f"{array.shape} {array.dtype}".encode())
        seal.update(np.ascontiguousarray(array).tobytes())
    return seal.hexdigest()
