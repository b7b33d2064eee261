"""The scores of the networks of a table on the rows that each held out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pellucid.data import Note, Preparation, Table
from pellucid.data.class_scores import probabilities
from pellucid.data.note import shortened
from pellucid.data.target import NumberTarget, learn_target
from pellucid.graph import Array
from pellucid.train.scores import compared
from pellucid.train.scores.compared import Rival
from pellucid.train.scores.contributions import of_classes, of_values
from pellucid.train.scores.leak import Fold, Loss, suspected_leaks
from pellucid.train.scores.linear import LinearModel
from pellucid.train.scores.reference import Reference
from pellucid.train.scores.report import Scores, class_scores, value_scores
from pellucid.train.scores.seen import seen_rows


@dataclass(frozen=True, eq=False)
class HeldOut:
    """A network's rows, what it and the linear model of its rows put out for those held out.

    kept, held: row numbers. outputs, linear_outputs: logits or standardised values of the held rows.
    """

    preparation: Preparation
    kept: Array
    held: Array
    outputs: Array
    linear: LinearModel
    linear_outputs: Array


def used_columns(preparation: Preparation) -> list[str]:
    """The names of the columns that give features."""
    return [report.column for report in preparation.describe() if report.features]


def held_out_scores(table: Table, parts: Sequence[HeldOut]) -> tuple[Scores, list[Note]]:
    """The scores over all held-out rows, and notes on suspected leaks.

    Each row is predicted by the network, and by the baselines of the rows, that did not learn from it.
    """
    first = parts[0].preparation
    column = table.column(first.target_name)
    goal = learn_target(column, first.task)
    encoded = goal.encode(column)
    rows = np.concatenate([part.held for part in parts])
    truth: Array = encoded
    if isinstance(goal, NumberTarget):
        truth = goal.decode(encoded)
        scores = _value_scores(truth, rows, parts)
        error, constant = (_squared(scores, name) for name in (None, compared.CONSTANT))
    else:
        scores = _class_scores(encoded, rows, parts)
        error, constant = (_errors(scores, name) for name in (None, compared.CONSTANT))
    folds = [Fold(part.kept, part.held) for part in parts]
    names, classes = used_columns(first), len(first.labels)
    loss = Loss(error, constant)
    return scores, suspected_leaks(table, names, truth, classes, folds, loss)


def reference_of(table: Table, parts: Sequence[HeldOut], seed: int) -> Reference:
    """What the model file holds to compare the model with on other rows."""
    first = parts[0].preparation
    column = table.column(first.target_name)
    goal = learn_target(column, first.task)
    encoded = goal.encode(column)[_all_kept(parts)]
    if isinstance(goal, NumberTarget):
        values = goal.decode(encoded)
        constant = (values.mean(), np.median(values))
    else:
        constant = tuple(compared.class_shares(np.bincount(encoded, minlength=len(goal.labels))))
    names = list(dict.fromkeys(name for part in parts for name in used_columns(part.preparation)))
    rows = seen_rows(table, [*names, first.target_name], seed)
    linear = tuple(part.linear for part in parts)
    return Reference(tuple(map(float, constant)), linear, len(parts[0].kept), rows)


def _class_scores(codes: Array, rows: Array, parts: Sequence[HeldOut]) -> Scores:
    truth, labels = codes[rows], parts[0].preparation.labels
    chances = np.concatenate([p.preparation.probabilities(p.outputs) for p in parts])
    counts = np.bincount(codes[_all_kept(parts)], minlength=len(labels))
    shares = np.tile(compared.class_shares(counts), (len(rows), 1))
    majority = labels[int(counts.argmax())]
    linear = np.concatenate([probabilities(p.linear_outputs) for p in parts])
    rivals = [
        compared.constant_classes(truth, shares, shortened(str(majority))),
        _linear(of_classes(truth, linear), True, parts),
    ]
    return class_scores(truth, chances, labels, rivals, majority)


def _value_scores(values: Array, rows: Array, parts: Sequence[HeldOut]) -> Scores:
    truth, learned = values[rows], values[_all_kept(parts)]
    mean, median = np.full(len(rows), learned.mean()), np.full(len(rows), np.median(learned))
    predicted = np.concatenate([p.preparation.decode(p.outputs) for p in parts])
    linear = np.concatenate([p.preparation.decode(p.linear_outputs) for p in parts])
    rivals = [
        compared.constant_value(truth, mean, median),
        _linear(of_values(truth, linear), False, parts),
    ]
    return value_scores(truth, predicted, rivals)


def _all_kept(parts: Sequence[HeldOut]) -> Array:
    """The rows that any network learned from, once for each network."""
    return np.concatenate([part.kept for part in parts])


def _linear(measured: compared.Measures, is_class: bool, parts: Sequence[HeldOut]) -> Rival:
    return compared.linear_rival(measured, is_class, parts[0].linear.rows, len(parts[0].kept))


def _squared(scores: Scores, baseline: str | None) -> float:
    """The mean squared error of the model, or of a baseline."""
    score = next(score for score in scores.metrics if score.name == "rmse")
    value = score.value if baseline is None else score.baselines[baseline].value
    return float("nan") if value is None else value**2


def _errors(scores: Scores, baseline: str | None) -> float:
    """The share of wrong rows of the model, or of a baseline."""
    score = next(score for score in scores.metrics if score.name == "accuracy")
    value = score.value if baseline is None else score.baselines[baseline].value
    return float("nan") if value is None else 1 - value
