"""Numbers that float32 does not tell apart: what training would lose without a word."""

from __future__ import annotations

import numpy as np

from pellucid.errors import DataError, warn
from pellucid.graph import Array

EXACT = 2**24
"""float32 holds every whole number up to this, and of larger ones only some."""
COARSE = 1e-3
"""Rounding errors in deviations of the column from which a column is refused."""
_NOISE = 1e-12
"""Relative deviations below this are rounding errors of float64: the column is constant."""
_TINY = 1e-30
"""Values below this are near the end of float32's range, where it has fewer digits."""


def check_precision(array: Array, what: str, refuse: bool = True) -> None:
    """Raise DataError for a column that float32 holds too coarsely, such as seconds since 1970.

    Too coarsely: the root mean square of the rounding errors is above a thousandth of the standard
    deviation. Whole numbers that become one value are warned of however few they are: they may be
    names. float32 is taken as it is, which is how to say that its precision is enough.

    refuse: False warns instead of refusing, and looks only at values beyond 2²⁴.
    """
    wide = array.dtype.kind in "iu" and array.dtype.itemsize > 2
    if not array.size or not (wide or (array.dtype.kind == "f" and array.dtype.itemsize > 4)):
        return
    columns = (
        array.reshape(len(array), -1) if array.ndim < 3 else array.reshape(-1, array.shape[-1])
    )
    for index in np.flatnonzero(_suspect(columns, refuse)):
        name = f"{what}, column {index}" if array.ndim > 1 else what
        _check_column(columns[:, index], name, refuse)


def _suspect(columns: Array, closely: bool) -> Array:
    """The columns to look at: those of large values; closely, large beside their spread, or tiny."""
    low, high = columns.min(axis=0), columns.max(axis=0)
    largest = np.maximum(np.abs(low.astype(np.float64)), np.abs(high.astype(np.float64)))
    if not closely:
        return np.asarray(largest > EXACT)
    # From their least value, so that nothing is lost where the values are large and close.
    spread = (columns - low).astype(np.float64).std(axis=0)
    close = COARSE * spread <= largest / EXACT
    tiny = (largest < _TINY) & (largest > 0)
    return np.asarray(close | tiny | (largest > EXACT))


def _check_column(column: Array, what: str, refuse: bool) -> None:
    largest = max(abs(float(column.min())), abs(float(column.max())))
    whole = largest > EXACT and bool((column == np.floor(column)).all())
    exact = column.astype(np.longdouble)
    spread = float((exact - exact.min()).astype(np.float64).std())
    error = column.astype(np.float32) - exact
    rounding = float(np.sqrt((error.astype(np.float64) ** 2).mean()))
    coarse = spread > _NOISE * largest and rounding > COARSE * spread
    pair = _merging(column) if coarse or whole else None
    if not coarse and pair is None:
        return
    lost = f"{pair[0]} and {pair[1]} become one value" if pair else "its values are rounded"
    low = f"subtract {column.min().item()} from it, or " if column.min() else ""
    advice = (
        f"{low}standardise it before, in float64; what is a name belongs in an Embedding; "
        "astype(np.float32) takes the rounded values as they are"
    )
    if coarse and refuse:
        text = f"{what} is too fine for float32, in which it is learned: {lost}. To learn from it, "
        raise DataError(f"{text}{advice}.")
    warn(f"{what} is rounded to float32: {lost}. If that matters, {advice}.")


def _merging(column: Array) -> tuple[float, float] | None:
    """Two different values of a column that are one in float32, None if there are none."""
    values = np.unique(column)
    same = np.flatnonzero(np.diff(values.astype(np.float32)) == 0)
    return (values[same[0]].item(), values[same[0] + 1].item()) if len(same) else None
