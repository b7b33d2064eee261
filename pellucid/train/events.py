"""What a run tells as it goes: plain records of what happened, which callbacks receive and answer."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from pellucid.parts import Part
from pellucid.train.actions import Action
from pellucid.train.records import ProbeBlock, Record

TRAIN, VALIDATION, BATCHES = "train", "validation", "batches"
"""The rows that a measure is of: training rows, validation rows, the batches as they were trained on."""


@dataclass(frozen=True)
class Started:
    """Training of a network begins. epoch, step: 0, or where a resumed run goes on.

    steps_per_epoch: None while it is not known. network, networks: which one of how many the run
    trains, from 0.
    """

    epochs: int
    steps_per_epoch: float | None
    epoch: int
    step: int
    network: int = 0
    networks: int = 1


@dataclass(frozen=True)
class Progressed:
    """Some steps were made, as many as fit some hundredths of a second: for showing progress.

    loss: the mean over their batches. seconds: since training began. When it comes depends on a
    clock, so an answer to it that changes training makes results depend on it.
    """

    epoch: int
    step: int
    loss: float
    learning_rate: float
    seconds: float


@dataclass(frozen=True)
class Stepped:
    """A callback's `every` steps were made. loss, reports: those of the last of them."""

    epoch: int
    step: int
    loss: float
    reports: Mapping[str, float]
    learning_rate: float


@dataclass(frozen=True)
class Evaluated:
    """An epoch ended (0: before the first) and the networks were measured in evaluation mode.

    measures: by what they are of and what they are: "validation.loss", "train.accuracy". Those of
              "batches" are means over the epoch's batches, in training mode, as they were met.
    metric:   the name of the metric beside the loss. best: whether this is the best so far.
    monitor:  the measure that best weights and early stopping go by, the lower the better; "" if
              there is none, and the last weights are kept.
    """

    epoch: int
    step: int
    learning_rate: float
    measures: Mapping[str, float]
    metric: str
    best: bool
    monitor: str = f"{VALIDATION}.loss"

    @property
    def batch_loss(self) -> float | None:
        """The mean loss over the epoch's batches, None before the first epoch."""
        return self.measures.get(f"{BATCHES}.loss")

    @property
    def train_loss(self) -> float | None:
        """The loss on training rows in evaluation mode, None where it is not measured."""
        return self.measures.get(f"{TRAIN}.loss")

    @property
    def train_metric(self) -> float | None:
        """The metric on training rows, None where it is not measured."""
        return self.measures.get(f"{TRAIN}.{self.metric}")

    @property
    def validation_loss(self) -> float | None:
        """The loss on the validation rows, None without any."""
        return self.measures.get(f"{VALIDATION}.loss")

    @property
    def validation_metric(self) -> float | None:
        """The metric on the validation rows, None without any."""
        return self.measures.get(f"{VALIDATION}.{self.metric}")

    @property
    def score(self) -> float:
        """What early stopping looks at, the lower the better; NaN where there is nothing."""
        return self.measures.get(self.monitor, math.nan)

    @property
    def is_finite(self) -> bool:
        """Whether the score is a number, where there is one: NaN and infinity are worse than any."""
        return not self.monitor or math.isfinite(self.score)

    def beats(self, other: Evaluated) -> bool:
        """Whether this epoch is better than another."""
        return self.is_finite and (not other.is_finite or self.score < other.score)

    def is_best(self, best: Evaluated | None, weights_are_finite: bool) -> bool:
        """Whether this epoch is the best so far; without a measure to choose by, the last one is."""
        if not self.monitor:
            return weights_are_finite
        return self.is_finite if best is None else self.beats(best)


@dataclass(frozen=True)
class Recorded:
    """Records were made (see `pellucid.train.records`); iterate over `records` for each of them."""

    records: Iterable[Record] | ProbeBlock


@dataclass(frozen=True)
class Diverged:
    """A loss, weights or an optimizer's slots became NaN or infinite.

    step: the step in which it happened. cause: where, in words.
    An answer of SetRate, Rollback or Replace lets training go on, otherwise it ends. It goes on with
    that step, from the weights and slots before it; with `Rollback`, or where those were not finite
    either, from the best weights with new slots.
    """

    epoch: int
    step: int
    cause: str


@dataclass(frozen=True)
class RateChanged:
    """The learning rate was changed by an action. learning_rate: η from now on."""

    epoch: int
    learning_rate: float


@dataclass(frozen=True)
class Checkpointed:
    """Everything needed to go on was written."""

    step: int


@dataclass(frozen=True)
class Stopped:
    """Training ended and the best weights were restored. reason: why it ended."""

    epoch: int
    step: int
    best_epoch: int
    reason: str


Event = (
    Started
    | Progressed
    | Stepped
    | Evaluated
    | Recorded
    | Diverged
    | RateChanged
    | Checkpointed
    | Stopped
)
Answer = Action | Iterable[Action] | None


class CallbackFunction(Protocol):
    """Anything that is called with each event as it happens, and may answer with actions."""

    def __call__(self, event: Any, /) -> Answer:
        """Receive one event."""
        ...


class Callback(Part):
    """A callback with settings and a memory: a base to derive from; a plain function will do too.

    every: steps after which it receives `Stepped`, None for never. A subclass that remembers anything
    from event to event says what in `state_dict`: it is in the checkpoint, so that a resumed run goes on
    as if it had never stopped.
    """

    every: int | None = None

    def __call__(self, event: Event, /) -> Answer:
        """Receive one event; return an action, several, or None."""
        return None

    def state_dict(self) -> dict[str, Any]:
        """What is remembered, as JSON values."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Remember what `state_dict` gave."""
