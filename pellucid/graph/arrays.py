"""Values that users pass, as NumPy arrays. Sparse matrices, masks and lists of tensors are refused.

NumPy would make object arrays of unknown objects, drop masks, and compute tensors in a list, which cuts
them off from the graph.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from pellucid.graph.dtype import FLOAT32, DType, as_dtype, fitted
from pellucid.graph.op import Array


class Symbolic:
    """A value of a graph. A list of them is refused, since NumPy would compute each."""

    __slots__ = ()


def is_number(value: Any) -> bool:
    """Whether `value` is a Python number, which takes the type of the tensor it meets."""
    return isinstance(value, (bool, int, float)) and not isinstance(value, np.generic)


def array_of(value: Any) -> Array:
    """`value` as an array of numbers, of whatever type it has; raises TypeError if it is not one."""
    # No array is masked before the module of masks is loaded, which would take a while.
    if "numpy.ma" in sys.modules and np.ma.is_masked(value):
        raise TypeError("a tensor cannot hold a masked array: fill it first, as with x.filled(0)")
    if hasattr(value, "tocoo") and hasattr(value, "toarray"):
        raise TypeError(f"a tensor cannot hold a sparse matrix ({_kind(value)}): use x.toarray()")
    if isinstance(value, (list, tuple)) and _holds_tensor(value):
        raise TypeError("a list of tensors is no tensor: join them with pel.stack")
    try:
        array = np.asarray(value)
    except (ValueError, TypeError) as error:
        if isinstance(value, (list, tuple)):
            raise ValueError(
                "a tensor holds lists of one length, got a ragged (inhomogeneous) list"
            ) from None
        raise TypeError(f"a tensor cannot hold a {_kind(value)}: {error}") from None
    if array.dtype.kind == "O":
        raise TypeError(_of_objects(array))
    return array


def natural(value: Any) -> Array:
    """`value` as an array whose type a tensor of it has: Python floats are float32, arrays stay.

    Of a tensor it is the value now. Raises as `array_of` does.
    """
    if isinstance(value, Symbolic):
        return np.asarray(value)
    array = array_of(value)
    python = not isinstance(value, (np.ndarray, np.generic))
    return fitted(array, FLOAT32 if python and array.dtype == np.float64 else as_dtype(array.dtype))


def converted(value: Any, dtype: DType) -> Array:
    """`value` as an array of this type; raises as `array_of` and `fitted` do."""
    array = array_of(value)
    as_dtype(array.dtype)  # raises TypeError for texts and dates
    return fitted(array, dtype)


@contextmanager
def noted(where: str) -> Iterator[None]:
    """Errors that values raise inside say where the values came from."""
    try:
        yield
    except (ValueError, TypeError) as error:
        error.add_note(where)
        raise


def supported(value: Any) -> Array:
    """`value` as an array of its own in C order, in the nearest type that a tensor can hold.

    Raises TypeError for what is not numbers, OutOfRangeError for integers beyond int64.
    """
    array = array_of(value)
    return fitted(array, as_dtype(array.dtype))


def _of_objects(array: Array) -> str:
    """The reason why NumPy made an array of objects."""
    first = next((item for item in array.flat if not isinstance(item, (bool, int, float))), None)
    if first is None and array.size and all(item is not None for item in array.flat):
        return "a tensor cannot hold integers beyond int64; divide them, or give them as floats"
    return f"a tensor cannot hold a {_kind(first)} (NumPy type 'object'): it holds numbers"


def _kind(value: Any) -> str:
    return value.__name__ if isinstance(value, type) else type(value).__name__


def _holds_tensor(value: list[Any] | tuple[Any, ...]) -> bool:
    return any(
        isinstance(item, Symbolic) or (isinstance(item, (list, tuple)) and _holds_tensor(item))
        for item in value
    )
