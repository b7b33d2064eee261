"""A smaller learning rate where the score stagnates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pellucid.train.actions import Rollback, SetRate
from pellucid.train.events import Answer, Callback, Evaluated, Event


class ReduceOnPlateau(Callback):
    """η times `factor`, from the best weights on, after `patience` epochs without a better score.

    At most `times` times. He et al. 2015 divide by 10 "when the error plateaus".
    """

    def __init__(self, patience: int, factor: float = 0.1, times: int = 1) -> None:
        self.patience = patience
        self.factor = factor
        self.times = times
        self.since = 0
        self.reductions = 0

    @property
    def is_exhausted(self) -> bool:
        """Whether the rate is not reduced any more."""
        return self.reductions >= self.times

    def __call__(self, event: Event, /) -> Answer:
        """Reduce the rate after an evaluation, if it is due."""
        if not isinstance(event, Evaluated):
            return None
        if event.best or event.epoch == 0:
            self.since = event.epoch
        if self.is_exhausted or event.epoch - self.since < self.patience:
            return None
        self.reductions += 1
        self.since = event.epoch
        return [SetRate(factor=self.factor), Rollback()]

    def state_dict(self) -> dict[str, Any]:
        """The epoch of the best score or the last reduction, and the reductions."""
        return {"since": self.since, "reductions": self.reductions}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from there."""
        self.since, self.reductions = int(state["since"]), int(state["reductions"])
