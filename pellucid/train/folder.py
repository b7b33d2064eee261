"""The folder of a run: the model, its history, and the checkpoint while it trains."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from pellucid.errors import RunFolderError
from pellucid.train.events import Evaluated
from pellucid.train.files import (
    cause,
    check_writable,
    make_folder,
    remove_leftovers,
    write_atomically,
)
from pellucid.train.model import Model
from pellucid.train.plain import to_plain

MODEL = "model.safetensors"
CHECKPOINT = "checkpoint.safetensors"
HISTORY = "history.jsonl"
REPLACED = "replaced.safetensors"
_NETWORKS = "network-*.safetensors"


@dataclass(frozen=True)
class RunFolder:
    """Where a run is kept."""

    path: Path

    @classmethod
    def open(cls, path: Path, *, resume: bool = False, force: bool = False) -> RunFolder:
        """Make the folder, or take one that exists if asked to resume or to replace it.

        Raises RunFolderError if it exists otherwise, if there is nothing left to resume, or if it
        cannot be made.
        """
        exists = path.exists() and (not path.is_dir() or any(path.iterdir()))
        if resume and cls(path).is_finished:
            raise RunFolderError(
                f"The run in {path} is finished, there is nothing to resume: use it as it is, or "
                "replace it with --force."
            )
        if exists and not (resume or force):
            raise RunFolderError(
                f"{path} exists already: choose another with --out, replace it with --force, "
                "or go on with it with --resume."
            )
        make_folder(path)
        check_writable(path)
        folder = cls(path)
        remove_leftovers(path)
        if force and not resume:
            folder._set_aside()
        return folder

    def _set_aside(self) -> None:
        """Make room for a new run; the model that it replaces stays until the new one is there."""
        try:
            if self.model.exists():
                self.model.replace(self.path / REPLACED)
            for old in [self.checkpoint, self.path / HISTORY, *self.path.glob(_NETWORKS)]:
                old.unlink(missing_ok=True)
        except OSError as error:
            raise RunFolderError(
                f"Cannot replace the run in {self.path}: {cause(error)}."
            ) from error

    @property
    def checkpoint(self) -> Path:
        """The checkpoint file."""
        return self.path / CHECKPOINT

    @property
    def model(self) -> Path:
        """The model file."""
        return self.path / MODEL

    @property
    def is_begun(self) -> bool:
        """Whether a run left something to go on from."""
        return self.checkpoint.exists() or any(self.path.glob(_NETWORKS))

    @property
    def is_finished(self) -> bool:
        """Whether the run came to its end: the model is written last."""
        return self.model.exists()

    def network(self, number: int) -> Path:
        """The file of a network whose training has ended, until the run has."""
        return self.path / f"network-{number}.safetensors"

    def finish(self, model: Model, histories: Sequence[Sequence[Evaluated]]) -> None:
        """Write the history and the model, then remove what was needed to resume.

        The history has one JSON object an epoch, with the number of its network. A folder that was
        deleted meanwhile is made again.
        """
        entries = [
            {"network": number, **asdict(entry)}
            for number, history in enumerate(histories)
            for entry in history
        ]
        lines = "".join(f"{json.dumps(to_plain(entry), allow_nan=False)}\n" for entry in entries)
        make_folder(self.path)
        write_atomically(self.path / HISTORY, lines.encode())
        model.save(self.model)
        self.tidy()

    def hand_over(
        self, model: Model, histories: Sequence[Sequence[Evaluated]], run: object
    ) -> None:
        """`finish`, where whatever fails is a RunFolderError that holds the run."""
        try:
            self.finish(model, histories)
        except Exception as error:
            raise unsaved(error, run, self.path) from error

    def tidy(self) -> None:
        """Remove what only an unfinished run needs, and the model that it replaced."""
        remove_leftovers(self.path)
        for leftover in [self.checkpoint, self.path / REPLACED, *self.path.glob(_NETWORKS)]:
            leftover.unlink(missing_ok=True)


@contextmanager
def opened(out: str | Path | None, *, resume: bool, force: bool) -> Iterator[RunFolder | None]:
    """The folder of a run, None without one; a new one that is left empty by an error is removed."""
    if out is None:
        yield None
        return
    path = Path(out)
    existed = path.exists()
    folder = RunFolder.open(path, resume=resume, force=force)
    try:
        yield folder
    except BaseException:
        if not existed:
            with suppress(OSError):
                path.rmdir()
        raise


def unsaved(error: Exception, run: object, path: Path) -> RunFolderError:
    """The error that a run could not be written, with the run in it."""
    text = str(error) if isinstance(error, RunFolderError) else f"Cannot write to {path}: {error}"
    failure = RunFolderError(text)
    failure.run = run
    failure.add_note("What was trained is not lost: it is the attribute `run` of this error.")
    return failure
