"""The kinds of loop IR that hold elements of tensors."""

from __future__ import annotations

from pellucid.compile.loop.ir import Kind
from pellucid.graph.dtype import DType

_KINDS: dict[str, Kind] = {
    "bool": "i1",
    "uint8": "i32",
    "int32": "i32",
    "int64": "i64",
    "float32": "f32",
    "float64": "f64",
}


def kind_of(dtype: DType) -> Kind:
    """The kind that holds an element in registers; uint8 is widened, so that it is never signed."""
    return _KINDS[dtype.name]


def stored_kind(dtype: DType) -> Kind:
    """The kind that holds an element in memory."""
    return "i8" if dtype.name in ("bool", "uint8") else _KINDS[dtype.name]
