"""The folder of a run: the model, its history, and the checkpoint while it trains.

Its state is one file, which is written atomically: a run without a model is unfinished; a model says
itself whether its run was interrupted and what of it is complete; any other model's run is finished.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from pellucid.errors import RunFolderError
from pellucid.train.events import Evaluated
from pellucid.train.plain import to_plain
from pellucid.train.storage import container
from pellucid.train.storage.files import (
    cause,
    check_writable,
    is_leftover,
    make_folder,
    remove_leftovers,
    write_atomically,
)
from pellucid.train.storage.lock import LOCK, locked

MODEL = "model.safetensors"
HISTORY = "history.jsonl"
RECORDS = "records.jsonl"
REPLACED = "replaced.safetensors"
_CHECKPOINTS = "checkpoint-*.safetensors"
_NETWORKS = "network-*.safetensors"

KINDS = ("model", "networks")
"""What the file of a finished run may hold: a model, or the networks of a step of one's own."""

State = Literal["unfinished", "interrupted", "finished"]


class Keepable(Protocol):
    """What a run leaves: a model, or networks."""

    details: dict[str, Any]

    def save(self, path: Path) -> None:
        """Write it to a file."""
        ...


@dataclass(frozen=True)
class RunFolder:
    """Where a run is kept."""

    path: Path

    @classmethod
    @contextmanager
    def open(cls, path: Path, *, resume: bool = False, force: bool = False) -> Iterator[RunFolder]:
        """Make the folder, or take one that exists if asked to resume or to replace it.

        No other process can open it until the block ends. Raises RunFolderError if it exists
        otherwise, if there is nothing left to resume, if another process trains in it, or if it
        cannot be made.
        """
        folder = cls(path)
        # A folder that holds something else is left without a lock's file, too.
        folder._check(resume, force)
        make_folder(path)
        with locked(path):
            check_writable(path)
            folder._check(resume, force)
            remove_leftovers(path)
            if force and not resume:
                folder._set_aside()
            yield folder

    def _check(self, resume: bool, force: bool) -> None:
        if resume and self.state == "finished":
            raise RunFolderError(
                f"The run in {self.path} is finished, there is nothing to resume: use it as it is, "
                "or replace it with force=True."
            )
        if not (resume or force or self._is_free()):
            raise RunFolderError(
                f"{self.path} exists already: choose another folder, replace it with force=True, "
                "or go on with it with resume=True."
            )

    def _is_free(self) -> bool:
        """Whether nothing is there but what a process left that was killed as it began."""
        if not self.path.exists():
            return True
        return self.path.is_dir() and all(
            file.name in (LOCK, RECORDS) or is_leftover(file) for file in self.path.iterdir()
        )

    def _set_aside(self) -> None:
        """Make room for a new run; the model that it replaces stays until the new one is there."""
        try:
            if self.model.exists():
                if not self.model.stat().st_mode & 0o222:
                    raise RunFolderError(
                        f"Cannot replace the run in {self.path}: its model is write-protected."
                    )
                self.model.replace(self.path / REPLACED)
            for old in [*self._unfinished(), self.path / HISTORY, self.path / RECORDS]:
                old.unlink(missing_ok=True)
        except OSError as error:
            raise RunFolderError(
                f"Cannot replace the run in {self.path}: {cause(error)}."
            ) from error

    @property
    def model(self) -> Path:
        """The model file."""
        return self.path / MODEL

    @property
    def state(self) -> State:
        """Whether the run came to its end; raises ModelFileError if its model is damaged."""
        if not self.model.exists():
            return "unfinished"
        details = container.read(self.model, KINDS)[1].get("details")
        interrupted = isinstance(details, dict) and details.get("interrupted")
        return "interrupted" if interrupted else "finished"

    @property
    def is_begun(self) -> bool:
        """Whether a run left something to go on from."""
        return bool(self._unfinished())

    def network(self, number: int) -> Path:
        """The file of a network whose training has ended, until the run has."""
        return self.path / f"network-{number}.safetensors"

    def checkpoint(self, number: int) -> Path:
        """The checkpoint of a network, until its training has ended."""
        return self.path / f"checkpoint-{number}.safetensors"

    def _unfinished(self) -> list[Path]:
        """What a run needs to go on."""
        return [*self.path.glob(_CHECKPOINTS), *self.path.glob(_NETWORKS)]

    def finish(self, model: Keepable, histories: Sequence[Sequence[Evaluated]]) -> None:
        """Write the history and the model, then remove what was needed to resume.

        The history has one JSON object an epoch, with the number of its network. What is needed to
        resume stays if the model is that of an interrupted run. A folder that was deleted meanwhile
        is made again.
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
        if not model.details.get("interrupted"):
            self.tidy()

    def hand_over(
        self,
        model: Keepable,
        histories: Sequence[Sequence[Evaluated]],
        run: object,
        failure: RunFolderError | None = None,
    ) -> None:
        """`finish`, where whatever fails is a RunFolderError that holds the run.

        failure: why the folder could not be written before, if it could not.
        """
        try:
            if failure is not None:
                raise failure
            self.finish(model, histories)
        except Exception as error:
            raise unsaved(error, run, self.path) from error

    def tidy(self) -> None:
        """Remove what only an unfinished run needs, and the model that it replaced."""
        remove_leftovers(self.path)
        for leftover in [*self._unfinished(), self.path / REPLACED]:
            leftover.unlink(missing_ok=True)

    @property
    def is_tidy(self) -> bool:
        """Whether there is nothing that a process left which was killed at its end."""
        extra = self.is_begun or any((self.path / name).exists() for name in (REPLACED, LOCK))
        return not (extra or any(is_leftover(file) for file in self.path.iterdir()))


@contextmanager
def run_folder(out: str | Path | None, resume: bool, force: bool) -> Iterator[RunFolder | None]:
    """`RunFolder.open`, or None where a run is not to be kept.

    A new folder that an error leaves without anything to go on from is removed.
    """
    if out is None:
        yield None
        return
    path = Path(out)
    existed = path.exists()
    try:
        with RunFolder.open(path, resume=resume, force=force) as folder:
            try:
                yield folder
            except BaseException:
                if not existed and folder._is_free():
                    (path / RECORDS).unlink(missing_ok=True)
                raise
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
