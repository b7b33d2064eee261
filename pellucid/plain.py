"""Settings of a class of the user's own as JSON with their types, since it may have no annotations.

Texts, booleans, integers, finite numbers, null and lists are themselves. Tuples, dicts, infinities, NaN
and arrays are objects with a "type". The caller's `inner` function handles anything else.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from pellucid import schema
from pellucid.check import brief
from pellucid.errors import ModelFileError

MOST = 100_000
"""Elements of an array among settings."""

_WHOLE = 10**18
_FLOATS = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}
_DTYPES = ("bool", "uint8", "int32", "int64", "float32", "float64")
_ARRAY = schema.record(
    type=schema.one_of("array"),
    dtype=schema.one_of(*_DTYPES),
    shape=schema.items(schema.whole(0, MOST), most=32),
    items=schema.items(schema.anything, most=MOST),
)
_FLOAT = schema.record(type=schema.one_of("float"), value=schema.one_of(*_FLOATS))
_SEVERAL = schema.record(type=schema.one_of("tuple", "dict"), items=schema.items(schema.anything))
_NUMBER = schema.either(
    schema.whole(-_WHOLE, _WHOLE),
    schema.flag,
    schema.number(),
    lambda value, where: _FLOATS[schema.one_of(*_FLOATS)(value, where)],
)

Inner = Callable[[Any, str], Any]


def write(value: Any, where: str, inner: Inner) -> Any:
    """A setting as JSON; `inner` writes, or refuses, what is no plain value."""
    if isinstance(value, np.generic) and value.dtype.name in _DTYPES:
        value = value.item()
    if (
        value is None
        or isinstance(value, (bool, str))
        or (type(value) is int and abs(value) < _WHOLE)
    ):
        return value
    if type(value) is float:
        return value if math.isfinite(value) else {"type": "float", "value": str(value)}
    if type(value) is list:
        return [write(item, f"{where}[{at}]", inner) for at, item in enumerate(value)]
    if type(value) is tuple:
        items = [write(item, f"{where}[{at}]", inner) for at, item in enumerate(value)]
        return {"type": "tuple", "items": items}
    if type(value) is dict and all(type(key) in (str, int, bool) for key in value):
        pairs = [[key, write(item, f"{where}.{key}", inner)] for key, item in value.items()]
        return {"type": "dict", "items": pairs}
    if isinstance(value, np.ndarray) and value.dtype.name in _DTYPES and value.size <= MOST:
        flat = [
            str(x) if x != x or x in (math.inf, -math.inf) else x for x in value.ravel().tolist()
        ]
        shape = list(value.shape)
        return {"type": "array", "dtype": value.dtype.name, "shape": shape, "items": flat}
    return inner(value, where)


def read(value: Any, where: str, inner: Inner) -> Any:
    """The setting that `write` wrote; `inner` reads an object with another "type"."""
    if isinstance(value, list):
        return [read(item, f"{where}[{at}]", inner) for at, item in enumerate(value)]
    if not isinstance(value, dict):
        return value
    readers = {"float": _float, "array": _array}
    kind = value.get("type")
    if kind in ("tuple", "dict"):
        items = _SEVERAL(value, where)["items"]
        return _tuple(items, where, inner) if kind == "tuple" else _dict(items, where, inner)
    if isinstance(kind, str) and kind in readers:
        return readers[kind](value, where)
    return inner(value, where)


def _tuple(items: list[Any], where: str, inner: Inner) -> tuple[Any, ...]:
    return tuple(read(item, f"{where}[{at}]", inner) for at, item in enumerate(items))


def _dict(items: list[Any], where: str, inner: Inner) -> dict[Any, Any]:
    mapping: dict[Any, Any] = {}
    for pair in items:
        if not isinstance(pair, list) or len(pair) != 2 or type(pair[0]) not in (str, int, bool):
            raise schema.refuse(where, "pairs of a name and a value", pair)
        if pair[0] in mapping:
            raise ModelFileError(f"{where}: {brief(pair[0])} is given twice")
        mapping[pair[0]] = read(pair[1], f"{where}.{str(pair[0])[:60]}", inner)
    return mapping


def _float(value: Any, where: str) -> float:
    return _FLOATS[_FLOAT(value, where)["value"]]


def _array(value: Any, where: str) -> np.ndarray[Any, Any]:
    array = _ARRAY(value, where)
    if math.prod(array["shape"]) != len(array["items"]):
        raise schema.refuse(where, f"values for the shape {array['shape']}", len(array["items"]))
    numbers = [_NUMBER(item, where) for item in array["items"]]
    try:
        return np.array(numbers, array["dtype"]).reshape(array["shape"])
    except (ValueError, OverflowError, TypeError) as error:
        raise ModelFileError(f"{where}: {error}") from error
