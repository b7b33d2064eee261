"""Loading the model of a command's RUN argument."""

from __future__ import annotations

from pathlib import Path

from pellucid.errors import ModelFileError, RunFolderError
from pellucid.train.model import Model
from pellucid.train.storage.folder import MODEL, RunFolder


def load(run: Path) -> Model:
    """The model in a run folder or a model file.

    An absent model raises `RunFolderError`; a model that was not trained on a table, `ModelFileError`.
    """
    if not run.exists():
        raise RunFolderError(f"There is no run {run}.")
    path = run / MODEL if run.is_dir() else run
    if not path.exists():
        if RunFolder(run).is_begun:
            raise RunFolderError(
                f"{run} holds no model yet, its training has not ended: give its fit command again "
                "with --resume."
            )
        raise RunFolderError(f"{run} is a folder without a model: name a folder made by fit.")
    model = Model.load(path)
    if model.preparation is None:
        raise ModelFileError(
            f"{path} was trained on arrays, not on a table: use it from Python with Model.load."
        )
    return model
