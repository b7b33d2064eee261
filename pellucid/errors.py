"""The errors and warnings that a user of Pellucid can meet and act on."""

from __future__ import annotations

import sys
import warnings
from typing import Any


class PellucidError(Exception):
    """Something in the data, a file or the settings is wrong; the message says what and where."""


class DataError(PellucidError):
    """A table cannot be read, or lacks what was asked for."""


class ModelFileError(PellucidError):
    """A model file is truncated, altered, or was not written by Pellucid."""


class RunFolderError(PellucidError):
    """A run folder exists already, is missing, or cannot be written.

    run: what `fit` or `fit_table` had trained when writing failed, as it would have returned it;
         None if nothing was trained.
    """

    run: Any = None


class NotFiniteError(PellucidError):
    """Training diverged, or a network puts out values that are NaN or infinite.

    run: the run that diverged, with the best weights before that; None for a prediction.
    """

    run: Any = None


class PellucidWarning(UserWarning):
    """A problem that was dealt with, and that may change how a result is read."""


class OutOfRangeError(PellucidError, OverflowError, ValueError):
    """A number is beyond the range of its type."""


class TracingError(PellucidError, ValueError):
    """A function would build another graph the next time, though a graph is built once."""


def warn(text: str) -> None:
    """Give a PellucidWarning at the line of the user's code that called the package."""
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and _is_ours(frame.f_globals.get("__name__", "")):
        frame, level = frame.f_back, level + 1
    warnings.warn(text, PellucidWarning, stacklevel=level)


def _is_ours(module: str) -> bool:
    """Whether a module is the package's, or runs its context managers."""
    return module.partition(".")[0] in ("pellucid", "contextlib")
