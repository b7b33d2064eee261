"""Ctrl-C while a network trains.

Python delivers an interrupt between any two instructions, after a step was made, say, and before it
was counted. Training so lets it wait for a moment at which its position is whole, some hundredths of
a second at most, and can go on from there as if nothing had been. A second one is not kept waiting.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Self


class Abandoned(KeyboardInterrupt):
    """The user did not want to wait: nothing more is kept than what is on the disk."""


class Interrupts:
    """While it is entered, an interrupt waits for `poll`, which delivers it; a second does not.

    polled: whether one was delivered so, where the position is whole. Outside of the main thread,
    which alone receives interrupts, and where they are ignored, nothing changes.
    """

    def __init__(self) -> None:
        self.polled = False
        self.postponed = 0
        self._waiting = False
        self._previous: Any = None

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            previous = signal.getsignal(signal.SIGINT)
            if callable(previous):
                self._previous = previous
                _entered.append(self)
                signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        if self in _entered:
            _entered.remove(self)
            signal.signal(signal.SIGINT, self._previous)
            self._deliver()

    def _note(self, number: int, frame: FrameType | None) -> None:
        if not self._waiting:
            self._waiting = True
            return
        try:
            self._previous(number, frame)
        except KeyboardInterrupt:
            self._waiting = False
            raise Abandoned from None

    def _deliver(self) -> None:
        if self._waiting:
            self._waiting = False
            self._previous(signal.SIGINT, None)

    def poll(self) -> None:
        """Deliver the interrupt that waits, unless it is postponed."""
        if self.postponed:
            return
        self.polled = self._waiting
        self._deliver()


_entered: list[Interrupts] = []


def poll() -> None:
    """Deliver an interrupt that waits for a moment like this one, if there is any."""
    if _entered and threading.current_thread() is threading.main_thread():
        _entered[-1].poll()


@contextmanager
def postponed() -> Iterator[None]:
    """Inside, `poll` delivers nothing: the position is not whole while callbacks are called."""
    current = _entered[-1] if _entered else None
    if current is None:
        yield
        return
    current.postponed += 1
    try:
        yield
    finally:
        current.postponed -= 1
