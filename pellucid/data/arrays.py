"""Columns from NumPy arrays and Python sequences."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.data.column import MISSING_DATE, BooleanColumn, Column, DateColumn, NumberColumn
from pellucid.data.form.convert import is_missing
from pellucid.data.note import Note, shortened
from pellucid.data.raw import ListTexts, Mixed, Raw, RawTable, Typed
from pellucid.errors import DataError


def raw_array(array: NDArray[Any]) -> RawTable:
    """The table in an array: (n, d) gives the columns x0 … x{d-1}, (n,) the column x0.

    A structured array (n,) gives its fields. Arrays of other shapes raise `DataError`.
    """
    if array.dtype.names:
        return raw_mapping({name: array[name] for name in array.dtype.names})
    if array.ndim == 1:
        return raw_mapping({"x0": array})
    if array.ndim != 2:
        raise DataError(
            f"A table needs an array of one or two dimensions (rows, columns), not {array.shape}."
        )
    return raw_mapping({f"x{index}": array[:, index] for index in range(array.shape[1])})


def raw_mapping(arrays: Mapping[str, Any]) -> RawTable:
    """The table whose columns are these arrays or sequences, each of one dimension."""
    columns: list[Raw] = []
    lengths: dict[str, int] = {}
    notes: list[Note] = []
    left_out: list[str] = []
    for name, values in arrays.items():
        array = _as_array(str(name), values)
        if array.ndim != 1:
            raise DataError(f"The column '{name}' should be one-dimensional, not {array.shape}.")
        lengths[str(name)] = len(array)
        column = raw_values(str(name), array)
        if column is None:
            left_out.append(str(name))
            notes.append(nested_note(str(name)))
        else:
            columns.append(column)
    if len(set(lengths.values())) > 1:
        sizes = ", ".join(f"'{name}' {size:,}" for name, size in list(lengths.items())[:10])
        raise DataError(f"The columns of the table differ in length: {sizes}.")
    return checked_table(
        RawTable("the table", max(lengths.values(), default=0), columns, notes, tuple(left_out))
    )


def checked_table(table: RawTable) -> RawTable:
    """The table; raises `DataError` for one without columns or rows."""
    if not table.columns:
        what = "nested values only" if table.left_out else "no columns"
        raise DataError(f"{table.source[0].upper()}{table.source[1:]} holds {what}.")
    if table.rows == 0:
        raise DataError(f"{table.source[0].upper()}{table.source[1:]} holds no rows.")
    return table


def nested_note(name: str) -> Note:
    """A note on a column of nested values, which is left out."""
    return Note(name, f"'{shortened(name)}' holds nested values and is left out.", 1)


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


def raw_values(name: str, array: NDArray[Any]) -> Raw | None:
    """The column in an array (n,) of a plain type; None for nested values.

    Complex numbers and records raise `DataError`.
    """
    kind = array.dtype.kind
    if kind in "biufmM":
        exact = array.tolist if kind in "iu" and array.dtype.itemsize == 8 else None
        return Raw(name, Typed(lambda: _column(name, array), exact, duration=kind == "m"))
    if kind == "S":
        array = np.char.decode(array, "utf-8", "replace")
    if kind in "USTO":
        return raw_objects(name, array.tolist())
    raise DataError(f"The column '{name}' holds {array.dtype} values, which a table cannot hold.")


def raw_objects(name: str, values: list[Any]) -> Raw | None:
    """The column in Python objects; None for nested values alone."""
    kinds = {type(value) for value in values}
    if kinds <= {str, type(None)}:
        return Raw(name, ListTexts(values))
    known_kinds = kinds - {type(None)}
    if all(issubclass(kind, list | dict | tuple | set | np.ndarray) for kind in known_kinds):
        return None
    if kinds & {str}:
        known = [None if is_missing(value) else value for value in values]
        if {type(value) for value in known} <= {str, type(None)}:
            return Raw(name, ListTexts(known))
    return Raw(name, Mixed(values))


def _column(name: str, array: NDArray[Any]) -> Column:
    kind = array.dtype.kind
    if kind == "b":
        return BooleanColumn(name, array.astype(np.int8))
    if kind in "iu":
        return NumberColumn(name, array.astype(np.float64), whole=True)
    if kind == "f":
        return NumberColumn(name, np.array(array, _float_type(array)))
    if kind == "M":
        seconds = array.astype("datetime64[s]").astype(np.int64)
        return DateColumn(name, np.where(np.isnat(array), MISSING_DATE, seconds))
    return NumberColumn(name, np.asarray(array / np.timedelta64(1, "s"), np.float64))


def _float_type(array: NDArray[Any]) -> type[np.floating[Any]]:
    return np.float32 if array.dtype.itemsize <= 4 else np.float64
