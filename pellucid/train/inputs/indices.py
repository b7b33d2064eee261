"""Integer inputs: which are indices, and stay integers, and which are numbers, and become floats."""

from __future__ import annotations

from typing import Any

import numpy as np

from pellucid import nn
from pellucid.errors import DataError
from pellucid.graph import Array, Node, ordered
from pellucid.graph.dtype import FLOAT32
from pellucid.nn.inputs import apply, leaves, mapped
from pellucid.train.inputs.arrays import finite
from pellucid.train.inputs.kinds import Kind, where
from pellucid.train.inputs.precision import check_precision
from pellucid.train.inputs.stored import Stored

_SAMPLED = 1_000
"""Rows of a file whose precision is looked at."""


def build(net: nn.Module, x: Any, seed: int, what: str) -> Any:
    """Build a network for inputs and return them as it takes them.

    Integers that it looks up (`Embedding`, `one_hot`) stay int32, or int64 where they are larger;
    all other numbers become float32. Raises DataError for numbers that float32 holds too coarsely.
    """
    whole = mapped(lambda name, array: _narrowed(array, where(what, name)), x, "")
    floats = mapped(lambda _, array: finite(array[:1], what), x)
    try:
        net.build(floats, seed=seed)
    except (TypeError, ValueError):
        if not _has_integers(whole):
            raise
        net.build(mapped(lambda _, array: array[:1], whole), seed=seed)
    kept, rounded = _uses(net, whole) if _has_integers(whole) else (set(), set())

    def settled(name: str, array: Any) -> Any:
        if name not in kept or name in rounded:
            check_precision(_some(array), where(what, name))
        if name in kept:
            return array
        if isinstance(array, Stored):
            return array.astype(FLOAT32)
        return finite(array, where(what, name))

    return mapped(settled, whole, "")


def _some(array: Any) -> Array:
    """An array, or of one that lies in a file some rows, evenly spaced."""
    if isinstance(array, Stored):
        return array[:: max(len(array) // _SAMPLED, 1)]
    return np.asarray(array)


def _has_integers(x: Any) -> bool:
    return any(array.dtype.kind == "i" for array in leaves(x).values())


def _narrowed(array: Any, what: str) -> Any:
    """Integers as int32, or int64 where they are larger; others as they are."""
    if array.dtype.kind not in "iu":
        return array
    low, high = _range(array)
    if high > np.iinfo(np.int64).max:
        raise DataError(
            f"{what} holds the integer {high}, beyond int64: make it a float, or a column of texts "
            "in a table."
        )
    small = np.iinfo(np.int32)
    return array.astype(np.int32 if small.min <= low and high <= small.max else np.int64)


def _range(array: Any) -> tuple[int, int]:
    """The least and the greatest of integers."""
    if not isinstance(array, Stored):
        return int(array.min()), int(array.max())
    if array.dtype.itemsize < 4:
        limits = np.iinfo(array.dtype)
        return int(limits.min), int(limits.max)
    ranges = [(int(part.min()), int(part.max())) for _, part in array.chunks()]
    return min(low for low, _ in ranges), max(high for _, high in ranges)


def _uses(net: nn.Module, x: Any) -> tuple[set[str], set[str]]:
    """The integer inputs that are looked up, and those that are made floats on the way."""
    inputs = mapped(lambda n, a: Kind(a.shape[1:], a.dtype.name).example(n), x, "")
    names = {tensor.node: name for name, tensor in leaves(inputs, "").items()}
    try:
        with nn.evaluation():
            output = apply(net, inputs)
    except (TypeError, ValueError):
        return set(), set()
    kept: set[str] = set()
    rounded: set[str] = set()
    come: dict[Node, set[str]] = {}
    for node in ordered([output.node]):
        if node in names and node.dtype.kind == "i":
            come[node] = {names[node]}
            continue
        sources = [come.get(each, set()) for each in node.inputs]
        if node.op == "take":
            kept |= sources[1]
        elif node.op == "equal":
            kept |= sources[0] | sources[1]
        elif node.op == "cast" and node.dtype.kind == "f":
            rounded |= sources[0]
        if node.dtype.kind == "i":
            come[node] = set().union(*sources)
    return kept, rounded
