"""Tables from pandas, polars and pyarrow, through narwhals."""

import sys
from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from pellucid.data.arrays import column_from_array, column_from_objects
from pellucid.data.column import (
    MISSING_BOOLEAN,
    MISSING_DATE,
    BooleanColumn,
    Column,
    DateColumn,
    NumberColumn,
)
from pellucid.data.note import Note
from pellucid.data.table import Table, check_names
from pellucid.errors import DataError


def is_frame(source: object) -> bool:
    """Whether narwhals recognises the object as a frame or series; imports no frame library."""
    from narwhals import dependencies

    known: tuple[Callable[[Any], bool], ...] = (
        dependencies.is_into_dataframe,
        dependencies.is_polars_lazyframe,
        dependencies.is_into_series,
    )
    return any(knows(source) for knows in known)


def table_from_frame(source: Any) -> Table:
    """The table in a data frame or a series; a pandas index is not a column."""
    import narwhals as nw

    source = source.collect() if nw.dependencies.is_polars_lazyframe(source) else source
    _check_frame_names(source)
    native = nw.from_native(source, allow_series=True)
    if isinstance(native, nw.Series):
        native = native.alias(native.name or "x0").to_frame()
    columns: list[Column] = []
    notes: list[Note] = []
    for series in native.iter_columns():
        column, column_notes = _column(series)
        columns.append(column)
        notes.extend(column_notes)
    if not columns:
        raise DataError("The data frame holds no columns.")
    table = Table(tuple(columns), tuple(notes), "the data frame")
    if table.rows == 0:
        raise DataError("The data frame holds no rows.")
    return table


def _check_frame_names(source: Any) -> None:
    """Raises `DataError` for repeated names, before narwhals raises an error of its own."""
    names = getattr(source, "column_names", None) or getattr(source, "columns", None)
    if names is None or callable(names):
        return
    check_names([str(name) for name in names], "The data frame")


def _column(series: Any) -> tuple[Column, list[Note]]:
    """One narwhals series as a column."""
    import narwhals as nw

    name, dtype = str(series.name), series.dtype
    if dtype == nw.Boolean:
        states = series.cast(nw.Int8).fill_null(MISSING_BOOLEAN).to_numpy()
        return BooleanColumn(name, np.asarray(states).astype(np.int8)), []
    if dtype.is_numeric():
        narrow = dtype == nw.Float32
        numbers = series.cast(nw.Float32 if narrow else nw.Float64).to_numpy()
        return NumberColumn(
            name, np.array(numbers, np.float32 if narrow else np.float64), dtype.is_integer()
        ), []
    if dtype == nw.Datetime:
        missing = series.is_null().to_numpy()
        local = series.dt.replace_time_zone(None)
        stamps = np.asarray(local.to_numpy()).astype("datetime64[s]").astype(np.int64)
        return DateColumn(name, np.where(missing, MISSING_DATE, stamps)), []
    if dtype == nw.Duration:
        return column_from_array(name, np.asarray(series.to_numpy()))
    if dtype.is_nested():
        raise DataError(f"The column '{name}' of the data frame holds nested values ({dtype}).")
    if dtype in (nw.Categorical, nw.Enum):
        series = series.cast(nw.String)
    return column_from_objects(name, series.to_list())


_LIBRARIES: tuple[Literal["polars", "pandas", "pyarrow"], ...] = ("polars", "pandas", "pyarrow")


def frame_of(columns: dict[str, Any]) -> Any:
    """The columns as a frame of polars, pandas or pyarrow; the columns themselves without these.

    A library that is already imported goes before one that is only installed.
    """
    from importlib.util import find_spec

    imported = [name for name in _LIBRARIES if name in sys.modules]
    installed = [name for name in _LIBRARIES if find_spec(name) is not None]
    for name in [*imported, *installed]:
        import narwhals as nw

        return nw.from_dict(columns, backend=name).to_native()
    return columns
