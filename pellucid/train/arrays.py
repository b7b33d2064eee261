"""Checking the arrays that a user trains on."""

from __future__ import annotations

from typing import Any

import numpy as np

from pellucid.errors import DataError
from pellucid.graph import Array

Label = str | int | float | bool


def inputs(x: Any, what: str) -> Array:
    """The inputs as float32 (integers that are indices stay int32), shape (n, …).

    Raises DataError for no rows, no axes beside the rows, text, or values that are not finite.
    """
    array = _array(x, what)
    if array.ndim < 2:
        raise DataError(
            f"{what} has shape {array.shape}; it should be (rows, features): "
            "reshape a single feature with X.reshape(-1, 1)."
        )
    if array.dtype.kind not in "fiub":
        raise DataError(f"{what} holds {array.dtype}, not numbers; fit a table instead.")
    if 0 in array.shape:
        raise DataError(f"{what} has shape {array.shape}: there is nothing to learn from.")
    result = np.ascontiguousarray(array, np.float32)
    bad = ~np.isfinite(result)
    if bad.any():
        column = int(np.argmax(bad.reshape(-1, bad.shape[-1]).any(axis=0)))
        raise DataError(
            f"{what} holds {int(bad.sum()):,} values that are missing or infinite, the first in "
            f"column {column}; fill them in, or fit a table, where that is done for you."
        )
    return result


def targets(y: Any, rows: int, what: str) -> Array:
    """The targets, with as many rows as the inputs: (n,) or (n, k)."""
    array = _array(y, what)
    if array.ndim == 0 or len(array) != rows:
        raise DataError(f"{what} has shape {array.shape}, the inputs have {rows:,} rows.")
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        count = int((~np.isfinite(array)).sum())
        raise DataError(f"{what} holds {count:,} values that are missing or infinite.")
    return array


def weights(w: Any, y: Array, what: str) -> Array:
    """The weights of targets y, float32: (n,), or y's shape.

    Raises DataError for another shape, or weights that are negative, not finite, or all 0.
    """
    array = _array(w, what)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.shape not in (y.shape, y.shape[:1]) or array.dtype.kind not in "fiub":
        raise DataError(
            f"{what} holds weights of shape {array.shape}; it should be numbers of shape "
            f"{' or '.join(map(str, dict.fromkeys((y.shape[:1], y.shape))))}."
        )
    result = np.ascontiguousarray(array, np.float32)
    wrong = ~(np.isfinite(result) & (result >= 0))
    if wrong.any():
        place = int(np.argmax(wrong.reshape(len(wrong), -1).any(axis=1)))
        value = float(result[wrong].flat[0])
        raise DataError(
            f"{what} holds the weight {value:g} in row {place}; weights are at least 0."
        )
    if not result.any():
        raise DataError(f"{what} holds no weight above 0: there is nothing to learn from.")
    return result


def are_classes(y: Array) -> bool:
    """Integers, conditions and texts are classes; floats are values."""
    return y.ndim == 1 and y.dtype.kind in "iubUSO"


def encode_classes(y: Array, classes: tuple[Label, ...], what: str) -> Array:
    """The place of each label in `classes`, int32; raises DataError for an unknown one."""
    table = np.array(classes)
    places = np.minimum(np.searchsorted(table, y), len(table) - 1)
    unknown = table[places] != y
    if unknown.any():
        first = y[unknown].tolist()[0]
        raise DataError(
            f"{what} holds the class {first!r}, which does not occur in the training rows."
        )
    return places.astype(np.int32)


def class_labels(y: Array) -> tuple[Label, ...]:
    """The labels that occur, in order; raises DataError if there is only one."""
    if y.dtype.kind == "O":
        y = y.astype(str)
    labels: tuple[Label, ...] = tuple(np.unique(y).tolist())
    if len(labels) < 2:
        raise DataError(f"Every target is {labels[0]!r}: there is nothing to learn.")
    return labels


def _array(values: Any, what: str) -> Array:
    try:
        return np.asarray(values)
    except (ValueError, TypeError) as error:
        raise DataError(f"{what} is not an array: {error}.") from error
