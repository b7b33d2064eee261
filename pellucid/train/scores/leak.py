"""Columns that predict the target almost alone, which may be known only after it.

Kaufman et al. 2012 ("Leakage in data mining", section 5) look for columns that predict surprisingly
well. Here each column alone predicts the held-out rows from the training rows: a number or date by
interpolation between the means of neighbouring training values, one by one or in groups of five (the
better counts), a category by the mean of its level, a missing value as a level of its own. The skill is
the share of the baseline's error that is avoided: R², or for classes (accuracy − majority) / (1 −
majority). A column is suspected where its skill is at least `LEAST_SKILL`, and at least `SHARE` of the
network's, and there are other columns too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pellucid.data.column import Column, DateColumn, NumberColumn, TextColumn
from pellucid.data.note import Note, shortened
from pellucid.data.table import Table
from pellucid.graph import Array
from pellucid.train.scores.sentence import percent

SHARE = 0.99
LEAST_SKILL = 0.9
MOST_ROWS = 20_000
"""The most rows that the columns are compared on, evenly spaced."""

GROUPS = (1, 5)
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Fold:
    """Rows to learn from and rows to predict."""

    kept: Array
    held: Array


def suspected_leaks(
    table: Table,
    names: Sequence[str],
    target: Array,
    classes: int,
    folds: Iterable[Fold],
    skill: float,
) -> list[Note]:
    """A note for each column that predicts almost as well alone as the network.

    names: the columns that the network uses. target: class codes or values (rows,). classes: their
    number, 0 for a regression. skill: that of the network on the held-out rows.
    """
    if len(names) < 2:
        return []
    response = target.astype(np.float64)[:, None]
    if classes:
        response = (target[:, None] == np.arange(classes)).astype(np.float64)
    parts = [_sampled(fold) for fold in folds]
    notes = []
    for name in names:
        alone = _skill(table.column(name), response, parts, bool(classes))
        if alone >= max(LEAST_SKILL, SHARE * skill):
            notes.append(_note(name, alone, skill, bool(classes)))
    return notes


def skill_of(loss: float, baseline: float) -> float:
    """The share of the baseline's error that is avoided."""
    return 1 - loss / baseline if baseline > 0 else 0.0


def _note(name: str, alone: float, skill: float, is_class: bool) -> Note:
    of = "errors of the commonest class" if is_class else "variance of the target"
    text = (
        f"'{shortened(name)}' may be a leak: alone it removes {percent(alone)} of the {of}, all columns "
        f"together {percent(skill)}. If it is not known when you predict, leave it out with "
        f"--drop {shortened(name) if ' ' not in name else repr(shortened(name))}."
    )
    return Note(name, text, 1)


def _sampled(fold: Fold) -> Fold:
    return Fold(_some(fold.kept), _some(fold.held))


def _some(rows: Array) -> Array:
    if len(rows) <= MOST_ROWS:
        return rows
    return np.asarray(rows[np.linspace(0, len(rows) - 1, MOST_ROWS).round().astype(np.int64)])


def _skill(column: Column, response: Floats, folds: Sequence[Fold], is_class: bool) -> float:
    """The best skill of the column's predictors over the held-out rows of all folds."""
    values = _values(column)
    sizes = (0,) if isinstance(column, TextColumn) else GROUPS
    return max(_group_skill(values, response, folds, is_class, size) for size in sizes)


def _group_skill(
    values: Floats, response: Floats, folds: Sequence[Fold], is_class: bool, size: int
) -> float:
    loss = constant = 0.0
    for fold in folds:
        y = response[fold.kept]
        predicted = _predicted(values[fold.kept], y, values[fold.held], size)
        mean = np.broadcast_to(y.mean(axis=0), predicted.shape)
        loss += _loss(predicted, response[fold.held], is_class)
        constant += _loss(mean, response[fold.held], is_class)
    return skill_of(loss, constant)


def _loss(predicted: Floats, truth: Floats, is_class: bool) -> float:
    """The squared error, or the rows whose class is wrong."""
    if not is_class:
        return float(((predicted - truth) ** 2).sum())
    return float((predicted.argmax(axis=1) != truth.argmax(axis=1)).sum())


def _predicted(x: Floats, y: Floats, new: Floats, size: int) -> Floats:
    """The response (m, k) of new values (m,), from values (n,) and responses (n, k).

    size: the rows of a group between whose means is interpolated; 0 for the means of levels.
    """
    mean = y.mean(axis=0)
    missing, unknown = np.isnan(x), np.isnan(new)
    result = np.empty((len(new), y.shape[1]))
    result[unknown] = y[missing].mean(axis=0) if missing.any() else mean
    if missing.all():
        result[~unknown] = mean
        return result
    centres, means = _means(x[~missing], y[~missing], max(size, 1))
    if size:
        for k in range(y.shape[1]):
            result[~unknown, k] = np.interp(new[~unknown], centres, means[:, k])
        return result
    index = np.minimum(np.searchsorted(centres, new[~unknown]), len(centres) - 1)
    seen = centres[index] == new[~unknown]
    result[~unknown] = np.where(seen[:, None], means[index], mean)
    return result


def _means(x: Floats, y: Floats, size: int) -> tuple[Floats, Floats]:
    """Mean values and responses of groups of at least `size` rows, equal values in one group."""
    order = np.argsort(x, kind="stable")
    ordered = x[order]
    first = np.flatnonzero(np.append(True, np.diff(ordered) > 0))
    starts = first[np.unique(first // size, return_index=True)[1]] if size > 1 else first
    group = np.searchsorted(starts, np.arange(len(x)), "right") - 1
    counts = np.bincount(group)
    means = np.stack([np.bincount(group, column[order]) for column in y.T], axis=1)
    return np.bincount(group, ordered) / counts, means / counts[:, None]


def _values(column: Column) -> Floats:
    """The values of a column as floats, NaN where missing; codes of texts and booleans."""
    if isinstance(column, NumberColumn):
        raw = column.values
    elif isinstance(column, DateColumn):
        raw = column.seconds
    else:
        raw = column.codes if isinstance(column, TextColumn) else column.states
    return np.where(column.missing(), np.nan, raw.astype(np.float64))
