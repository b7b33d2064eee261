"""Batches of arrays in memory: the compiled step gathers its own rows by their numbers."""

from __future__ import annotations

from typing import Any

from pellucid.graph import State, Tensor, origin, placeholder, read
from pellucid.graph.dtype import INT32
from pellucid.nn.inputs import mapped
from pellucid.train.batches.base import Chunk, Signature
from pellucid.train.batches.shuffled import ShuffledBatches

PARTS = "Xyw"
"""Names of inputs, targets and weights; further parts are named by their number."""


class ResidentBatches(ShuffledBatches):
    """Shuffled passes over the rows of arrays that a step takes its rows from."""

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
        end = self.epoch_end(epoch)
        steps = min(most, end - step)
        feeds = {"rows": self.stream.rows(step, steps)}
        return Chunk(steps, feeds, self.signature(), step + steps == end)


def part_name(index: int) -> str:
    """How the graph names a part of the batch: X, y, w, then by number."""
    return PARTS[index] if index < len(PARTS) else f"part{index}"
