"""Columns of a table that are carried along with its predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from pellucid.data import Table
from pellucid.data.coerce import as_text
from pellucid.data.column import BooleanColumn, Column, NumberColumn
from pellucid.data.note import quoted
from pellucid.data.task import EXACT, EXACT_SINGLE
from pellucid.errors import DataError
from pellucid.graph import Array


def kept_columns(table: Table, names: Sequence[str], target: str) -> dict[str, Array]:
    """The columns of these names, in this order; an unknown name raises DataError with a suggestion.

    A column named as the target, which the prediction is, becomes "NAME (actual)".
    """
    if isinstance(names, str):
        raise TypeError(f"keep is a list of names: write keep=[{names!r}]")
    columns = {name: table.column(name) for name in names}
    return {
        f"{name} (actual)" if name == target else name: _values(column)
        for name, column in columns.items()
    }


def joined(kept: Mapping[str, Array], predicted: Mapping[str, Array]) -> dict[str, Array]:
    """Both together; raises DataError where a kept column has the name of a predicted one."""
    both = [name for name in kept if name in predicted]
    if both:
        raise DataError(
            f"The predictions have columns {quoted(both)} themselves, which cannot be kept: rename "
            "them in the table."
        )
    return {**kept, **predicted}


def _values(column: Column) -> Array:
    """The values: whole numbers without a fraction, texts and dates as texts, "" where missing."""
    missing = column.missing()
    if isinstance(column, NumberColumn):
        _check_exact(column)
        if column.whole and not missing.any():
            return column.values.astype(np.int64)
        return column.values if not column.whole else _texts(column, missing)
    if isinstance(column, BooleanColumn) and not missing.any():
        return column.states.astype(np.bool_)
    return _texts(column, missing)


def _check_exact(column: NumberColumn) -> None:
    """Raises DataError for whole numbers that floats do not tell apart."""
    most = EXACT if column.values.dtype.itemsize > 4 else EXACT_SINGLE
    if column.whole and (np.abs(np.nan_to_num(column.values)) >= most).any():
        raise DataError(
            f"'{column.name}' holds whole numbers of {most:,} and more, which a table does not tell "
            "apart: give them as texts to keep them."
        )


def _texts(column: Column, missing: Array) -> Array:
    texts = as_text(column)
    levels = np.array([*texts.levels, ""], object)
    return levels[np.where(missing, len(texts.levels), texts.codes)]
