"""How elements of each data type are held in memory and in registers."""

from __future__ import annotations

from typing import Literal

from pellucid.graph.dtype import DType

ElementKind = Literal["i1", "i8", "i32", "i64", "f32", "f64"]

_KINDS: dict[str, ElementKind] = {
    "bool": "i1",
    "uint8": "i32",
    "int32": "i32",
    "int64": "i64",
    "float32": "f32",
    "float64": "f64",
}


def kind_of(dtype: DType) -> ElementKind:
    """The kind that holds an element in registers; uint8 is widened, so that it is never signed."""
    return _KINDS[dtype.name]


def stored_kind(dtype: DType) -> ElementKind:
    """The kind that holds an element in memory."""
    return "i8" if dtype.name in ("bool", "uint8") else _KINDS[dtype.name]
