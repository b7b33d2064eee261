"""The folder of a run: the model, its history, and the checkpoint while it trains."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

from pellucid.errors import RunFolderError
from pellucid.train.events import Evaluated, Event
from pellucid.train.files import make_folder, remove_leftovers, write_atomically
from pellucid.train.model import Model

MODEL = "model.safetensors"
CHECKPOINT = "checkpoint.safetensors"
HISTORY = "history.jsonl"
_OURS = (MODEL, CHECKPOINT, HISTORY)


@dataclass
class RunFolder:
    """Where a run is kept."""

    path: Path
    _lines: list[str] = field(default_factory=list)
    _began: float = field(default_factory=time.monotonic)

    @classmethod
    def open(cls, path: Path, *, resume: bool = False, force: bool = False) -> RunFolder:
        """Make the folder, or take one that exists if asked to resume or to replace it.

        Raises RunFolderError if it exists otherwise, or cannot be made.
        """
        exists = path.exists() and (not path.is_dir() or any(path.iterdir()))
        if exists and not (resume or force):
            raise RunFolderError(
                f"{path} exists already: choose another with --out, replace it with --force, "
                "or go on with it with --resume."
            )
        make_folder(path)
        folder = cls(path)
        for name in _OURS:
            remove_leftovers(path, name)
        if force and not resume:
            for name in _OURS:
                (path / name).unlink(missing_ok=True)
        return folder

    @property
    def checkpoint(self) -> Path:
        """The checkpoint file."""
        return self.path / CHECKPOINT

    @property
    def model(self) -> Path:
        """The model file."""
        return self.path / MODEL

    def record(self, event: Event) -> None:
        """Keep the history: one JSON object an epoch, with the seconds since training began."""
        if not isinstance(event, Evaluated):
            return
        entry = {**asdict(event), "seconds": round(time.monotonic() - self._began, 3)}
        self._lines.append(json.dumps(entry))

    def finish(self, model: Model) -> None:
        """Write the history and the model, then remove the checkpoint."""
        history = "".join(f"{line}\n" for line in self._lines)
        write_atomically(self.path / HISTORY, history.encode())
        model.save(self.model)
        self.checkpoint.unlink(missing_ok=True)
