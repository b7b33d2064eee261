"""What a step of one's own is trained on: arrays, memory-mapped files, or an iterable of batches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pellucid.errors import DataError
from pellucid.nn.inputs import leaves, mapped
from pellucid.train.batches import Batches, GatheredBatches, IteratedBatches, ResidentBatches
from pellucid.train.batches.gathered import step_dtype
from pellucid.train.batches.resident import part_name
from pellucid.train.inputs.arrays import as_numbers, finite
from pellucid.train.inputs.stored import in_memory, is_stored

Data = tuple[Any, ...]


def batches_for(train: Any, batch_size: int, steps_per_epoch: int | None, seed: int) -> Batches:
    """Batches of what a user gives.

    Arrays (one, a tuple of parts, trees of them) are shuffled and cut into batches; anything else that
    can be iterated over gives batches itself.
    """
    if is_arrays(train):
        if steps_per_epoch is not None:
            raise ValueError("steps_per_epoch is for an iterable of batches; arrays have rows")
        data, rows = checked(train, "train")
        kind = ResidentBatches if in_memory(data) else GatheredBatches
        return kind(data, min(batch_size, rows), seed, rows)
    return IteratedBatches(train, steps_per_epoch)


def is_arrays(data: Any) -> bool:
    """Whether something is an array, a tuple of parts or a dict of arrays; else it gives batches."""
    return isinstance(data, (tuple, Mapping)) or hasattr(data, "shape")


def checked(data: Any, what: str) -> tuple[Data, int]:
    """The parts of arrays as a step computes with them, and their rows.

    Files that are memory-mapped stay where they are. Raises DataError for text, for values that are
    not finite, or where the parts have different numbers of rows.
    """
    parts = data if isinstance(data, tuple) else (data,)

    def converted(name: str, part: Any) -> Any:
        if is_stored(part):
            return part
        array = as_numbers(part, f"{what}: {name}")
        if array.dtype.kind == "f":
            return finite(array, f"{what}: {name}")
        return np.ascontiguousarray(array, step_dtype(array.dtype))

    data = tuple(mapped(converted, part, part_name(i)) for i, part in enumerate(parts))
    counts = {
        name: len(a) for i, p in enumerate(data) for name, a in leaves(p, part_name(i)).items()
    }
    if len(set(counts.values())) != 1:
        listed = ", ".join(f"{name} has {count:,}" for name, count in counts.items())
        raise DataError(f"The parts of {what} have different numbers of rows: {listed}.")
    rows = next(iter(counts.values()))
    if rows == 0:
        raise DataError(f"{what} has no rows.")
    return data, rows
