"""Tables and numbers on the screen."""

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

PATIENCE = 2.0
"""Seconds after which a user wants to see that something goes on."""

WIDTH = 80
"""Columns of a terminal that texts are wrapped to."""

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
    "accuracy": "share of rows predicted right",
    "balanced_accuracy": "the same, each class counting alike",
    "log_loss": "how sure it was of wrong answers; 0 is perfect",
    "auc": "chance of ranking two rows right; 0.5 is guessing",
    "rmse": "typical error, in the target's unit, large ones weighing more",
    "mae": "mean error, in the target's unit",
    "r2": "share of the variation explained; 0 is always saying the mean",
}


def metric_lines(metrics: Mapping[str, float | None]) -> list[str]:
    """A line for each metric, in the order of `NAMES`: its name, value and meaning."""
    rows = [
        (NAMES[name], "not defined" if value is None else readable(value), MEANING[name])
        for name, value in sorted(metrics.items(), key=lambda pair: list(NAMES).index(pair[0]))
    ]
    return columns(rows, indent=2)


def as_json_text(value: object) -> str:
    """A value as JSON; numbers that it cannot hold are null, and named in "not_finite"."""
    return json.dumps(to_plain(value), allow_nan=False)


def interruption(details: Mapping[str, Any]) -> str:
    """What is to be said of the model of an interrupted run."""
    complete, networks = (details["interrupted"][name] for name in ("complete", "networks"))
    came = f"with {complete} of {networks} networks complete, which are this model"
    if not complete:
        epoch = details["epochs"][0]
        came = f"after {epoch} {'epoch' if epoch == 1 else 'epochs'}"
        came += f" of the first of {networks} networks" if networks > 1 else ""
    return (
        f"The run was interrupted {came}: give its fit command again with --resume to complete it."
    )


class Patient:
    """Says what reading is at, on standard error, every so many seconds that it takes."""

    def __init__(self) -> None:
        self._next = time.monotonic() + PATIENCE

    def __call__(self, line: str) -> None:
        """Show the line if it is time to."""
        if time.monotonic() > self._next:
            self._next += PATIENCE
            print(line, file=sys.stderr, flush=True)


def show_notes(notes: Sequence[Note]) -> None:
    """What was noticed in a table, on standard error."""
    for note in notes:
        print(f"pellucid: note: {note.text}", file=sys.stderr)


def columns(rows: Sequence[Sequence[str]], indent: int = 0, most: int = 60) -> list[str]:
    """Rows as lines with aligned columns; a cell longer than `most` is cut, but for the last."""
    cut = [
        [
            cell if len(cell) <= most or at == len(row) - 1 else cell[: most - 1] + "…"
            for at, cell in enumerate(row)
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
    """A text as lines of at most `width`, those after the first further in."""
    return textwrap.wrap(text, width, initial_indent=" " * indent, subsequent_indent=" " * hanging)
