"""The scores of a model on a table with its target."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pellucid.data import Preparation, Table
from pellucid.data.class_scores import probabilities
from pellucid.data.note import shortened
from pellucid.graph import Array
from pellucid.train.scores import compared
from pellucid.train.scores.contributions import of_classes, of_values
from pellucid.train.scores.reference import Reference
from pellucid.train.scores.report import Scores, class_scores, value_scores


def table_scores(
    table: Table,
    predictions: Array,
    preparations: Sequence[Preparation],
    reference: Reference | None,
) -> Scores:
    """The scores of predictions for a table, beside the baselines of training.

    predictions: probabilities (n, classes) or values (n,). preparations: those of the networks, in the
    order of the reference's linear models, whose predictions are averaged like the networks'.
    """
    first = preparations[0]
    linear = None if reference is None else _linear(table, preparations, reference)
    if first.labels:
        codes = first.target(table)
        class_rivals = []
        majority = first.labels[0]
        if reference is not None and linear is not None:
            shares = np.tile(reference.constant, (len(codes), 1))
            majority = first.labels[int(np.argmax(reference.constant))]
            class_rivals = [
                compared.constant_classes(codes, shares, shortened(str(majority))),
                _rival(of_classes(codes, linear), True, reference),
            ]
        return class_scores(codes, predictions, first.labels, class_rivals, majority)
    column = table.column(first.target_name)
    truth = first.target_encoder.decode(first.target_encoder.encode(column))
    value_rivals = []
    if reference is not None and linear is not None:
        mean, median = (np.full(len(truth), value) for value in reference.constant)
        value_rivals = [
            compared.constant_value(truth, mean, median),
            _rival(of_values(truth, linear), False, reference),
        ]
    return value_scores(truth, predictions, value_rivals)


def _linear(table: Table, preparations: Sequence[Preparation], reference: Reference) -> Array:
    """The mean prediction of the linear models."""
    each = []
    for preparation, model in zip(preparations, reference.linear, strict=True):
        outputs = model.outputs(preparation.features(table))
        each.append(probabilities(outputs) if preparation.labels else preparation.decode(outputs))
    return np.asarray(np.mean(each, axis=0))


def _rival(measured: compared.Measures, is_class: bool, reference: Reference) -> compared.Rival:
    rows = reference.linear[0].rows
    return compared.linear_rival(measured, is_class, rows, reference.training_rows)
