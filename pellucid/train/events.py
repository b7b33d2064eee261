"""What a run tells as it goes: plain records, received by plain callback objects."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Started:
    """Training of a network begins. epoch, step: 0, or where a resumed run goes on.

    network, networks: which one of how many the run trains, from 0.
    """

    epochs: int
    steps_per_epoch: float
    epoch: int
    step: int
    network: int = 0
    networks: int = 1


@dataclass(frozen=True)
class Progressed:
    """Some steps were made. loss: the mean over their batches; seconds: since training began."""

    epoch: int
    step: int
    loss: float
    learning_rate: float
    seconds: float


@dataclass(frozen=True)
class Evaluated:
    """An epoch ended (0: before the first) and the network was measured in evaluation mode.

    train_loss, train_metric: on training rows (at most the number that `fit` documents).
    validation_loss, validation_metric: on the validation rows, None without any.
    metric: its name. best: whether this is the best so far.
    """

    epoch: int
    step: int
    learning_rate: float
    train_loss: float
    train_metric: float
    validation_loss: float | None
    validation_metric: float | None
    metric: str
    best: bool

    @property
    def score(self) -> float:
        """What early stopping looks at, the lower the better."""
        return self.train_loss if self.validation_loss is None else self.validation_loss

    @property
    def is_finite(self) -> bool:
        """Whether the score is a number: NaN and infinity are worse than every number."""
        return math.isfinite(self.score)

    def beats(self, other: Evaluated) -> bool:
        """Whether this epoch is better than another."""
        return self.is_finite and (not other.is_finite or self.score < other.score)


@dataclass(frozen=True)
class RateReduced:
    """The validation loss stagnated, so η was divided and the best weights were restored."""

    epoch: int
    learning_rate: float


@dataclass(frozen=True)
class Checkpointed:
    """Everything needed to go on was written."""

    step: int


@dataclass(frozen=True)
class Stopped:
    """Training ended and the best weights were restored."""

    epoch: int
    step: int
    best_epoch: int
    because: str


Event = Started | Progressed | Evaluated | RateReduced | Checkpointed | Stopped


class Callback(Protocol):
    """Anything that wants to know: it is called with each event as it happens."""

    def __call__(self, event: Event, /) -> None:
        """Receive one event."""
        ...


def tell(callbacks: Sequence[Callback], event: Event) -> None:
    """Send an event to every callback, in order."""
    for callback in callbacks:
        callback(event)
