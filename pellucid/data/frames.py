"""Tables from pandas, polars and pyarrow, through narwhals."""

import sys
from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from pellucid.data.arrays import checked_table, nested_note, raw_objects, raw_values
from pellucid.data.column import (
    MISSING_BOOLEAN,
    MISSING_DATE,
    BooleanColumn,
    Column,
    DateColumn,
    NumberColumn,
)
from pellucid.data.note import Note
from pellucid.data.raw import Levels, ListTexts, Raw, RawTable, Typed
from pellucid.data.table import check_names

MOST_FIELDS = 50
"""The most fields of a structure that become columns of their own."""


def is_frame(source: object) -> bool:
    """Whether narwhals recognises the object as a frame or series; imports no frame library."""
    from narwhals import dependencies

    known: tuple[Callable[[Any], bool], ...] = (
        dependencies.is_into_dataframe,
        dependencies.is_polars_lazyframe,
        dependencies.is_into_series,
    )
    return any(knows(source) for knows in known)


def raw_frame(source: Any) -> RawTable:
    """The columns of a data frame or a series; a pandas index is not a column."""
    import narwhals as nw

    source = source.collect() if nw.dependencies.is_polars_lazyframe(source) else source
    _check_frame_names(source)
    native = nw.from_native(source, allow_series=True)
    if isinstance(native, nw.Series):
        native = native.alias(native.name or "x0").to_frame()
    columns: list[Raw] = []
    notes: list[Note] = []
    left_out: list[str] = []
    for series in native.iter_columns():
        some = _columns(series, str(series.name))
        columns += some
        if not some:
            left_out.append(str(series.name))
            notes.append(nested_note(str(series.name)))
    rows = native.shape[0]
    return checked_table(RawTable("the data frame", rows, columns, notes, tuple(left_out)))


def _check_frame_names(source: Any) -> None:
    """Raises `DataError` for repeated names, before narwhals raises an error of its own."""
    names = getattr(source, "column_names", None) or getattr(source, "columns", None)
    if names is None or callable(names):
        return
    check_names([str(name) for name in names], "The data frame")


def _columns(series: Any, name: str) -> list[Raw]:
    """One narwhals series as a column, or as those of its fields; none for other nested values."""
    import narwhals as nw

    dtype = series.dtype
    if dtype == nw.Struct:
        fields = dtype.fields
        if len(fields) > MOST_FIELDS:
            return []
        inner = [(series.struct.field(each.name), f"{name}.{each.name}") for each in fields]
        return [column for part, path in inner for column in _columns(part, path)]
    if dtype.is_nested():
        return []
    if dtype in (nw.Categorical, nw.Enum):
        return [_categorical(series, name)]
    if dtype == nw.Boolean or dtype.is_numeric() or dtype == nw.Datetime or dtype == nw.Date:
        large = (nw.Int64, nw.UInt64, nw.Int128, nw.UInt128, nw.Decimal)
        exact = series.to_list if dtype in large else None
        return [Raw(name, Typed(lambda: _typed(series, name), exact))]
    if dtype == nw.Duration:
        column = raw_values(name, np.asarray(series.to_numpy()))
        return [] if column is None else [column]
    column = raw_objects(name, series.to_list())
    return [] if column is None else [column]


def _typed(series: Any, name: str) -> Column:
    """A column of numbers, booleans or dates."""
    import narwhals as nw

    dtype = series.dtype
    if dtype == nw.Boolean:
        states = series.cast(nw.Int8).fill_null(MISSING_BOOLEAN).to_numpy()
        return BooleanColumn(name, np.asarray(states).astype(np.int8))
    if dtype.is_numeric():
        narrow = dtype == nw.Float32
        native = series.to_native()
        if dtype.is_integer() and nw.dependencies.is_pyarrow_chunked_array(native):
            # Arrow refuses to round whole numbers beyond 2^53 unless told to.
            numbers = native.cast("float64", safe=False).to_numpy()
        else:
            numbers = series.cast(nw.Float32 if narrow else nw.Float64).to_numpy()
        values = np.array(numbers, np.float32 if narrow else np.float64)
        return NumberColumn(name, values, dtype.is_integer())
    missing = series.is_null().to_numpy()
    local = series if dtype == nw.Date else series.dt.replace_time_zone(None)
    stamps = np.asarray(local.to_numpy()).astype("datetime64[s]").astype(np.int64)
    return DateColumn(name, np.where(missing, MISSING_DATE, stamps))


def _categorical(series: Any, name: str) -> Raw:
    """Texts of a categorical type; with their levels where these have an order."""
    import narwhals as nw

    levels = _ordered_levels(series)
    # pandas may cast a missing value to the text "nan".
    values, missing = series.cast(nw.String).to_list(), series.is_null().to_list()
    texts = ListTexts([None if gone else str(v) for v, gone in zip(values, missing, strict=True)])
    plain = all(level and level.strip() == level for level in levels)
    return Raw(name, Levels(texts, levels) if levels and plain else texts)


def _ordered_levels(series: Any) -> tuple[str, ...]:
    """The levels of a categorical type in their order; none where they have no order."""
    import narwhals as nw

    if series.dtype == nw.Enum:
        return tuple(str(level) for level in series.dtype.categories)
    native = series.to_native()
    if nw.dependencies.is_pandas_series(native) and native.cat.ordered:
        return tuple(str(level) for level in native.cat.categories)
    if nw.dependencies.is_pyarrow_chunked_array(native) and native.type.ordered:
        return tuple(str(level) for level in native.unify_dictionaries().chunk(0).dictionary)
    return ()


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
