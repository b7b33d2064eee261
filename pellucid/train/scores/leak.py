"""Columns that predict the target almost alone, which may be known only after it.

Kaufman et al. 2012 ("Leakage in data mining", section 5) look for columns that predict surprisingly
well. Here each column alone predicts the held-out rows from the training rows: a number or date by
interpolation between the means of neighbouring training values, one by one or in groups of five (the
better counts), a category by the mean of its level, a missing value as a level of its own. The skill is
the share of the baseline's error that is avoided: R², or for classes (accuracy − majority) / (1 −
majority). A column is suspected where its skill is at least `SHARE` of the network's, where the lower
end of its 95% interval is at least `LEAST_SKILL`, or `LEAST_FLAWLESS` if it makes no error at all, and
where there are other columns too.
"""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pellucid.data.column import Column, DateColumn, NumberColumn, TextColumn
from pellucid.data.note import Note, shortened
from pellucid.data.table import Table
from pellucid.graph import Array
from pellucid.train.scores.interval import Z, wilson
from pellucid.train.scores.sentence import percent

SHARE = 0.99
LEAST_SKILL = 0.9
LEAST_FLAWLESS = 0.8
MOST_ROWS = 20_000
"""The most rows that the columns are compared on, evenly spaced."""

GROUPS = (1, 5)
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Fold:
    """Rows to learn from and rows to predict."""

    kept: Array
    held: Array


@dataclass(frozen=True)
class Loss:
    """The mean loss of a predictor, and of the baseline, on the same rows.

    It is the squared error or, for classes, 1 for a wrong row.
    """

    own: float
    baseline: float
    highest: float = math.inf
    """The upper end of the 95% interval of `own`."""

    @property
    def skill(self) -> float:
        """The share of the baseline's loss that is avoided."""
        return 1 - self.own / self.baseline if self.baseline > 0 else 0.0

    @property
    def least_skill(self) -> float:
        """The lower end of the 95% interval of the skill."""
        return 1 - self.highest / self.baseline if self.baseline > 0 else 0.0


def suspected_leaks(
    table: Table,
    names: Sequence[str],
    target: Array,
    classes: int,
    folds: Iterable[Fold],
    loss: Loss,
) -> list[Note]:
    """A note for each column that predicts almost as well alone as the network.

    names: the columns that the network uses. target: class codes or values (rows,). classes: their
    number, 0 for a regression. loss: that of the network on the held-out rows.
    """
    if len(names) < 2:
        return []
    response = target.astype(np.float64)[:, None]
    if classes:
        response = (target[:, None] == np.arange(classes)).astype(np.float64)
    parts = [_sampled(fold) for fold in folds]
    notes = []
    for name in names:
        alone = _alone(table.column(name), response, parts, bool(classes))
        least = LEAST_SKILL if alone.own else LEAST_FLAWLESS
        if alone.least_skill >= least and alone.skill >= SHARE * loss.skill:
            notes.append(_note(name, alone, loss, bool(classes)))
    return notes


def _note(name: str, alone: Loss, all_columns: Loss, is_class: bool) -> Note:
    if is_class:
        how = f"alone it predicts {percent(1 - alone.own)} of rows correctly"
        all_text = percent(1 - all_columns.own)
    else:
        how = f"alone it explains {percent(alone.skill)} of the variance"
        all_text = percent(max(all_columns.skill, 0.0))
    option = shlex.quote(shortened(name))
    text = (
        f"'{shortened(name)}' may be a leak: {how}, all columns together {all_text}. If it is not "
        f"known when you predict, leave it out: --drop {option}."
    )
    return Note(name, text, 1)


def _sampled(fold: Fold) -> Fold:
    return Fold(_some(fold.kept), _some(fold.held))


def _some(rows: Array) -> Array:
    if len(rows) <= MOST_ROWS:
        return rows
    return np.asarray(rows[np.linspace(0, len(rows) - 1, MOST_ROWS).round().astype(np.int64)])


def _alone(column: Column, response: Floats, folds: Sequence[Fold], is_class: bool) -> Loss:
    """The least loss of the column's predictors over the held-out rows of all folds."""
    values = _values(column)
    sizes = (0,) if isinstance(column, TextColumn) else GROUPS
    losses = [_of_groups(values, response, folds, is_class, size) for size in sizes]
    return min(losses, key=lambda loss: loss.own)


def _of_groups(
    values: Floats, response: Floats, folds: Sequence[Fold], is_class: bool, size: int
) -> Loss:
    losses, baselines = [], []
    for fold in folds:
        y = response[fold.kept]
        predicted = _predicted(values[fold.kept], y, values[fold.held], size)
        mean = np.broadcast_to(y.mean(axis=0), predicted.shape)
        losses.append(_losses(predicted, response[fold.held], is_class))
        baselines.append(_losses(mean, response[fold.held], is_class))
    each = np.concatenate(losses)
    own, rows = float(each.mean()), len(each)
    highest = wilson(own, rows)[1] if is_class else own + Z * float(each.std()) / math.sqrt(rows)
    return Loss(own, float(np.concatenate(baselines).mean()), highest)


def _losses(predicted: Floats, truth: Floats, is_class: bool) -> Floats:
    """The squared error of each row, or 1 where its class is wrong."""
    if not is_class:
        return np.asarray((predicted - truth)[:, 0] ** 2)
    return np.asarray(predicted.argmax(axis=1) != truth.argmax(axis=1), np.float64)


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
