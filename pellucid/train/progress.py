"""Showing how training goes: a live line in a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from pellucid.data.note import readable
from pellucid.train.events import (
    Callback,
    Evaluated,
    Event,
    Progressed,
    RateReduced,
    Started,
    Stopped,
)

_PLAIN_SECONDS = 2.0


@contextmanager
def reporter(wanted: bool) -> Iterator[Callback]:
    """A callback that shows progress on standard error, or none if not wanted."""
    if not wanted:
        yield _Silent()
    elif sys.stderr.isatty() or "ipykernel" in sys.modules:
        from pellucid.train.live import live_progress

        with live_progress() as shown:
            yield shown
    else:
        yield PlainLines()


class _Silent:
    def __call__(self, event: Event) -> None:
        """Show nothing."""


class PlainLines:
    """A line for the first and the last epoch, and every two seconds between."""

    def __init__(self) -> None:
        self._shown = 0.0
        self._epochs = 0

    def __call__(self, event: Event) -> None:
        """Show one event."""
        if isinstance(event, Started):
            self._epochs = event.epochs
            if event.networks > 1:
                self._line(f"network {event.network + 1} of {event.networks}")
        elif isinstance(event, Evaluated):
            if event.epoch == 0 or time.monotonic() - self._shown > _PLAIN_SECONDS:
                self._line(describe(event, self._epochs))
        elif isinstance(event, Progressed):
            if time.monotonic() - self._shown > _PLAIN_SECONDS:
                self._line(f"epoch {event.epoch + 1}, step {event.step:,}: loss {event.loss:.4g}")
        elif isinstance(event, RateReduced):
            self._line(f"epoch {event.epoch}: learning rate reduced to {event.learning_rate:.2g}")
        elif isinstance(event, Stopped):
            self._line(f"stopped at epoch {event.epoch}: {event.because}")

    def _line(self, text: str) -> None:
        self._shown = time.monotonic()
        print(text, file=sys.stderr, flush=True)


def describe(event: Evaluated, epochs: int) -> str:
    """An epoch in one line."""
    text = f"epoch {event.epoch}/{epochs}: training loss {readable(event.train_loss)}"
    text += f", {event.metric} {readable(event.train_metric)}"
    if event.validation_loss is not None and event.validation_metric is not None:
        text += f"; validation loss {readable(event.validation_loss)}"
        text += f", {event.metric} {readable(event.validation_metric)}"
    return text + (" (best)" if event.best else "")
