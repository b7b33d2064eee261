"""The scores of a model on rows that it was not trained on, or on a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pellucid.data.class_scores import most_probable_class
from pellucid.data.note import counted, shortened
from pellucid.graph import Array
from pellucid.train.scores.classes import class_table
from pellucid.train.scores.compared import MetricScore, Rival, compared
from pellucid.train.scores.contributions import of_classes, of_values
from pellucid.train.scores.interval import LEAST_ROWS
from pellucid.train.scores.sentence import sentence_on_classes, sentence_on_values


@dataclass(frozen=True)
class Scores:
    """Metrics of a model with 95% intervals beside baselines, and a sentence on them.

    rows: those measured. baselines: what each baseline is, by name. classes: for a classification, a
    dict of "classes" (label, rows, predicted, precision, recall of each) and "confusion".
    """

    rows: int
    sentence: str
    metrics: tuple[MetricScore, ...]
    baselines: dict[str, str]
    classes: dict[str, Any] | None

    @property
    def values(self) -> dict[str, float | None]:
        """The value of each metric."""
        return {score.name: score.value for score in self.metrics}

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {
            "rows": self.rows,
            "sentence": self.sentence,
            "scores": [score.to_json() for score in self.metrics],
            "baselines": dict(self.baselines),
            **(self.classes or {}),
        }


def class_scores(
    codes: Array,
    probabilities: Array,
    labels: Sequence[Any],
    rivals: Sequence[Rival],
    majority: Any,
) -> Scores:
    """The scores of a classification.

    codes: true classes (n,). probabilities: (n, classes). majority: the label of the constant baseline.
    """
    metrics = compared(of_classes(codes, probabilities), rivals)
    table = class_table(labels, codes, most_probable_class(probabilities))
    sentence = sentence_on_classes(metrics, shortened(str(majority)), table["classes"])
    return Scores(len(codes), _or_too_few(sentence, len(codes)), metrics, _rules(rivals), table)


def value_scores(truth: Array, predictions: Array, rivals: Sequence[Rival]) -> Scores:
    """The scores of a regression; truth and predictions (n,) are in the target's unit."""
    metrics = compared(of_values(truth, predictions), rivals)
    sentence = _or_too_few(sentence_on_values(metrics), len(truth))
    return Scores(len(truth), sentence, metrics, _rules(rivals), None)


def _or_too_few(sentence: str, rows: int) -> str:
    """The sentence, or that there are too few rows for one."""
    if rows >= LEAST_ROWS:
        return sentence
    verb = "is" if rows == 1 else "are"
    return f"{counted(rows, 'row')} {verb} too few to say how good the model is."


def _rules(rivals: Sequence[Rival]) -> dict[str, str]:
    return {rival.name: rival.rule for rival in rivals}
