"""Stopping where the score no longer improves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pellucid.train.actions import Stop
from pellucid.train.events import Answer, Callback, Evaluated, Event
from pellucid.train.policies.plateau import ReduceOnPlateau


class EarlyStopping(Callback):
    """End training after `patience` epochs without a better score (Prechelt 1998).

    The epochs are counted from the best one, or from the last reduction of the rate.

    plateau: a policy that reduces the rate before training ends; None for none.
    """

    def __init__(self, patience: int, plateau: ReduceOnPlateau | None = None) -> None:
        self.patience = patience
        self.plateau = plateau
        self.since = 0
        self.best_epoch: int | None = None

    def __call__(self, event: Event, /) -> Answer:
        """Stop after an evaluation, if it is due."""
        if not isinstance(event, Evaluated):
            return None
        if event.best or event.epoch == 0:
            self.since = event.epoch
        if event.best:
            self.best_epoch = event.epoch if event.is_finite else None
        if self.plateau is not None and not self.plateau.is_exhausted:
            return None
        reduced = 0 if self.plateau is None else self.plateau.since
        if event.epoch - max(self.since, reduced) < self.patience:
            return None
        score = event.monitor.replace(".", " ")
        if self.best_epoch is None:
            return Stop(f"the {score} was not finite in any of {event.epoch} epochs")
        return Stop(
            f"the {score} has not improved for {self.patience} epochs since epoch {self.best_epoch}"
        )

    def state_dict(self) -> dict[str, Any]:
        """The epoch from which patience counts, and the best."""
        return {"since": self.since, "best_epoch": self.best_epoch}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from there."""
        self.since, self.best_epoch = int(state["since"]), state["best_epoch"]
