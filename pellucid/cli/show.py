"""Formatting of tables, texts and notes for the terminal."""

from __future__ import annotations

import itertools
import json
import shutil
import sys
import textwrap
import time
from collections.abc import Mapping, Sequence
from typing import Any

from pellucid.data import Note
from pellucid.data.note import shortened
from pellucid.train.plain import to_plain

PROGRESS_SECONDS = 2.0
"""Seconds between lines of progress."""

NARROWEST, WIDEST_TEXT = 40, 100
"""The narrowest width of a page, and the widest of running text, in characters."""

_LEAST_CELL = 8


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


def page_width() -> int:
    """The width of the terminal, or $COLUMNS; 80 where there is none."""
    return max(shutil.get_terminal_size().columns, NARROWEST)


def columns(
    rows: Sequence[Sequence[str]], indent: int = 0, width: int | None = None, right: bool = False
) -> list[str]:
    """Rows as lines with aligned columns, within a width (that of the page); long cells are wrapped.

    right: whether all columns but the first are aligned to the right, and never wrapped.
    """
    widths = _widths(rows, (page_width() if width is None else width) - indent, right)
    lines = []
    for row in rows:
        cells = [
            textwrap.wrap(cell, room, break_on_hyphens=False) or [""]
            for cell, room in zip(row, widths, strict=True)
        ]
        for parts in itertools.zip_longest(*cells, fillvalue=""):
            aligned = [
                part.rjust(room) if right and place else part.ljust(room)
                for place, (part, room) in enumerate(zip(parts, widths, strict=True))
            ]
            lines.append((" " * indent + "  ".join(aligned)).rstrip())
    return lines


def _widths(rows: Sequence[Sequence[str]], room: int, only_first: bool) -> list[int]:
    """The widths of columns: those of their cells, the widest (or the first) reduced until all fit."""
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    if only_first:
        rest = sum(widths[1:]) + 2 * (len(widths) - 1)
        return [max(min(widths[0], room - rest), _LEAST_CELL), *widths[1:]]
    excess = sum(widths) + 2 * (len(widths) - 1) - room
    while excess > 0 and max(widths) > _LEAST_CELL:
        widest = widths.index(max(widths))
        second = max([w for place, w in enumerate(widths) if place != widest], default=0)
        cut = min(excess, max(widths[widest] - max(second, _LEAST_CELL), 1))
        widths[widest] -= cut
        excess -= cut
    return widths


def wrapped(text: str, indent: int, hanging: int) -> list[str]:
    """The text as lines within the page; `indent` is that of the first, `hanging` of the others."""
    return textwrap.wrap(
        text,
        min(page_width(), WIDEST_TEXT),
        initial_indent=" " * indent,
        subsequent_indent=" " * hanging,
        break_on_hyphens=False,
    )


def task_words(kind: str, classes: Sequence[Any] | None) -> str:
    """A task in words: "multiclass, 3 classes"."""
    if classes is None:
        return kind
    if len(classes) == 2:
        first, second = (shortened(str(label)) for label in classes)
        return f"{kind}, classes {first} and {second}"
    return f"{kind}, {len(classes):,} classes"
