"""Writing checkpoints."""

from __future__ import annotations

import time

from pellucid.train.actions import Save
from pellucid.train.events import Answer, Callback, Checkpointed, Event, Progressed, Started

SHARE = 50
"""Writing takes at most one part of so many of the time."""


class Checkpointing(Callback):
    """Write a checkpoint every so many seconds, or less often where writing takes long.

    The result of training does not depend on when it happens.
    """

    def __init__(self, seconds: float = 1.0) -> None:
        self.seconds = seconds
        self._asked = self._next = 0.0

    def __call__(self, event: Event, /) -> Answer:
        """Ask for a checkpoint if one is due."""
        now = time.monotonic()
        if isinstance(event, Started):
            self._next = now + self.seconds
        elif isinstance(event, Checkpointed):
            self._next = now + max(self.seconds, SHARE * (now - self._asked))
        elif isinstance(event, Progressed) and now >= self._next:
            self._asked = now
            return Save()
        return None
