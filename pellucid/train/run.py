"""What a run of training leaves: the best model, its history, and the reasons."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pellucid.data.note import counted
from pellucid.hints import RUN, missing
from pellucid.train.choices import Choice
from pellucid.train.events import Evaluated
from pellucid.train.model import Model
from pellucid.train.records import Records


@dataclass(frozen=True)
class Run:
    """A finished run.

    model:           with the best weights.
    history:         one entry an epoch, the first before any training.
    best_epoch:      the epoch whose weights the model has.
    stopped_because: why training stopped, in words.
    reasons:         every choice that was made, with its rule.
    folder:          where it was written, None if nowhere.
    diverged:        whether the loss became NaN or infinite; the model is the best before that.
    interrupted:     whether the user stopped it; the model is the best until then.
    log:             what was measured, record by record (see `pellucid.train.records`).
    """

    model: Model
    history: tuple[Evaluated, ...]
    best_epoch: int
    stopped_because: str
    reasons: tuple[Choice, ...]
    folder: Path | None = None
    diverged: bool = False
    interrupted: bool = False
    log: Records = field(default_factory=Records, repr=False, compare=False)

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            raise missing(repr(type(self).__name__), name, RUN)

    @property
    def records(self) -> Any:
        """The records as a data frame of the library that you have: see `Records.frame`."""
        return self.log.frame()

    @property
    def best(self) -> Evaluated:
        """The history's entry of the best epoch; without any finite score, of the one kept."""
        entries = [entry for entry in self.history if self.best_epoch == entry.epoch]
        return next((entry for entry in reversed(entries) if entry.best), entries[-1])

    def __str__(self) -> str:
        best = self.best
        measured = "training" if best.validation_loss is None else "validation"
        metric = best.train_metric if best.validation_metric is None else best.validation_metric
        named = "" if metric is None or best.metric == "loss" else f"{best.metric} {metric:.4g}, "
        ended = "diverged" if self.diverged else "stopped"
        epochs = counted(self.history[-1].epoch, "epoch")
        return (
            f"Trained for {epochs}, then {ended}: {self.stopped_because}. "
            f"Best epoch {self.best_epoch}: {measured} {named}loss {best.score:.4g}."
        )

    __repr__ = __str__
