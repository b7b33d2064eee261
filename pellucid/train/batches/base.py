"""Batches: what a training loop asks of the source of its rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from pellucid.graph import Array

Signature = tuple[tuple[str, tuple[int, ...], str], ...]
"""Name, shape and type of every array of a batch: a step is compiled for each."""


@dataclass(frozen=True)
class Chunk:
    """Batches of consecutive steps.

    steps:      how many; 0 where an epoch ended without another batch.
    feeds:      arrays with a leading axis of that length, for the inputs of the step's graph.
    signature:  what one batch looks like.
    ends_epoch: whether the last of them is the last of an epoch.
    """

    steps: int
    feeds: Mapping[str, Array]
    signature: Signature
    ends_epoch: bool

    def first(self, steps: int) -> Chunk:
        """The first of its steps."""
        feeds = {name: array[:steps] for name, array in self.feeds.items()}
        return Chunk(steps, feeds, self.signature, False)


class Batches(Protocol):
    """A source of batches.

    steps_per_epoch: how many batches are an epoch, not always a whole number; None if it is not
    known before the first epoch has ended. replayable: whether `take` gives the same again for the
    same step.
    """

    steps_per_epoch: float | None
    replayable: bool

    def tensors(self, signature: Signature) -> tuple[Any, ...]:
        """The parts of one batch as graph (inputs, a tensor or a tree of them, then targets …)."""
        ...

    def signature(self) -> Signature:
        """What the first batch looks like."""
        ...

    def take(self, step: int, epoch: int, most: int) -> Chunk:
        """The batches from a step on, at most so many, all of one signature and of one epoch."""
        ...

    def put_back(self, chunk: Chunk, used: int) -> None:
        """Only the first `used` steps of the last chunk were made: the next `take` begins after them."""
        ...

    def epoch_at(self, step: int, epoch: int) -> float:
        """How many epochs, with a fraction, a step has behind it; `epoch` are complete."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """What is needed to go on from here, as JSON values; empty for a function of the step."""
        ...

    def load_state_dict(self, state: Mapping[str, Any], step: int) -> None:
        """Go on from where `state_dict` was taken, `step` steps after the beginning."""
        ...
