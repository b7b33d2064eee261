"""Columns that predict the target almost alone, which may be known only after it.

Kaufman et al. 2012 ("Leakage in data mining", section 5) look for columns that predict surprisingly
well. Here each column alone predicts the held-out rows from the training rows: a number or date by
interpolation between the means of neighbouring training values, or by the commonest class of the
nearest ones, one by one or in groups of five (the better counts); a category by the mean or
commonest class of its level; a missing value as a level of its own. The skill is the share of the
baseline's error that is avoided: R², or for classes (accuracy − majority) / (1 − majority). A
column is suspected where its skill is at least `SHARE` of the network's, where the lower end of its
95% interval is at least `LEAST_SKILL`, or `LEAST_FLAWLESS` if it makes no error at all, and where
there are other columns too.
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
MOST_ROWS = 5_000
"""The most rows of a fold that columns learn from, and are measured on; evenly spaced."""

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
    parts = [_sampled(fold) for fold in folds]
    notes = []
    for name in names:
        alone = _alone(table.column(name), target, parts, bool(classes))
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


def _alone(column: Column, target: Array, folds: Sequence[Fold], is_class: bool) -> Loss:
    """The least loss of the column's predictors over the held-out rows of all folds."""
    values = _values(column)
    sizes = (0,) if isinstance(column, TextColumn) else GROUPS
    losses = [_of_groups(values, target, folds, is_class, size) for size in sizes]
    return min(losses, key=lambda loss: loss.own)


def _of_groups(
    values: Floats, target: Array, folds: Sequence[Fold], is_class: bool, size: int
) -> Loss:
    losses, baselines = [], []
    for fold in folds:
        y, truth = target[fold.kept], target[fold.held]
        middle = _middles(y, np.zeros(len(y), np.int64), is_class)
        predicted = _predicted(values[fold.kept], y, values[fold.held], size, is_class)
        losses.append(_losses(predicted, truth, is_class))
        baselines.append(_losses(np.broadcast_to(middle, truth.shape), truth, is_class))
    each = np.concatenate(losses)
    own, rows = float(each.mean()), len(each)
    highest = wilson(own, rows)[1] if is_class else own + Z * float(each.std()) / math.sqrt(rows)
    return Loss(own, float(np.concatenate(baselines).mean()), highest)


def _losses(predicted: Array, truth: Array, is_class: bool) -> Floats:
    """The squared error of each row, or 1 where its class is wrong."""
    loss = predicted != truth if is_class else (predicted - truth) ** 2
    return np.asarray(loss, np.float64)


def _predicted(x: Floats, y: Array, new: Floats, size: int, is_class: bool) -> Array:
    """The target (m,) at new values (m,), from values and targets (n,).

    size: the rows of a group of neighbouring values; 0 for the levels of a category.
    """
    everything = _middles(y, np.zeros(len(y), np.int64), is_class)[0]
    missing, unknown = np.isnan(x), np.isnan(new)
    result = np.full(len(new), everything)
    if missing.any():
        result[unknown] = _middles(y[missing], np.zeros(missing.sum(), np.int64), is_class)[0]
    if missing.all():
        return result
    order = np.flatnonzero(~missing)[np.argsort(x[~missing], kind="stable")]
    groups = _groups(x[order], max(size, 1))
    centres = np.bincount(groups, x[order]) / np.bincount(groups)
    middles = _middles(y[order], groups, is_class)
    at = new[~unknown]
    if size and not is_class:
        result[~unknown] = np.interp(at, centres, middles)
        return result
    nearest = np.searchsorted((centres[1:] + centres[:-1]) / 2, at)
    is_known = np.full(len(at), True) if size else centres[nearest] == at
    result[~unknown] = np.where(is_known, middles[nearest], everything)
    return result


def _groups(ordered: Floats, size: int) -> Array:
    """Numbers of groups of at least `size` ascending values, equal values in one group."""
    first = np.flatnonzero(np.append(True, np.diff(ordered) > 0))
    starts = first[np.unique(first // size, return_index=True)[1]]
    return np.searchsorted(starts, np.arange(len(ordered)), "right") - 1


def _middles(y: Array, groups: Array, is_class: bool) -> Array:
    """The mean of each group, or its commonest class, the first of several."""
    if not is_class:
        return np.asarray(np.bincount(groups, y) / np.bincount(groups))
    classes = int(y.max()) + 1
    pairs, counts = np.unique(groups * classes + y, return_counts=True)
    ordered = pairs[np.lexsort((pairs, -counts, pairs // classes))]
    first = np.unique(ordered // classes, return_index=True)[1]
    return np.asarray(ordered[first] % classes)


def _values(column: Column) -> Floats:
    """The values of a column as floats, NaN where missing; codes of texts and booleans."""
    if isinstance(column, NumberColumn):
        raw = column.values
    elif isinstance(column, DateColumn):
        raw = column.seconds
    else:
        raw = column.codes if isinstance(column, TextColumn) else column.states
    return np.where(column.missing(), np.nan, raw.astype(np.float64))
