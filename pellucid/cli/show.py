"""Formatting of tables, metrics and notes for the terminal."""

from __future__ import annotations

import json
import sys
import textwrap
import time
from collections.abc import Mapping, Sequence
from typing import Any

from pellucid.data import Note
from pellucid.data.note import readable
from pellucid.train.plain import to_plain

PROGRESS_SECONDS = 2.0
"""Seconds between lines of progress."""

WIDTH = 80
"""The width in characters to which texts are wrapped."""

NAMES = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "log_loss": "log loss",
    "auc": "AUC",
    "rmse": "RMSE",
    "mae": "MAE",
    "r2": "R²",
}
MEANING = {
    "accuracy": "share of rows predicted correctly",
    "balanced_accuracy": "mean recall of the classes",
    "log_loss": "mean -log probability of the true class; 0 is perfect",
    "auc": "probability of ranking two rows correctly; 0.5 is chance",
    "rmse": "root mean squared error, in the target's unit",
    "mae": "mean absolute error, in the target's unit",
    "r2": "share of variance explained; 0 is predicting the mean",
}


def metric_lines(metrics: Mapping[str, float | None]) -> list[str]:
    """A line for each metric, in the order of `NAMES`: its name, value and meaning."""
    rows = [
        (NAMES[name], "not defined" if value is None else readable(value), MEANING[name])
        for name, value in sorted(metrics.items(), key=lambda pair: list(NAMES).index(pair[0]))
    ]
    return columns(rows, indent=2)


def as_json_text(value: object) -> str:
    """A value as JSON; numbers that are not finite are null and listed in "not_finite"."""
    return json.dumps(to_plain(value), allow_nan=False)


def interruption(details: Mapping[str, Any]) -> str:
    """A sentence on the model of an interrupted run."""
    complete, networks = (details["interrupted"][name] for name in ("complete", "networks"))
    progress = f"with {complete} of {networks} networks complete, which are this model"
    if not complete:
        epoch = details["epochs"][0]
        progress = f"after {epoch} {'epoch' if epoch == 1 else 'epochs'}"
        progress += f" of the first of {networks} networks" if networks > 1 else ""
    return (
        f"The run was interrupted {progress}: give its fit command again with --resume to complete "
        "it."
    )


class DelayedProgress:
    """Prints the progress of reading on standard error, every `PROGRESS_SECONDS`."""

    def __init__(self) -> None:
        self._next = time.monotonic() + PROGRESS_SECONDS

    def __call__(self, line: str) -> None:
        """Print the line if `PROGRESS_SECONDS` have passed since the last one."""
        if time.monotonic() > self._next:
            self._next += PROGRESS_SECONDS
            print(line, file=sys.stderr, flush=True)


def show_notes(notes: Sequence[Note]) -> None:
    """Print the notes on a table to standard error."""
    for note in notes:
        print(f"pellucid: note: {note.text}", file=sys.stderr)


def columns(rows: Sequence[Sequence[str]], indent: int = 0, most: int = 60) -> list[str]:
    """Rows as lines with aligned columns; cells are cut to `most` characters, except the last."""
    cut = [
        [
            cell if len(cell) <= most or index == len(row) - 1 else cell[: most - 1] + "…"
            for index, cell in enumerate(row)
        ]
        for row in rows
    ]
    widths = [max(map(len, cells)) for cells in zip(*cut, strict=True)]
    return [
        " " * indent
        + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in cut
    ]


def wrapped(text: str, indent: int, hanging: int, width: int = WIDTH) -> list[str]:
    """The text as lines of at most `width`; `indent` is that of the first, `hanging` of the others."""
    return textwrap.wrap(text, width, initial_indent=" " * indent, subsequent_indent=" " * hanging)
