"""Showing how training goes: a live line in a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from pellucid.data.note import readable
from pellucid.train.events import (
    BATCHES,
    TRAIN,
    VALIDATION,
    CallbackFunction,
    Evaluated,
    Event,
    Progressed,
    RateChanged,
    Started,
    Stopped,
)

_PLAIN_SECONDS = 2.0


@contextmanager
def reporter(wanted: bool) -> Iterator[CallbackFunction]:
    """A callback that shows progress on standard error, or none if not wanted."""
    if not wanted:
        yield _Silent()
    elif sys.stderr.isatty() or "ipykernel" in sys.modules:
        from pellucid.train.live import live_progress

        with live_progress() as line:
            yield line
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
            due = event.epoch == 0 or time.monotonic() - self._shown > _PLAIN_SECONDS
            if due and event.measures:
                self._line(describe(event, self._epochs))
        elif isinstance(event, Progressed):
            if time.monotonic() - self._shown > _PLAIN_SECONDS:
                self._line(f"epoch {event.epoch + 1}, step {event.step:,}: loss {event.loss:.4g}")
        elif isinstance(event, RateChanged):
            self._line(f"epoch {event.epoch}: learning rate changed to {event.learning_rate:.2g}")
        elif isinstance(event, Stopped):
            self._line(f"stopped at epoch {event.epoch}: {event.reason}")

    def _line(self, text: str) -> None:
        self._shown = time.monotonic()
        print(text, file=sys.stderr, flush=True)


def describe(event: Evaluated, epochs: int) -> str:
    """An epoch in one line."""
    parts = [
        _measured("training", event.train_loss, event.metric, event.train_metric),
        _measured("validation", event.validation_loss, event.metric, event.validation_metric),
    ]
    if event.train_loss is None and event.batch_loss is not None:
        parts.insert(0, f"loss of its batches {readable(event.batch_loss)}")
    own = [
        f"{name.removeprefix(f'{BATCHES}.')} {readable(value)}"
        for name, value in event.measures.items()
        if name.partition(".")[0] not in (TRAIN, VALIDATION) and name != f"{BATCHES}.loss"
    ]
    text = "; ".join([part for part in parts if part] + own)
    return f"epoch {event.epoch}/{epochs}: {text}" + (" (best)" if event.best else "")


def _measured(rows: str, loss: float | None, name: str, metric: float | None) -> str:
    if loss is None:
        return ""
    text = f"{rows} loss {readable(loss)}"
    return text if metric is None or name == "loss" else f"{text}, {name} {readable(metric)}"
