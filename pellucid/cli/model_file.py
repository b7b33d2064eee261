"""Finding the model that a command is given."""

from __future__ import annotations

from pathlib import Path

from pellucid.errors import ModelFileError, RunFolderError
from pellucid.train.folder import CHECKPOINT, MODEL
from pellucid.train.model import Model


def load(run: Path) -> Model:
    """The model of a run folder or of a model file that was trained on a table."""
    if not run.exists():
        raise RunFolderError(f"There is no run {run}.")
    path = run / MODEL if run.is_dir() else run
    if not path.exists():
        unfinished = (run / CHECKPOINT).exists()
        hint = "its training has not ended: go on with fit --resume" if unfinished else "no run"
        raise RunFolderError(f"{run} holds no model: {hint}.")
    model = Model.load(path)
    if model.preparation is None:
        raise ModelFileError(
            f"{path} was trained on arrays, not on a table: use it from Python with Model.load."
        )
    return model
