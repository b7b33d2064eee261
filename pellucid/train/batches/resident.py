"""Batches of arrays in memory: the compiled step gathers its own rows by their numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pellucid.data import RowStream
from pellucid.graph import State, Tensor, origin, placeholder, read
from pellucid.graph.dtype import INT32
from pellucid.nn.inputs import mapped
from pellucid.train.batches.base import Chunk, Signature

PARTS = "Xyw"
"""Names of inputs, targets and weights; further parts are named by their number."""


class ResidentBatches:
    """Shuffled passes over the rows of arrays, a pure function of (rows, batch size, seed, step).

    Every batch has exactly `batch_size` rows and may span two passes (see `RowStream`).
    """

    replayable = True

    def __init__(self, data: tuple[Any, ...], batch_size: int, seed: int, rows: int) -> None:
        """data: inputs, an array or a tree of them, and further arrays of as many rows."""
        self.data = data
        self.stream = RowStream(rows, min(batch_size, rows), seed)
        self.steps_per_epoch: float | None = self.stream.steps_per_pass

    def tensors(self, signature: Signature) -> tuple[Any, ...]:
        """The rows of a batch, taken from states that hold all."""
        rows = placeholder("rows", (self.stream.batch_size,), INT32)

        def taken(name: str, array: Any) -> Tensor:
            return read(State(array, name)).take(rows)

        with origin("batch"):
            return tuple(mapped(taken, part, part_name(i)) for i, part in enumerate(self.data))

    def signature(self) -> Signature:
        """The numbers of the rows."""
        return (("rows", (self.stream.batch_size,), "int32"),)

    def take(self, step: int, epoch: int, most: int) -> Chunk:
        """The next row numbers."""
        count, batch = self.stream.count, self.stream.batch_size
        end = -(-(epoch + 1) * count // batch)
        steps = min(most, end - step)
        feeds = {"rows": self.stream.rows(step, steps)}
        return Chunk(steps, feeds, self.signature(), step + steps == end)

    def put_back(self, chunk: Chunk, used: int) -> None:
        """Nothing to do: the rows of a step are a function of its number."""

    def epoch_at(self, step: int, epoch: int) -> float:
        """Passes over the rows."""
        return step * self.stream.batch_size / self.stream.count

    def state_dict(self) -> dict[str, Any]:
        """Nothing: the rows of a step are a function of its number."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any], step: int) -> None:
        """Nothing to do."""


def part_name(index: int) -> str:
    """How the graph names a part of the batch: X, y, w, then by number."""
    return PARTS[index] if index < len(PARTS) else f"part{index}"
