"""The data types of tensors and how they combine.

Six types, ordered: bool < uint8 < int32 < int64 < float32 < float64. Two operands meet in the
later of their types, so an integer never turns float32 into float64. Python numbers are weak: they
take the type of the tensor they meet.
"""

from typing import Any

import numpy as np

from pellucid.check import brief
from pellucid.errors import OutOfRangeError

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
    try:
        native: DType = np.dtype(dtype).newbyteorder("=")
    except (TypeError, ValueError, SyntaxError):
        raise TypeError(f"a type is one of {_names()}, got {brief(dtype)}") from None
    if dtype is None:
        raise TypeError(f"a type is one of {_names()}, got None")
    if native in ORDER:
        return ORDER[ORDER.index(native)]
    if native.name in _NEAREST:
        return _NEAREST[native.name]
    raise TypeError(f"a tensor cannot hold {native.name!r}; it holds one of {_names()}")


def _names() -> str:
    return ", ".join(d.name for d in ORDER)


def fitted(array: np.ndarray[Any, Any], dtype: DType) -> np.ndarray[Any, Any]:
    """A copy of `array` in this type and in C order. No number changes but by rounding.

    Floats are rounded and integers become the nearest float; conditions are what is not 0. Raises
    OutOfRangeError for a number beyond the type, ValueError for a fraction that an integer would lose.
    """
    if array.dtype != dtype and array.size:
        if dtype.kind in "iu":
            _check_integers(array, dtype)
        elif dtype.kind == "f" and array.dtype.kind == "f":
            _check_floats(array, dtype)
    return array.astype(dtype, order="C")


def _check_integers(array: np.ndarray[Any, Any], dtype: DType) -> None:
    limits = np.iinfo(dtype)
    if array.dtype.kind == "f":
        wrong = array[~np.isfinite(array) | (array != np.floor(array))]
        if wrong.size:
            raise ValueError(f"{dtype.name} cannot hold {wrong.flat[0]}, which is not whole")
    if array.dtype.kind in "iuf":
        for number in (int(array.min()), int(array.max())):
            if not limits.min <= number <= limits.max:
                raise OutOfRangeError(f"{dtype.name} cannot hold the integer {number}")


def _check_floats(array: np.ndarray[Any, Any], dtype: DType) -> None:
    if dtype.itemsize >= array.dtype.itemsize:
        return
    with np.errstate(over="ignore"):
        lost = np.isinf(array.astype(dtype)) & np.isfinite(array)
    if lost.any():
        raise OutOfRangeError(f"{dtype.name} cannot hold {array[lost].flat[0]}, which is too large")


def promote(*dtypes: DType) -> DType:
    """The type in which operands of these types are combined."""
    return max(dtypes, key=ORDER.index)


def is_float(dtype: DType) -> bool:
    """Whether values of this type can carry a gradient."""
    return dtype.kind == "f"


def most_exact(dtype: DType) -> int:
    """The largest n for which a type of numbers holds every integer from 0 to n."""
    if is_float(dtype):
        return int(2 ** (np.finfo(dtype).nmant + 1))
    return int(np.iinfo(dtype).max)


def float_of(dtype: DType) -> DType:
    """The type that a real-valued function of `dtype` returns: itself if float, else float32."""
    return dtype if is_float(dtype) else FLOAT32
