"""Stopping when the time is up."""

from __future__ import annotations

from pellucid.train.actions import Stop
from pellucid.train.events import Answer, Callback, Event, Progressed


class TimeLimit(Callback):
    """End training after so many seconds, with a last evaluation. The result depends on the clock."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def __call__(self, event: Event, /) -> Answer:
        """Stop if the time is up."""
        if isinstance(event, Progressed) and event.seconds > self.seconds:
            return Stop(f"the time limit of {self.seconds:g} s was reached", evaluate=True)
        return None
