"""Metrics of a model beside those of baselines on the same rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from pellucid.graph import Array
from pellucid.train.scores.contributions import Measured, of_classes, of_values
from pellucid.train.scores.interval import Interval, interval_of, paired

CONSTANT, LINEAR = "constant", "linear"
Measures = Mapping[str, Measured]
Verdict = Literal["better", "worse", "not clearly different"]


@dataclass(frozen=True, eq=False)
class Rival:
    """A baseline: its name, what it is, and its metrics on the rows."""

    name: str
    rule: str
    measured: Measures


@dataclass(frozen=True)
class Comparison:
    """A baseline's value, and the 95% interval of the difference; more of it is better."""

    value: float | None
    difference: Interval | None

    @property
    def verdict(self) -> Verdict:
        """Whether the interval of the difference excludes 0."""
        if self.difference is None or self.difference[0] <= 0 <= self.difference[1]:
            return "not clearly different"
        return "better" if self.difference[0] > 0 else "worse"


@dataclass(frozen=True)
class MetricScore:
    """A metric of the model with its 95% interval, and of each baseline by name."""

    name: str
    value: float | None
    interval: Interval | None
    baselines: Mapping[str, Comparison]

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {
            "metric": self.name,
            "value": self.value,
            "interval": None if self.interval is None else list(self.interval),
            "baselines": {
                name: {
                    "value": each.value,
                    "difference": None if each.difference is None else list(each.difference),
                    "model_is": each.verdict,
                }
                for name, each in self.baselines.items()
            },
        }


def compared(ours: Measures, rivals: Sequence[Rival]) -> tuple[MetricScore, ...]:
    """Each metric of the model beside those of the baselines."""
    return tuple(
        MetricScore(
            name,
            measured.value,
            interval_of(name, measured),
            {
                rival.name: Comparison(
                    rival.measured[name].value, paired(name, measured, rival.measured[name])
                )
                for rival in rivals
            },
        )
        for name, measured in ours.items()
    )


def constant_classes(codes: Array, shares: Array, label: str) -> Rival:
    """Always the commonest class of training; `shares` (n, classes) are its probabilities."""
    rule = f"always '{label}', with the class frequencies of the training rows as probabilities"
    return Rival(CONSTANT, rule, of_classes(codes, shares))


def constant_value(truth: Array, mean: Array, median: Array) -> Rival:
    """Always the mean of training, for the mean absolute error the median."""
    measured = of_values(truth, mean) | {"mae": of_values(truth, median)["mae"]}
    rule = "always the mean of the training rows, for MAE their median"
    return Rival(CONSTANT, rule, measured)


def linear_rival(measured: Measures, is_class: bool, rows: int, of: int) -> Rival:
    """The linear model, which learned from `rows` of `of` training rows."""
    kind = "logistic" if is_class else "ridge"
    sampled = f", of {rows:,} of the {of:,} training rows" if rows < of else ""
    rule = f"{kind} regression on the same features and rows{sampled}"
    return Rival(LINEAR, rule, measured)


def class_shares(counts: Array) -> Array:
    """Frequencies (n_c + 1) / (n + C), which are never 0."""
    return np.asarray((counts + 1) / (counts.sum() + len(counts)), np.float64)
