"""The data types of tensors and how they combine.

Six types, ordered: bool < uint8 < int32 < int64 < float32 < float64. Two operands meet in the
later of their types, so an integer never turns float32 into float64. Python numbers are weak: they
take the type of the tensor they meet.
"""

from typing import Any

import numpy as np

DType = np.dtype[Any]

BOOL = np.dtype(np.bool_)
UINT8 = np.dtype(np.uint8)
INT32 = np.dtype(np.int32)
INT64 = np.dtype(np.int64)
FLOAT32 = np.dtype(np.float32)
FLOAT64 = np.dtype(np.float64)

ORDER: tuple[DType, ...] = (BOOL, UINT8, INT32, INT64, FLOAT32, FLOAT64)

_NEAREST: dict[str, DType] = {
    "int8": INT32,
    "int16": INT32,
    "uint16": INT32,
    "uint32": INT64,
    "uint64": INT64,
    "float16": FLOAT32,
}


def as_dtype(dtype: Any) -> DType:
    """The supported type that `dtype` names, or the nearest that holds its values.

    Raises TypeError for types that no tensor can hold (text, objects, complex numbers, dates).
    """
    given: DType = np.dtype(dtype).newbyteorder("=")
    if given in ORDER:
        return ORDER[ORDER.index(given)]
    if given.name in _NEAREST:
        return _NEAREST[given.name]
    names = ", ".join(d.name for d in ORDER)
    raise TypeError(f"a tensor cannot hold {given.name!r}; it holds one of {names}")


def fitted(array: np.ndarray[Any, Any], dtype: DType) -> np.ndarray[Any, Any]:
    """`array` in this type; raises OverflowError for an integer that the type cannot hold."""
    narrower = array.dtype.kind in "iu" and dtype.kind in "iu" and array.dtype != dtype
    if narrower and array.size:
        limits = np.iinfo(dtype)
        for number in (int(array.min()), int(array.max())):
            if not limits.min <= number <= limits.max:
                raise OverflowError(f"{dtype.name} cannot hold the integer {number}")
    return array.astype(dtype)


def promote(*dtypes: DType) -> DType:
    """The type in which operands of these types are combined."""
    return max(dtypes, key=ORDER.index)


def is_float(dtype: DType) -> bool:
    """Whether values of this type can carry a gradient."""
    return dtype.kind == "f"


def float_of(dtype: DType) -> DType:
    """The type that a real-valued function of `dtype` returns: itself if float, else float32."""
    return dtype if is_float(dtype) else FLOAT32
