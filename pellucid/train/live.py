"""The live progress line of a terminal or a notebook."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, Task, TextColumn, TimeRemainingColumn
from rich.table import Column
from rich.text import Text

from pellucid.data.note import readable
from pellucid.train.events import CallbackFunction, Evaluated, Event, Progressed, Started, Stopped

TEXT_WIDTH = 72
"""Columns that the text beside the bar takes."""


@contextmanager
def live_progress() -> Iterator[CallbackFunction]:
    """A bar over the epochs with loss, metric, learning rate and the time left at most."""
    console = Console(file=sys.stderr)
    with Progress(
        BarColumn(bar_width=max(8, min(24, console.width - TEXT_WIDTH))),
        TextColumn("{task.description}", table_column=Column(no_wrap=True)),
        _TimeLeft(compact=True, table_column=Column(no_wrap=True)),
        console=console,
        transient=False,
    ) as bar:
        yield _Live(bar)


class _TimeLeft(TimeRemainingColumn):
    """The time that the epochs which are left take, while that is known."""

    def render(self, task: Task) -> Text:
        """Such as "max 0:12"."""
        if task.finished or task.time_remaining is None:
            return Text("")
        return Text.assemble("max ", super().render(task))


class _Live:
    """Keeps the bar's numbers up to date."""

    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self._task = bar.add_task("preparing", total=None)
        self._measured = self._network = ""
        self._epochs = 0

    def __call__(self, event: Event) -> None:
        """Show one event."""
        if isinstance(event, Started):
            self._epochs = event.epochs
            per_epoch = event.steps_per_epoch
            steps = None if per_epoch is None else event.epochs * per_epoch
            if event.networks > 1:
                self._network = f"network {event.network + 1}/{event.networks} "
            self._measured = ""
            text = f"{self._network}preparing"
            self._bar.reset(self._task, total=steps, completed=event.step, description=text)
        elif isinstance(event, Progressed):
            text = f"{self._network}epoch {event.epoch + 1}/{self._epochs} loss {event.loss:.3g}"
            text += f"{self._measured} rate {event.learning_rate:.0e}"
            self._bar.update(self._task, completed=event.step, description=text)
        elif isinstance(event, Evaluated):
            metric = event.validation_metric
            metric = event.train_metric if metric is None else metric
            self._measured = "" if metric is None else f" {event.metric} {readable(metric)}"
        elif isinstance(event, Stopped):
            text = f"{self._network}stopped at epoch {event.epoch}, best {event.best_epoch}"
            text += self._measured
            self._bar.update(self._task, total=event.step, completed=event.step, description=text)
