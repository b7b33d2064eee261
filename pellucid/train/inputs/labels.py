"""Class labels as they are: integers of any size, texts, conditions, numbers, mixed, or missing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np

from pellucid.data.form.convert import is_missing
from pellucid.errors import DataError
from pellucid.graph import Array

Label = str | int | float | bool
MOST_BYTES = 4_000
"""Bytes of a label that is stored with its length; NumPy gives all as many as the longest."""


def plain_labels(values: Sequence[Any], what: str) -> tuple[Array, Array]:
    """Python objects as an array (n,) of the narrowest type that keeps them, and which are missing.

    All conditions, integers, numbers or texts become an array of that kind; integers that no type
    holds, and labels of several kinds, stay objects. Where a value is missing (None, NaN, NaT,
    pandas.NA) the array holds any. Raises DataError for objects of other kinds.
    """
    missing = np.array([not isinstance(v, str) and is_missing(v) for v in values], bool)
    known = [_plain(v, what) for v, gone in zip(values, missing, strict=True) if not gone]
    array = packed(known)
    out = np.zeros(len(values), array.dtype)
    out[~missing] = array
    return out, missing


def packed(labels: Sequence[Label]) -> Array:
    """Labels as an array that holds each exactly; of objects where no other type does."""
    kinds = {type(label) for label in labels}
    if kinds <= {bool} or kinds == {str} or kinds == {float}:
        return np.array(labels, None if labels else np.float64)
    if kinds == {int}:
        whole = [label for label in labels if isinstance(label, int)]
        for dtype in (np.int64, np.uint64):
            limits = np.iinfo(dtype)
            if all(limits.min <= label <= limits.max for label in whole):
                return np.array(labels, dtype)
    if kinds == {int, float} and all(_fits_float(label) for label in labels):
        return np.array(labels, np.float64)
    out = np.empty(len(labels), object)
    out[:] = labels
    return out


def classes_of(y: Array) -> tuple[Label, ...]:
    """The labels that occur, in ascending order: conditions, then numbers, then texts."""
    if y.dtype.kind == "O":
        by_key = {key_of(label): label for label in y.tolist()}
        return tuple(by_key[key] for key in sorted(by_key))
    labels: tuple[Label, ...] = tuple(np.unique(y).tolist())
    return labels


def codes_of(y: Array, classes: Sequence[Label], what: str) -> Array:
    """The index of each label in `classes`, int32; raises DataError naming one that is not there.

    Integers are compared as integers. 1 and 1.0 are one label; True and 1 are one unless the classes
    hold both conditions and numbers.
    """
    kinds = {key_of(label)[0] for label in classes}
    key = key_of if {0, 1} <= kinds else _loose
    index = {key(label): code for code, label in enumerate(classes)}
    if y.dtype.kind == "O":
        labels, back = y.tolist(), np.arange(len(y))
    else:
        different, back = np.unique(y, return_inverse=True)
        labels = different.tolist()
    codes = [index.get(key(label), -1) for label in labels]
    if -1 in codes:
        first = labels[codes.index(-1)]
        raise DataError(
            f"{what} holds the class {first!r}, which does not occur in the training rows."
        )
    return np.array(codes, np.int32)[back.reshape(-1)]


def label_array(labels: Iterable[Label], dtype: str | None) -> Array:
    """Labels in the type that they came in, or in one that holds each exactly."""
    values = list(labels)
    if dtype is None:
        return packed(values)
    kind = np.dtype(dtype)
    if kind.kind == "S":
        return np.array([str(label).encode() for label in values], kind)
    if kind.kind == "O":
        out = np.empty(len(values), object)
        out[:] = values
        return out
    return np.array(values, kind)


def type_of_labels(dtype: Any) -> str | None:
    """A NumPy type that labels can have, as text; None for another, or texts of more than 1,000."""
    kind = np.dtype(dtype)
    known = kind.kind in "biufO" or (kind.kind in "SU" and kind.itemsize <= MOST_BYTES)
    return kind.str if known else None


def _plain(value: Any, what: str) -> Label:
    """A label as Python's own type; raises DataError for what is none."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool | str):
        return value
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real) or type(value).__name__ == "Decimal":
        return float(value)
    raise DataError(
        f"{what} holds a {type(value).__name__}, {value!r:.60}: targets are numbers, texts or "
        "conditions."
    )


def _fits_float(label: Label) -> bool:
    """Whether float64 holds a number exactly."""
    if not isinstance(label, int):
        return True
    return abs(label) < 2**1023 and int(float(label)) == label


def key_of(label: Label) -> tuple[int, Label]:
    """What tells labels apart, and their order: True is not 1, but 1 is 1.0."""
    return (0 if isinstance(label, bool) else 2 if isinstance(label, str) else 1), label


def _loose(label: Label) -> tuple[int, Label]:
    """The same, with True as 1."""
    return (2 if isinstance(label, str) else 1), label
