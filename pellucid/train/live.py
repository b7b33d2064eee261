"""The live progress line of a terminal or a notebook."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from pellucid.train.events import Callback, Evaluated, Event, Progressed, Started, Stopped


@contextmanager
def live_progress() -> Iterator[Callback]:
    """A bar over the epochs with loss, metric, learning rate and the time left at most."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(file=sys.stderr)
    with Progress(
        TextColumn("[bold]training"),
        BarColumn(bar_width=24),
        TextColumn("{task.description}"),
        TextColumn("at most"),
        TimeRemainingColumn(compact=True),
        console=console,
        transient=False,
    ) as bar:
        yield _Live(bar)


class _Live:
    """Keeps the bar's numbers up to date."""

    def __init__(self, bar: object) -> None:
        from rich.progress import Progress

        assert isinstance(bar, Progress)
        self._bar = bar
        self._task = bar.add_task("starting", total=None)
        self._measured = self._network = ""
        self._epochs = 0
        self._per_epoch = 1.0

    def __call__(self, event: Event) -> None:
        """Show one event."""
        if isinstance(event, Started):
            self._epochs, self._per_epoch = event.epochs, event.steps_per_epoch
            steps = event.epochs * event.steps_per_epoch
            if event.networks > 1:
                self._network = f"network {event.network + 1}/{event.networks}  "
            self._bar.reset(self._task, total=steps, completed=event.step)
        elif isinstance(event, Progressed):
            text = f"{self._network}epoch {event.epoch + 1}/{self._epochs}  loss {event.loss:.4f}"
            text += f"{self._measured}  rate {event.learning_rate:.1e}"
            self._bar.update(self._task, completed=event.step, description=text)
        elif isinstance(event, Evaluated):
            metric = event.validation_metric
            shown = event.train_metric if metric is None else metric
            where = "training" if metric is None else "validation"
            self._measured = f"  {where} {event.metric} {shown:.4f}"
        elif isinstance(event, Stopped):
            text = f"{self._network}stopped at epoch {event.epoch}, best {event.best_epoch}"
            text += self._measured
            self._bar.update(self._task, total=event.step, completed=event.step, description=text)
