"""Batches of arrays that stay where they are, such as memory-mapped files larger than memory."""

from __future__ import annotations

from typing import Any

import numpy as np

from pellucid.errors import DataError
from pellucid.graph import Array, origin, placeholder
from pellucid.graph.dtype import as_dtype
from pellucid.nn.inputs import leaves, mapped
from pellucid.train.batches.base import Chunk, Signature
from pellucid.train.batches.resident import part_name
from pellucid.train.batches.shuffled import ShuffledBatches

CHUNK_BYTES = 64 * 2**20
"""Memory that the rows of one call may take."""


class GatheredBatches(ShuffledBatches):
    """Shuffled passes as `ResidentBatches` makes them, whose rows are read when their step comes.

    Anything with a shape, a dtype and indexing by sorted row numbers will do: `numpy.memmap`, and
    data sets of HDF5 and Zarr. float64 becomes float32, and rows with NaN or infinite values are
    refused when they are read.
    """

    def __init__(self, data: tuple[Any, ...], batch_size: int, seed: int, rows: int) -> None:
        """data: inputs, an array or a tree of them, and further arrays of as many rows."""
        super().__init__(data, batch_size, seed, rows)
        self._arrays: dict[str, Any] = {}
        for i, part in enumerate(data):
            self._arrays |= leaves(part, part_name(i))
        row_bytes = sum(
            int(np.prod(a.shape[1:])) * np.dtype(a.dtype).itemsize for a in self._arrays.values()
        )
        self._most = max(CHUNK_BYTES // max(row_bytes * self.stream.batch_size, 1), 1)

    def tensors(self, signature: Signature) -> tuple[Any, ...]:
        """The rows of a batch as inputs of the graph."""
        shapes = {name: (shape, dtype) for name, shape, dtype in signature}

        def rows_of(name: str, array: Any) -> Any:
            shape, dtype = shapes[name]
            return placeholder(name, shape, np.dtype(dtype))

        with origin("batch"):
            return tuple(mapped(rows_of, part, part_name(i)) for i, part in enumerate(self.data))

    def signature(self) -> Signature:
        """A batch of rows of each array."""
        size = self.stream.batch_size
        return tuple(
            (name, (size, *array.shape[1:]), step_dtype(array.dtype).name)
            for name, array in self._arrays.items()
        )

    def take(self, step: int, epoch: int, most: int) -> Chunk:
        """The rows of the next steps, read now."""
        end = self.epoch_end(epoch)
        steps = min(most, end - step, self._most)
        rows = self.stream.rows(step, steps)
        feeds = {name: gathered(array, rows, name) for name, array in self._arrays.items()}
        return Chunk(steps, feeds, self.signature(), step + steps == end)


def step_dtype(dtype: Any) -> np.dtype[Any]:
    """The type in which a step computes with values of a type."""
    nearest = as_dtype(dtype)
    return np.dtype(np.float32) if nearest.kind == "f" else nearest


def gathered(array: Any, rows: Array, name: str) -> Array:
    """Rows of an array by number, in the shape of `rows`; raises DataError for what is not finite."""
    unique, inverse = np.unique(rows, return_inverse=True)
    values = np.asarray(array[unique])[inverse.reshape(rows.shape)]
    values = np.ascontiguousarray(values, step_dtype(array.dtype))
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        wrong = rows[~np.isfinite(values).reshape(*rows.shape, -1).all(axis=-1)]
        raise DataError(f"{name} holds NaN or infinite values, such as in row {wrong.flat[0]:,}.")
    return values
