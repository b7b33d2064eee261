"""Columns and tables from NumPy arrays."""

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.data.column import (
    MISSING_BOOLEAN,
    MISSING_DATE,
    BooleanColumn,
    Column,
    DateColumn,
    NumberColumn,
)
from pellucid.data.note import Note
from pellucid.data.table import Table
from pellucid.data.texts import column_from_texts
from pellucid.errors import DataError


def table_from_array(array: NDArray[Any]) -> Table:
    """The table in an array: (n, d) gives the columns x0 … x{d-1}, (n,) the column x0.

    A structured array (n,) gives its fields. Arrays of other shapes raise `DataError`.
    """
    if array.dtype.names:
        return table_from_columns({name: array[name] for name in array.dtype.names})
    if array.ndim == 1:
        return table_from_columns({"x0": array})
    if array.ndim != 2:
        raise DataError(
            f"A table needs an array of one or two dimensions (rows, columns), not {array.shape}."
        )
    return table_from_columns({f"x{index}": array[:, index] for index in range(array.shape[1])})


def table_from_columns(arrays: Mapping[str, Any]) -> Table:
    """The table whose columns are these arrays or sequences, each of one dimension."""
    columns: list[Column] = []
    notes: list[Note] = []
    for name, values in arrays.items():
        array = _as_array(str(name), values)
        if array.ndim != 1:
            raise DataError(f"The column '{name}' should be one-dimensional, not {array.shape}.")
        column, column_notes = column_from_array(str(name), array)
        columns.append(column)
        notes.extend(column_notes)
    if not columns:
        raise DataError("The table holds no columns.")
    table = Table(tuple(columns), tuple(notes))
    if table.rows == 0:
        raise DataError("The table holds no rows.")
    return table


def _as_array(name: str, values: Any) -> NDArray[Any]:
    """The values as an array. A list becomes an array of objects, so mixed types stay distinct."""
    if isinstance(values, np.ma.MaskedArray):
        array = np.array(values.data, object)
        array[np.ma.getmaskarray(values)] = None
        return array
    if isinstance(values, np.ndarray):
        return values
    if isinstance(values, str | bytes) or not isinstance(values, Sequence):
        if hasattr(values, "__array__"):
            return np.asarray(values)
        raise DataError(f"The column '{name}' should be an array, not a {type(values).__name__}.")
    array = np.empty(len(values), object)
    array[:] = list(values)
    return array


def column_from_array(name: str, array: NDArray[Any]) -> tuple[Column, list[Note]]:
    """The column in an array (n,) of a plain type; complex numbers and records raise `DataError`."""
    kind = array.dtype.kind
    if kind == "b":
        return BooleanColumn(name, array.astype(np.int8)), []
    if kind in "iu":
        return NumberColumn(name, array.astype(np.float64), whole=True), []
    if kind == "f":
        dtype = np.float32 if array.dtype.itemsize <= 4 else np.float64
        return NumberColumn(name, np.array(array, dtype)), []
    if kind == "M":
        return DateColumn(name, _seconds(array)), []
    if kind == "m":
        return NumberColumn(name, _duration(array)), []
    if kind == "S":
        array = np.char.decode(array, "utf-8", "replace")
    if kind in "USTO":
        return column_from_objects(name, array.tolist())
    raise DataError(f"The column '{name}' holds {array.dtype} values, which a table cannot hold.")


def _seconds(array: NDArray[Any]) -> NDArray[np.int64]:
    missing = np.isnat(array)
    seconds = array.astype("datetime64[s]").astype(np.int64)
    return np.where(missing, MISSING_DATE, seconds)


def _duration(array: NDArray[Any]) -> NDArray[np.float64]:
    seconds = array / np.timedelta64(1, "s")
    return np.asarray(seconds, np.float64)


def column_from_objects(name: str, values: list[Any]) -> tuple[Column, list[Note]]:
    """The column in Python objects: numbers, booleans, dates or texts; None and NaN are missing.

    Values of more than one type are read as texts. Stray texts among numbers then get a note.
    """
    values = [None if is_missing(value) else value for value in values]
    kinds = {type(value) for value in values if value is not None}
    if kinds and all(issubclass(kind, bool | np.bool_) for kind in kinds):
        states = [MISSING_BOOLEAN if value is None else int(value) for value in values]
        return BooleanColumn(name, np.array(states, np.int8)), []
    if all(_is_number(kind) for kind in kinds):
        numbers = np.array([np.nan if value is None else _float(value) for value in values])
        return NumberColumn(name, numbers, all(issubclass(kind, Integral) for kind in kinds)), []
    if all(issubclass(kind, date) for kind in kinds):
        seconds = [MISSING_DATE if value is None else _timestamp(value) for value in values]
        return DateColumn(name, np.array(seconds, np.int64)), []
    nested = [kind.__name__ for kind in kinds if issubclass(kind, list | dict | tuple | np.ndarray)]
    if nested:
        raise DataError(f"The column '{name}' holds nested values ({min(nested)}).")

    def chunks() -> Iterator[list[str]]:
        yield ["" if value is None else _text(value) for value in values]

    return column_from_texts(name, chunks)


def _is_number(kind: type) -> bool:
    if issubclass(kind, bool | np.bool_):
        return False
    return issubclass(kind, Real) or kind.__name__ == "Decimal"


def is_missing(value: Any) -> bool:
    """Whether the value is None, NaN, NaT or pandas.NA."""
    if value is None or type(value).__name__ == "NAType":
        return True
    if isinstance(value, float | np.floating):
        return math.isnan(value)
    return bool(isinstance(value, np.datetime64) and np.isnat(value)) or str(value) == "NaT"


def _float(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:
        return np.inf


def _timestamp(value: date) -> int:
    stamp = np.datetime64(value.replace(tzinfo=None) if isinstance(value, datetime) else value)
    return int(stamp.astype("datetime64[s]").astype(np.int64))


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
