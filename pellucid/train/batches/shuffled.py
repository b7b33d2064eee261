"""Shuffled passes over the rows of arrays, cut into batches: what sources of arrays have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pellucid.data import RowStream
from pellucid.train.batches.base import Chunk


class ShuffledBatches:
    """Shuffled passes, a pure function of (rows, batch size, seed, step).

    Every batch has exactly `batch_size` rows and may span two passes (see `RowStream`).
    """

    replayable = True

    def __init__(self, data: tuple[Any, ...], batch_size: int, seed: int, rows: int) -> None:
        """data: inputs, an array or a tree of them, and further arrays of as many rows."""
        self.data = data
        self.stream = RowStream(rows, min(batch_size, rows), seed)
        self.steps_per_epoch: float | None = self.stream.steps_per_pass

    def epoch_end(self, epoch: int) -> int:
        """The number of steps after which an epoch is complete."""
        return -(-(epoch + 1) * self.stream.count // self.stream.batch_size)

    def epoch_at(self, step: int, epoch: int) -> float:
        """Passes over the rows."""
        return step * self.stream.batch_size / self.stream.count

    def put_back(self, chunk: Chunk, used: int) -> None:
        """Nothing to do: the rows of a step are a function of its number."""

    def state_dict(self) -> dict[str, Any]:
        """Nothing: the rows of a step are a function of its number."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any], step: int) -> None:
        """Nothing to do."""
