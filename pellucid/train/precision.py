"""Numbers that float32 does not tell apart: what training would lose without a word."""

from __future__ import annotations

import warnings

import numpy as np

from pellucid.errors import DataError, PellucidWarning
from pellucid.graph import Array

EXACT = 2**24
"""float32 holds every whole number up to this, and of larger ones only some."""
COARSE = 1e-3
"""Rounding errors in deviations of the column from which a column is refused."""
_NOISE = 1e-12
"""Relative deviations below this are rounding errors of float64: the column is constant."""


def check_precision(array: Array, what: str) -> None:
    """Raise DataError for a column that float32 holds too coarsely, such as seconds since 1970.

    Too coarsely: the root mean square of the rounding errors is above a thousandth of the standard
    deviation. Whole numbers that become one value are warned of however few they are: they may be
    names. float32 is taken as it is, which is how to say that its precision is enough.
    """
    wide = array.dtype.kind in "iu" and array.dtype.itemsize > 2
    if not (wide or (array.dtype.kind == "f" and array.dtype.itemsize > 4)):
        return
    columns = (
        array.reshape(len(array), -1) if array.ndim < 3 else array.reshape(-1, array.shape[-1])
    )
    for place in range(columns.shape[1]):
        _check_column(columns[:, place], f"{what}, column {place}" if array.ndim > 1 else what)


def _check_column(column: Array, what: str) -> None:
    largest = max(abs(float(column.min())), abs(float(column.max())))
    whole = column.dtype.kind in "iu" or (
        largest > EXACT and bool((column == np.floor(column)).all())
    )
    if column.dtype.kind in "iu" and largest <= EXACT:
        return
    # From its least value, so that nothing is lost where the values are large and close.
    exact = column.astype(np.longdouble)
    spread = float((exact - exact.min()).astype(np.float64).std())
    error = column.astype(np.float32) - exact
    rounding = float(np.sqrt((error.astype(np.float64) ** 2).mean()))
    coarse = spread > _NOISE * largest and rounding > COARSE * spread
    if not (coarse or whole):
        return
    pair = _merging(column)
    if pair is None and not coarse:
        return
    lost = f"{pair[0]} and {pair[1]} become one value" if pair else "its values are rounded"
    low = f"subtract {column.min().item()} from it, or " if column.min() else ""
    advice = (
        f"{low}standardise it before, in float64; what is a name belongs in an Embedding; "
        "astype(np.float32) takes the rounded values as they are"
    )
    if coarse:
        text = f"{what} is too fine for float32, in which it is learned: {lost}. To learn from it, "
        raise DataError(f"{text}{advice}.")
    warnings.warn(
        f"{what} is rounded to float32, in which it is learned: {lost}. If that matters, {advice}.",
        PellucidWarning,
        stacklevel=2,
    )


def _merging(column: Array) -> tuple[float, float] | None:
    """Two different values of a column that are one in float32, None if there are none."""
    values = np.unique(column)
    same = np.flatnonzero(np.diff(values.astype(np.float32)) == 0)
    return (values[same[0]].item(), values[same[0] + 1].item()) if len(same) else None
