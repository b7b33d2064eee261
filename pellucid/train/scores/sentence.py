"""One plain sentence on how good a model is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pellucid.train.scores.compared import CONSTANT, LINEAR, Comparison, MetricScore

NOTHING = Comparison(None, None)


def sentence_on(scores: Sequence[MetricScore], majority: str | None) -> str:
    """How good the model is beside the baselines.

    majority: the class that the constant baseline predicts; None for a regression. A difference counts
    where its 95% interval excludes 0.
    """
    by_name = {score.name: score for score in scores}
    if majority is None:
        return _on_values(by_name["r2"])
    return _on_classes(by_name, majority)


def percent(share: float) -> str:
    """A share as a percentage: 98.8%; 100% only if it is all, 0% only if it is nothing."""
    digits = 1 if 0.001 <= share <= 0.999 or share in (0, 1) else 2
    text = f"{100 * share:.{digits}f}"
    return f"{text.removesuffix('.0')}%"


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
    if loss.baselines.get(CONSTANT, NOTHING).verdict != "better":
        return f"{text}{_linear(accuracy, ' and {} by a linear model')}."
    area = by_name["auc"].value
    return f"{text}. Its probabilities do tell rows apart" + (
        "." if area is None else f" (AUC {area:.3f})."
    )


def _on_values(r2: MetricScore) -> str:
    if r2.value is None:
        return "All values are equal, so there is no variance to explain."
    constant = r2.baselines.get(CONSTANT, NOTHING)
    linear = _linear(r2, "; a linear model explains {}")
    if constant.value is not None and constant.verdict != "better":
        worse = "Worse" if constant.verdict == "worse" else "No better"
        return f"{worse} than always saying the mean (R² {r2.value:.3f}){linear}."
    return f"Explains {percent(max(r2.value, 0.0))} of the variance{linear}."


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
