"""Scores as lines of text: metrics beside baselines, classes, the confusion matrix."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pellucid.cli.show import columns, page_width, wrapped
from pellucid.data.note import readable, shortened

NAMES = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "log_loss": "log loss",
    "auc": "AUC",
    "rmse": "RMSE",
    "mae": "MAE",
    "r2": "R²",
}
MEANING = {
    "accuracy": "share of rows predicted correctly",
    "balanced_accuracy": "mean recall over classes",
    "log_loss": "mean −log probability of the true class; 0 is perfect",
    "auc": "probability of ranking two rows of different classes correctly; 0.5 is chance",
    "rmse": "root mean squared error, in the target's unit",
    "mae": "mean absolute error, in the target's unit",
    "r2": "share of variance explained; 0 is predicting the mean",
}
UNDEFINED = "not defined"
MOST_CLASSES = 20
"""The most classes that are listed unless all are asked for; the commonest come first then."""

CORNER = "true \\ predicted"

Json = Mapping[str, Any]


def score_lines(scores: Json) -> list[str]:
    """The metrics with their intervals beside those of the baselines, and what each is."""
    names = list(scores["baselines"])
    ordered = sorted(scores["scores"], key=lambda score: list(NAMES).index(score["metric"]))
    rows = [("", "model", "95% interval", *names)]
    for score in ordered:
        show = _shower(score["metric"])
        interval = score["interval"]
        between = "" if interval is None else f"{show(interval[0])} to {show(interval[1])}"
        others = (show(score["baselines"][name]["value"]) for name in names)
        rows.append((NAMES[score["metric"]], show(score["value"]), between, *others))
    meanings = [(NAMES[score["metric"]], MEANING[score["metric"]]) for score in ordered]
    rules = [(name, rule) for name, rule in scores["baselines"].items()]
    return [
        *columns(rows, indent=2, right=True),
        "",
        *columns([*rules, *meanings], indent=2),
    ]


def class_lines(scores: Json, everything: bool = False) -> list[str]:
    """The table of classes and, where they are few, the confusion matrix; none for a regression."""
    classes = scores.get("classes")
    if not classes:
        return []
    listed = list(classes)
    if len(listed) > MOST_CLASSES and not everything:
        listed = sorted(listed, key=lambda each: -each["rows"])[:MOST_CLASSES]
    rows = [("class", "rows", "precision", "recall")]
    for each in listed:
        shares = (_share(each["precision"]), _share(each["recall"]))
        rows.append((shortened(str(each["label"])), f"{each['rows']:,}", *shares))
    more = len(classes) - len(listed)
    rest = [f"  and {more:,} rarer classes (inspect --all lists them)"] if more else []
    confusion = scores.get("confusion")
    matrix = _matrix([str(each["label"]) for each in classes], confusion) if confusion else []
    return ["", *columns(rows, indent=2, right=True), *rest, *matrix]


def _matrix(labels: Sequence[str], confusion: Sequence[Sequence[int]]) -> list[str]:
    """The confusion matrix; labels that do not fit are numbered."""
    heads = firsts = [shortened(label, 20) for label in labels]
    if len(CORNER) + sum(max(len(head), 5) + 2 for head in heads) > page_width() - 2:
        heads = [str(place) for place in range(1, len(labels) + 1)]
        firsts = [f"{head} {label}" for head, label in zip(heads, firsts, strict=True)]
    counts = [[f"{count:,}" for count in row] for row in confusion]
    rows = [(first, *row) for first, row in zip(firsts, counts, strict=True)]
    return ["", *columns([(CORNER, *heads), *rows], indent=2, right=True)]


def result_line(target: str, scores: Json) -> str:
    """The result as one line."""
    return f"{target}: {scores['sentence']}"


def sentence_lines(scores: Json) -> list[str]:
    """The sentence on the scores, wrapped."""
    return wrapped(scores["sentence"], 0, 0)


def _shower(metric: str) -> Callable[[float | None], str]:
    if metric in ("rmse", "mae"):
        return _number
    return _r2 if metric == "r2" else _share


def _number(value: float | None) -> str:
    return UNDEFINED if value is None else readable(value)


def _r2(value: float | None) -> str:
    if value is None or value >= 0.9995:
        return _share(value)
    return f"{value:.3f}".replace("-0.000", "0.000")


def _share(value: float | None) -> str:
    """Three decimals; what is not all or nothing is not shown as 1 or 0."""
    if value is None:
        return UNDEFINED
    if 0.9995 <= value < 1:
        return ">0.999"
    return "<0.001" if 0 < value < 0.0005 else f"{value:.3f}"
