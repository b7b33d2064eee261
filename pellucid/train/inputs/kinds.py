"""What inputs a network takes: shape and type of each, and arrays made to fit them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid import schema
from pellucid.errors import DataError
from pellucid.graph import Array, Tensor, placeholder
from pellucid.nn.inputs import inputs_text, is_tree, leaves, mapped
from pellucid.train.inputs.arrays import as_numbers, finite
from pellucid.train.inputs.precision import check_precision
from pellucid.train.inputs.stored import Stored

_TEXT = re.compile(r"(float32|int32|int64)\[([0-9]{1,16}(?:,[0-9]{1,16})*)?\]")
_LENGTHS = schema.items(schema.whole(1), most=31)
_DEEPEST = 8
"""Trees within each other in a model file, at most."""


@dataclass(frozen=True)
class Kind:
    """One input: the shape of a row, and float32, or int32 or int64 for indices."""

    shape: tuple[int, ...]
    dtype: str = "float32"

    def __str__(self) -> str:
        return f"{self.dtype}[{','.join(map(str, self.shape))}]"

    def example(self, name: str = "x", rows: int = 1) -> Tensor:
        """An input of this kind, for building graph."""
        return placeholder(name, (rows, *self.shape), np.dtype(self.dtype))

    def array(self, x: Any, what: str) -> Any:
        """The rows of an array in this kind; raises DataError if they cannot be."""
        array: Any = x if isinstance(x, Stored) else as_numbers(x, what)
        if array.shape[1:] != self.shape or array.ndim == 0:
            lengths = ", ".join(map(str, ("n", *self.shape)))
            raise DataError(
                f"The model takes inputs of shape ({lengths}{',' * (not self.shape)}), but {what} "
                f"has shape {array.shape}."
            )
        if isinstance(array, Stored):
            return _stored(array, np.dtype(self.dtype), what)
        if self.dtype == "float32":
            numbers = finite(array, what)
            check_precision(array, what, refuse=False)
            return numbers
        return _whole(array, np.dtype(self.dtype), what)


def examples(kinds: Any, name: str = "x") -> Any:
    """Inputs of these kinds, for building graph."""
    if isinstance(kinds, Kind):
        return kinds.example(name)
    if isinstance(kinds, Mapping):
        return {key: examples(kind, f"{name}.{key}") for key, kind in kinds.items()}
    return tuple(examples(kind, f"{name}.{i}") for i, kind in enumerate(kinds))


def kinds_of(x: Any) -> Any:
    """The kind of each array of a tree."""
    return mapped(lambda _, array: Kind(array.shape[1:], array.dtype.name), x)


def like(x: Any, kinds: Any, what: str) -> Any:
    """Inputs made to fit: a tree of arrays as `kinds` says, with as many rows each.

    Raises DataError, naming the input, for other inputs, shapes or numbers.
    """
    _check_alike(x, kinds, what)
    if isinstance(kinds, Kind):
        return kinds.array(x, what)
    if isinstance(kinds, Mapping):
        checked: Any = {key: like(x[key], kinds[key], f"{what}[{key!r}]") for key in kinds}
    else:
        checked = tuple(like(x[i], kind, f"{what}[{i}]") for i, kind in enumerate(kinds))
    check_rows(checked, what)
    return checked


def check_rows(x: Any, what: str) -> int:
    """How many rows a tree of arrays has; raises DataError unless each has as many."""
    counts = {name: len(array) for name, array in leaves(x, "").items()}
    first, *rest = counts
    for name in rest:
        if counts[name] != counts[first]:
            raise DataError(
                f"{where(what, name)} has {counts[name]:,} rows, but {where(what, first)} has "
                f"{counts[first]:,}: each input has a row for every target."
            )
    return counts[first]


def where(what: str, name: str) -> str:
    """An input as the user writes it: train[0]['user'] or train[0][1]."""
    keys = [key for key in name.split(".") if key]
    return what + "".join(f"[{key}]" if key.isdecimal() else f"[{key!r}]" for key in keys)


def _check_alike(x: Any, kinds: Any, what: str) -> None:
    """Raise DataError unless there are the inputs that are wanted, by number or by name."""
    if isinstance(kinds, Kind):
        if is_tree(x):
            raise DataError(f"The network takes one input, but {what} holds {inputs_text(x)}.")
        return
    wanted = f"The network takes {inputs_text(kinds)}"
    if not is_tree(x):
        form = "a dict" if isinstance(kinds, Mapping) else "a tuple"
        raise DataError(f"{wanted}: {what} should be {form} of arrays.")
    if isinstance(kinds, Mapping) != isinstance(x, Mapping):
        form = "a dict of their names" if isinstance(kinds, Mapping) else "a tuple"
        raise DataError(f"{wanted}, in {form}, but {what} is a {type(x).__name__}.")
    same = set(x) == set(kinds) if isinstance(kinds, Mapping) else len(x) == len(kinds)
    if not same:
        raise DataError(f"{wanted}, but {what} holds {inputs_text(x)}.")


def _stored(array: Stored, dtype: np.dtype[Any], what: str) -> Stored:
    """Rows of a file in a type, which numbers of `arrays.inputs` can be."""
    if dtype.kind == "i":
        for _, part in array.chunks():
            _whole(part, dtype, what)
    return array.astype(dtype)


def _whole(array: Array, dtype: np.dtype[Any], what: str) -> Array:
    """Indices as integers of a type; raises DataError for what is none."""
    if array.dtype.kind == "f":
        finite(array, what)
    limits = np.iinfo(dtype)
    inside = (array >= limits.min) & (array <= limits.max)
    if array.dtype.kind == "f":
        # 2^63 as a float is beyond int64, though no greater than its limit as a float.
        inside &= (array == np.floor(array)) & (np.abs(array) < 2.0**63)
    if not inside.all():
        index = tuple(int(i) for i in np.argwhere(~inside)[0])
        raise DataError(
            f"{what} holds {array[index].item()!r} in row {index[0]}, but the network takes whole "
            f"numbers from {limits.min} to {limits.max} there: they are indices."
        )
    return np.ascontiguousarray(array, dtype)


def to_json(kinds: Any) -> Any:
    """Kinds as plain JSON: of one array of floats the lengths of a row, else texts in a tree."""
    if isinstance(kinds, Kind) and kinds.dtype == "float32":
        return list(kinds.shape)
    return _texts(kinds)


def _texts(kinds: Any) -> Any:
    if isinstance(kinds, Kind):
        return str(kinds)
    if isinstance(kinds, Mapping):
        return {key: _texts(kind) for key, kind in kinds.items()}
    return [_texts(kind) for kind in kinds]


def from_json(value: Any, where: str) -> Any:
    """What `to_json` wrote: a schema, so anything else raises ModelFileError."""
    lengths = isinstance(value, list) and all(type(n) is int for n in value)
    return Kind(_shape(value, where)) if lengths else _read(value, where, 0)


def _shape(lengths: list[int], where: str) -> tuple[int, ...]:
    return tuple(_LENGTHS(lengths, where))


def _read(value: Any, where: str, depth: int) -> Any:
    if isinstance(value, str):
        match = _TEXT.fullmatch(value)
        if match:
            lengths = [int(length) for length in (match[2] or "").split(",") if length]
            return Kind(_shape(lengths, where), match[1])
    elif depth < _DEEPEST and isinstance(value, dict) and value:
        return {key: _read(value[key], f"{where}.{key[:60]}", depth + 1) for key in sorted(value)}
    elif depth < _DEEPEST and isinstance(value, list) and value:
        return tuple(_read(item, f"{where}[{i}]", depth + 1) for i, item in enumerate(value))
    raise schema.refuse(where, "the shape of an input, or those of several", value)
