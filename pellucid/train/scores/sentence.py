"""One plain sentence on how good a model is."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from pellucid.data.note import shortened
from pellucid.train.scores.compared import CONSTANT, LINEAR, Comparison, MetricScore

NOTHING = Comparison(None, None)

UNEQUAL = 0.8
"""The share of rows from which a class is so common that accuracy says little of the other."""


def sentence_on_classes(
    scores: Sequence[MetricScore], majority: str, classes: Sequence[Mapping[str, Any]]
) -> str:
    """How good a classification is beside the baselines; of two unequal classes, what it finds.

    majority: the class that the constant baseline predicts. classes: the entries of `class_table`. A
    difference counts where its 95% interval excludes 0.
    """
    text = _on_classes({score.name: score for score in scores}, majority)
    rows = [each["rows"] for each in classes]
    if len(rows) != 2 or max(rows) < UNEQUAL * sum(rows):
        return text
    rare = min(classes, key=lambda each: int(each["rows"]))
    return f"{text} {_what_it_finds(rare)}" if rare["rows"] else text


def _what_it_finds(rare: Mapping[str, Any]) -> str:
    rows, label = (
        f"{rare['rows']:,} {'row' if rare['rows'] == 1 else 'rows'}",
        shortened(str(rare["label"])),
    )
    right = round(rare["recall"] * rare["rows"])
    if right in (0, rare["rows"]):
        return f"It finds {'all' if right else 'none'} of the {rows} of {label}."
    return f"It finds {right:,} of the {rows} of {label}."


def sentence_on_values(scores: Sequence[MetricScore]) -> str:
    """How good a regression is beside the baselines."""
    return _on_values(next(score for score in scores if score.name == "r2"))


def percent(share: float) -> str:
    """A share as a percentage: 98.8%; 100% only if it is all, 0% only if it is nothing."""
    if share in (0, 1):
        return f"{share:.0%}"
    if share > 0.9995:
        return "more than 99.9%"
    return "less than 0.1%" if 0 < share < 0.0005 else f"{share:.1%}"


def _on_classes(by_name: Mapping[str, MetricScore], majority: str) -> str:
    accuracy, loss = by_name["accuracy"], by_name["log_loss"]
    constant = accuracy.baselines.get(CONSTANT, NOTHING)
    right = f"{percent(accuracy.value or 0.0)} of rows are predicted correctly"
    if constant.value is None:
        return f"{right}."
    always = f"always saying {majority}"
    if constant.verdict == "better":
        others = (
            f"{percent(constant.value)} by {always}{_linear(accuracy, ' and {} by a linear model')}"
        )
        return f"{right}, against {others}."
    worse = "Worse than" if constant.verdict == "worse" else "No better than"
    text = f"{worse} {always}: {right}, against {percent(constant.value)}"
    ranked = by_name["auc"].interval
    lower_loss = loss.baselines.get(CONSTANT, NOTHING).verdict == "better"
    if not lower_loss or ranked is None or ranked[0] <= 0.5:
        return f"{text}{_better_linear(accuracy)}."
    area = by_name["auc"].value or 0.0
    return f"{text}. Its probabilities do tell rows apart (AUC {area:.3f})."


def _on_values(r2: MetricScore) -> str:
    if r2.value is None:
        return "All values are equal, so there is no variance to explain."
    if not math.isfinite(r2.value):
        return "Some predictions are NaN or infinite."
    constant = r2.baselines.get(CONSTANT, NOTHING)
    if constant.value is not None and constant.verdict != "better":
        worse = "Worse" if constant.verdict == "worse" else "No better"
        return f"{worse} than always saying the mean (R² {r2.value:.3f}){_better_linear(r2)}."
    linear = _linear(r2, "; a linear model explains {}")
    return f"Explains {percent(max(r2.value, 0.0))} of the variance{linear}."


def _better_linear(score: MetricScore) -> str:
    """A clause on the linear model if that is better, also than the constant."""
    constant, linear = (score.baselines.get(name, NOTHING) for name in (CONSTANT, LINEAR))
    is_better = linear.verdict == "worse" and (linear.value or 0.0) > (constant.value or 0.0)
    return _linear(score, "; a linear model gets {}") if is_better else ""


def _linear(score: MetricScore, phrase: str) -> str:
    """The phrase with the value of the linear model; "" where there is none."""
    linear = score.baselines.get(LINEAR, NOTHING)
    if linear.value is None:
        return ""
    beside = {
        "better": "",
        "worse": ", which is better",
        "not clearly different": " (no clear difference)",
    }
    value = percent(linear.value) if linear.value > 0 else "nothing"
    return phrase.format(value) + beside[linear.verdict]
