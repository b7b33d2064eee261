"""The arguments of `fit`, checked: parts, limits, rows to train on and rows to measure on."""

from __future__ import annotations

from types import NoneType
from typing import Any

import numpy as np

from pellucid import check, nn, optim
from pellucid.data import split
from pellucid.errors import DataError, warn
from pellucid.train.evaluator import Data
from pellucid.train.inputs import arrays
from pellucid.train.inputs.kinds import check_rows
from pellucid.train.inputs.labels import classes_of, codes_of
from pellucid.train.inputs.stored import subset
from pellucid.train.measures import Measure, mean_of

_OPTIMIZERS = "one of pellucid.optim, such as optim.Adam()"
_SCHEDULES = "one of pellucid.optim, such as optim.CosineRate()"
_LOSSES = "a loss of pellucid.nn, such as nn.MSE(), or a function"


def check_parts(net: Any, loss: Any, optimizer: Any, schedule: Any) -> None:
    """Raise TypeError for a part that is none, saying what it should be."""
    kinds: list[tuple[str, Any, Any, str]] = [
        ("net", net, nn.Module, "a network, such as nn.MLP([64], 2)"),
        ("optimizer", optimizer, (optim.Optimizer, NoneType), _OPTIMIZERS),
        ("schedule", schedule, (optim.Schedule, NoneType), _SCHEDULES),
    ]
    for name, part, kind, expected in kinds:
        if not isinstance(part, kind):
            hint = ": write it with brackets" if isinstance(part, type) else ""
            raise TypeError(f"{name} is {expected}, got {part!r}{hint}")
    if isinstance(loss, type) or not (loss is None or callable(loss)):
        hint = ": write it with brackets" if isinstance(loss, type) else ""
        raise TypeError(f"loss is {_LOSSES}, got {loss!r}{hint}")


def rows_of(data: Any, what: str) -> Data:
    """Inputs, targets and weights of the rows that have a target."""
    if not isinstance(data, (tuple, list)) or len(data) not in (2, 3):
        hint = ": write fit(net, (X, y))" if what == "train" else ""
        got = type(data).__name__
        raise TypeError(f"{what} is a pair (X, y), or (X, y, weights), got {got}{hint}")
    _check_no_list(data[0], data[1], what)
    x = arrays.inputs(data[0], f"{what}[0]")
    rows = check_rows(x, f"{what}[0]")
    y, missing = arrays.targets(data[1], rows, f"{what}[1]")
    weights = tuple(arrays.weights(w, y, f"{what}[2]") for w in data[2:])
    if weights and weights[0].shape == y.shape and y.ndim > 1 and y.dtype.kind == "f":
        # What weighs nothing need not be known.
        y = np.where(missing & (weights[0] == 0), 0, y)
        missing = missing & (weights[0] > 0)
    known = ~missing.reshape(rows, -1).any(axis=1)
    if not known.any():
        raise DataError(f"Every target of {what}[1] is missing: there is nothing to learn.")
    if known.all():
        return (x, y, *weights)
    count = int((~known).sum())
    said = (
        "1 row without a target: it is"
        if count == 1
        else f"{count:,} rows without a target: they are"
    )
    warn(f"{what} holds {said} left out.")
    return (subset(x, known), y[known], *(w[known] for w in weights))


def _check_no_list(x: Any, y: Any, what: str) -> None:
    """Raise DataError where a list, which is one array, seems to be meant as several inputs."""
    items = x if isinstance(x, list) else []
    rows = len(y) if hasattr(y, "__len__") else 0
    if len(items) not in (0, rows) and all(np.shape(item)[:1] == (rows,) for item in items):
        raise DataError(
            f"{what}[0] is a list of {len(items)} arrays of {rows:,} rows: several inputs are a "
            "tuple or a dict of arrays."
        )


def with_validation(data: Data, validation: Any, seed: int) -> tuple[Data, Data | None]:
    """Rows to train on and rows to measure on: none, those passed, or a fraction that is held out."""
    if validation is None:
        return data, None
    if not isinstance(validation, (int, float)):
        return data, rows_of(validation, "validation")
    if not 0 < validation < 1:
        raise ValueError(f"validation is (X, y), a fraction in (0, 1) or None: {validation}")
    x, y = data[:2]
    by = {"labels": y} if arrays.are_classes(y) else {"values": y} if y.ndim == 1 else {}
    if y.dtype.kind == "O":
        by = {"labels": codes_of(y, classes_of(y), "train[1]")}
    kept, held_out = split(len(y), [1 - validation, validation], seed, **by)
    parts = tuple((subset(x, rows), *(a[rows] for a in data[1:])) for rows in (kept, held_out))
    if len(data) > 2 and not all(part[2].any() for part in parts):
        raise DataError("The rows that have weight are too few to hold some out to stop by.")
    return parts[0], parts[1]


CALLBACK, PROBE = "print", 'probes.Norm("gradients")'
"""What messages give as examples."""


def check_limits(seed: int, time_limit: float | None) -> None:
    """Raise TypeError or ValueError unless each is a number in its range, or there is no limit."""
    check.integer("seed", seed, 0)
    if time_limit is not None and not check.plain("time_limit", time_limit) >= 0:
        raise ValueError(
            f"time_limit is at least 0 seconds, or None, got {check.brief(time_limit)}"
        )


def check_on_divergence(choice: str) -> None:
    """Raise ValueError unless it is one of the two."""
    if choice not in ("warn", "raise"):
        raise ValueError(f"on_divergence is 'warn' or 'raise', got {choice!r}")


def callables(name: str, values: Any, example: str) -> list[Any]:
    """The functions or callable objects of a list; raises TypeError, with an example, for others."""
    if not isinstance(values, (list, tuple)):
        raise TypeError(f"{name} is a list: write {name}=[{example}], got {check.brief(values)}")
    for value in values:
        if not callable(value) or isinstance(value, type):
            hint = ": write it with brackets" if isinstance(value, type) else ""
            raise TypeError(
                f"{name} takes functions or objects like {example}, got {check.brief(value)}{hint}"
            )
    return list(values)


def metrics_of(values: Any) -> list[Measure]:
    """The measures of a list; a function (outputs, targets …) → scalar is one by its own name."""
    if not isinstance(values, (list, tuple)):
        raise TypeError(f"metrics is a list of measures, got {check.brief(values)}")
    measures: list[Measure] = []
    for value in values:
        if not isinstance(value, Measure) and (not callable(value) or isinstance(value, type)):
            raise TypeError(
                "metrics takes measures of pellucid.train.measures, or functions (outputs, targets) → "
                f"scalar tensor, got {check.brief(value)}"
            )
        name = getattr(value, "__name__", type(value).__name__)
        measures.append(value if isinstance(value, Measure) else mean_of(name, value))
    return measures
