"""Checking the arrays that a user trains on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pellucid.errors import DataError
from pellucid.graph import Array
from pellucid.nn.inputs import is_tree
from pellucid.train.inputs.labels import plain_labels
from pellucid.train.inputs.stored import Stored, is_stored, stored

LARGEST = float(np.finfo(np.float32).max)


def inputs(x: Any, what: str) -> Any:
    """The inputs as finite numbers: an array (n, …), or a tuple or dict of them, as they came in.

    Raises DataError, naming the input, for no rows, no axes beside the rows, text, or values that
    float32 does not hold.
    """
    if not is_tree(x) and not isinstance(x, Mapping):
        array = as_rows(x, what)
        if array.ndim < 2:
            raise DataError(
                f"{what} has shape {array.shape}; it should be (rows, features): "
                "reshape a single feature with X.reshape(-1, 1)."
            )
        return _checked(array, what)
    return {} | _named(x, what) if isinstance(x, Mapping) else tuple(_several(x, what))


def _named(x: Mapping[Any, Any], what: str) -> dict[str, Any]:
    wrong = [name for name in x if not isinstance(name, str) or not name.isidentifier()]
    if wrong or not x:
        wrong_name = repr(wrong[0]) if wrong else "none"
        raise DataError(
            f"{what} names its inputs as forward does, by identifiers, got {wrong_name}."
        )
    return {name: _one(x[name], f"{what}[{name!r}]") for name in sorted(x)}


def _several(x: tuple[Any, ...], what: str) -> list[Any]:
    return [_one(item, f"{what}[{index}]") for index, item in enumerate(x)]


def _one(x: Any, what: str) -> Any:
    """One of several inputs, which may be one number a row, such as an index."""
    return inputs(x, what) if is_tree(x) else _checked(as_rows(x, what), what)


def _checked(array: Any, what: str) -> Any:
    if 0 in array.shape or array.ndim == 0:
        raise DataError(f"{what} has shape {array.shape}: there is nothing to learn from.")
    if not isinstance(array, Stored):
        finite(array, what)
    elif array.dtype.kind == "f":
        for start, part in array.chunks():
            finite(part, what, start)
    return array


def as_rows(x: Any, what: str) -> Any:
    """An array of numbers, or the rows of one that lies in a file."""
    if not is_stored(x):
        return as_numbers(x, what)
    _check_numbers(x, what)
    return stored(x)


def as_numbers(x: Any, what: str) -> Array:
    """An array of numbers; raises DataError if it is none. A masked value is a missing one."""
    array = as_array(x, what)
    if array.dtype.kind == "O":
        raise DataError(
            f"{what} holds Python objects, not numbers: where one is missing, such as None, fill it "
            "in and convert with astype(float), or fit a table."
        )
    _check_numbers(array, what)
    return array


def _check_numbers(array: Any, what: str) -> None:
    if array.dtype.kind not in "fiub":
        raise DataError(f"{what} holds {array.dtype}, not numbers; fit a table instead.")


def finite(array: Array, what: str, start: int = 0) -> Array:
    """Numbers as float32; raises DataError naming the first that is missing or too large for it.

    start: the number of the first row.
    """
    with np.errstate(over="ignore"):
        result = np.ascontiguousarray(array, np.float32).reshape(array.shape)
    bad = ~np.isfinite(result)
    if not bad.any():
        return result
    index = tuple(int(i) for i in np.argwhere(bad)[0])
    value = float(array[index])
    where = f"row {start + index[0]}" + (f", column {index[-1]}" if len(index) > 1 else "")
    if np.isfinite(value):
        raise DataError(
            f"{what} holds the value {value:g} in {where}, but float32 holds numbers up to "
            f"{LARGEST:.2g}: scale that column, or fit a table, where that is done for you."
        )
    count = int(bad.sum())
    values = "a value that is" if count == 1 else f"{count:,} values that are"
    raise DataError(
        f"{what} holds {values} missing or infinite, {'' if count == 1 else 'the first '}in {where}; "
        "fill it in, or fit a table, where that is done for you."
    )


def targets(y: Any, rows: int, what: str) -> tuple[Array, Array]:
    """The targets, (n,) or (n, …), with as many rows as the inputs, and where they are missing.

    Objects become what they are: labels of one kind an array of that kind. Missing are None, NaN,
    NaT and pandas.NA, of y's shape. Raises DataError for other objects, dates and infinite values.
    """
    array, missing = _with_missing(y, what)
    if array.ndim == 0 or len(array) != rows:
        raise DataError(f"{what} has shape {array.shape}, the inputs have {rows:,} rows.")
    if array.ndim == 2 and array.shape[1] == 1:
        array, missing = array[:, 0], missing[:, 0]
    if array.dtype.kind == "f":
        known = np.where(missing, 0, array)
        bad = ~(np.abs(known) <= LARGEST)
        if bad.any():
            index = tuple(int(i) for i in np.argwhere(bad)[0])
            raise DataError(
                f"{what} holds the value {known[index]:g} in row {index[0]}; targets are finite, up "
                f"to {LARGEST:.2g}: mend or scale them."
            )
    return array, missing


def _with_missing(y: Any, what: str) -> tuple[Array, Array]:
    y = _unpacked(y)
    if isinstance(y, (list, tuple)) and not any(np.ndim(value) for value in y[:1]):
        # NumPy would make texts of 1 and "a", and floats of integers that are too large.
        return plain_labels(y, what) if len(y) else (np.zeros(0), np.zeros(0, bool))
    array = as_array(y, what)
    kind = array.dtype.kind
    if kind in "Mm":
        raise DataError(
            f"{what} holds dates or durations, which cannot be predicted as they are: make them "
            "numbers, such as days from a fixed date."
        )
    if kind == "S":
        array = np.char.decode(array, "utf-8", "replace")
    elif kind == "T":
        array = array.astype(object)
    elif kind not in "fiubUO":
        raise DataError(f"{what} holds {array.dtype}: targets are numbers, texts or conditions.")
    if array.dtype.kind == "O":
        labels, missing = plain_labels(array.reshape(-1).tolist(), what)
        return labels.reshape(array.shape), missing.reshape(array.shape)
    missing = np.isnan(array) if kind == "f" else np.zeros(array.shape, bool)
    return array, missing


def _unpacked(y: Any) -> Any:
    """The values of a series of another library, whose missing integers NumPy makes floats."""
    if isinstance(getattr(y, "dtype", np.dtype(float)), np.dtype) and not hasattr(y, "to_pylist"):
        return y
    make = getattr(y, "to_pylist", None) or getattr(y, "to_list", None)
    return y if make is None else make()


def weights(w: Any, y: Array, what: str) -> Array:
    """The weights of targets y, float32: (n,), or y's shape.

    Raises DataError for another shape, or weights that are negative, not finite, or all 0.
    """
    array = as_array(w, what)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.shape not in (y.shape, y.shape[:1]) or array.dtype.kind not in "fiub":
        raise DataError(
            f"{what} holds weights of shape {array.shape}; it should be numbers of shape "
            f"{' or '.join(map(str, dict.fromkeys((y.shape[:1], y.shape))))}."
        )
    with np.errstate(over="ignore"):
        result = np.ascontiguousarray(array, np.float32)
    wrong = ~(np.isfinite(result) & (result >= 0))
    if wrong.any():
        row = int(np.argmax(wrong.reshape(len(wrong), -1).any(axis=1)))
        value = float(result[wrong].flat[0])
        raise DataError(f"{what} holds the weight {value:g} in row {row}; weights are at least 0.")
    if not result.any():
        raise DataError(f"{what} holds no weight above 0: there is nothing to learn from.")
    return result


def are_classes(y: Array) -> bool:
    """Integers, conditions and texts are classes; floats are values."""
    return y.ndim == 1 and y.dtype.kind in "iubUO"


def as_array(values: Any, what: str) -> Array:
    """The values as an array, masked ones as NaN or None; raises DataError if they are none."""
    if hasattr(values, "toarray") and not isinstance(values, np.ndarray):
        raise DataError(f"{what} is a sparse matrix: give {what}.toarray() if memory holds it.")
    if isinstance(values, np.ma.MaskedArray):
        return _unmasked(values)
    try:
        return np.asarray(values)
    except (ValueError, TypeError) as error:
        why = str(error).rstrip(".")
        raise DataError(
            f"{what} is not an array: {why}. Several inputs are a tuple or a dict of arrays."
        ) from error


def _unmasked(values: Any) -> Array:
    """A masked array as a plain one, with NaN or None for what is masked."""
    if values.dtype.kind == "f":
        return np.asarray(values.filled(np.nan))
    mask = np.ma.getmaskarray(values)
    if not mask.any():
        return np.asarray(values.data)
    objects = np.array(values.data, object)
    objects[mask] = None
    return objects
