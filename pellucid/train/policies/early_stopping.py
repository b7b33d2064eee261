"""Stopping where the score no longer improves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pellucid.train.actions import Stop
from pellucid.train.events import Answer, Callback, Evaluated, Event, RateChanged
from pellucid.train.policies.plateau import ReduceOnPlateau


class EarlyStopping(Callback):
    """End training after `patience` epochs without a better score (Prechelt 1998).

    The epochs are counted from the best one, or from the last change of the rate.

    plateau: a policy that reduces the rate before training ends; None for none.
    """

    def __init__(self, patience: int, plateau: ReduceOnPlateau | None = None) -> None:
        self.patience = patience
        self.plateau = plateau
        self.stale = 0
        self.best_epoch: int | None = None

    def __call__(self, event: Event, /) -> Answer:
        """Stop after an evaluation, if it is due."""
        if isinstance(event, RateChanged):
            self.stale = 0
        if not isinstance(event, Evaluated):
            return None
        waits = self.plateau is not None and not self.plateau.is_exhausted
        self.stale = 0 if event.best or event.epoch == 0 else self.stale + 1
        if event.best:
            self.best_epoch = event.epoch if event.is_finite else None
        if waits or self.stale < self.patience:
            return None
        if self.best_epoch is None:
            return Stop(f"the validation loss was not finite in any of {event.epoch} epochs")
        return Stop(
            f"the validation loss has not improved for {self.patience} epochs since epoch "
            f"{self.best_epoch}"
        )

    def state_dict(self) -> dict[str, Any]:
        """Epochs since the best one or the last change of the rate, and the best."""
        return {"stale": self.stale, "best_epoch": self.best_epoch}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from there."""
        self.stale, self.best_epoch = int(state["stale"]), state["best_epoch"]
