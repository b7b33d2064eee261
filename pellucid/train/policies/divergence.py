"""What is done when a loss, weights or slots are no numbers any more."""

from __future__ import annotations

from pellucid.train.actions import Stop
from pellucid.train.events import Answer, Callback, Diverged, Event


class StopOnDivergence(Callback):
    """End training, with the cause. It is asked where no callback of the user's own has an answer."""

    def __call__(self, event: Event, /) -> Answer:
        """Stop if training diverged."""
        return Stop(event.cause) if isinstance(event, Diverged) else None
