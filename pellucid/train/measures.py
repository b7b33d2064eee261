"""What is measured on rows: losses and metrics as graph, so that outputs need not leave the program."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid import check
from pellucid.graph import Tensor, tensor, where
from pellucid.graph.dtype import FLOAT64
from pellucid.nn.inputs import leaves

Total = Callable[..., tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class Measure:
    """A mean over rows, or a function of one.

    total:  (outputs, targets, weights if any) → the sum over some rows, and how much they count,
            float64 scalars. Sums over chunks of rows are added.
    finish: the measure of the mean over all. empty: the measure where nothing counts.
    is_sum: the measure is of the sum, not of the mean.
    """

    name: str
    total: Total
    finish: Callable[[float], float] = float
    empty: float = math.nan
    is_sum: bool = False

    def of(self, total: float, weight: float) -> float:
        """The measure from the sums over all rows."""
        if self.is_sum:
            return float(self.finish(total))
        return float(self.finish(total / weight)) if weight else self.empty


def accuracy(name: str = "accuracy") -> Measure:
    """The share of rows whose likeliest class is the true one.

    outputs: logits (n, C), or of two classes one logit (n,) or (n, 1). A row with a logit that is
    NaN or +∞ counts as wrong.
    """

    def total(outputs: Tensor, codes: Tensor, *_: Tensor) -> tuple[Tensor, Tensor]:
        if outputs.ndim == 1 or outputs.shape[-1] == 1 < outputs.ndim:
            logit = outputs.reshape(codes.shape)
            finite = logit < float("inf")
            right = where(logit > 0.0, 1, 0).equal(codes.cast(np.int64)) & finite
        else:
            right = _likeliest(outputs).equal(codes.cast(np.int64))
        return _count(right), _size(codes)

    return Measure(name, total)


def position_accuracy(ignored: int | None, name: str = "accuracy") -> Measure:
    """The share of positions whose likeliest class is the true one, without those of class `ignored`."""

    def total(outputs: Tensor, codes: Tensor, *_: Tensor) -> tuple[Tensor, Tensor]:
        right = _likeliest(outputs).equal(codes.cast(np.int64))
        if ignored is None:
            return _count(right), _size(codes)
        counted = codes.not_equal(ignored)
        return _count(right & counted), _count(counted)

    return Measure(name, total)


def yes_or_no(name: str = "accuracy") -> Measure:
    """The share of answers of yes (above 0) and no that are right; NaN is neither."""

    def total(outputs: Tensor, values: Tensor, *_: Tensor) -> tuple[Tensor, Tensor]:
        yes = values.reshape(outputs.shape) > 0.5
        right = ((outputs > 0.0) & yes) | ((outputs <= 0.0) & ~yes)
        return _count(right), _size(outputs)

    return Measure(name, total)


def root_mean_square(scale: float = 1.0, name: str = "rmse") -> Measure:
    """√ of the mean squared difference of outputs and values, times `scale`.

    scale: the unit of the targets, where they are standardised.
    """

    def total(outputs: Tensor, values: Tensor, *_: Tensor) -> tuple[Tensor, Tensor]:
        error = outputs.reshape(values.shape).cast(FLOAT64) - values.cast(FLOAT64)
        return error.square().sum(), _size(values)

    return Measure(name, total, lambda mean: scale * math.sqrt(mean))


def mean_of(name: str, function: Callable[..., Tensor]) -> Measure:
    """A function of one's own: (outputs, targets …) → a scalar, taken as a mean over rows."""

    def total(*parts: Any) -> tuple[Tensor, Tensor]:
        value = function(*parts)
        if not isinstance(value, Tensor) or value.shape != ():
            raise TypeError(
                f"the measure {name!r} is a scalar tensor computed from the tensors that it receives, "
                f"got {check.brief(value)}"
            )
        rows = float(next(iter(leaves(parts[0]).values())).shape[0])
        return value.cast(FLOAT64) * rows, tensor(rows, FLOAT64)

    return Measure(name, total)


def _likeliest(outputs: Tensor) -> Tensor:
    """The index of the highest score along the last axis; −1 where it is not finite or one is NaN."""
    best = outputs.max(-1)
    finite = (best - best).equal(0.0)
    return where(finite, outputs.argmax(-1).cast(np.int64), -1)


def _count(condition: Tensor) -> Tensor:
    return where(condition, 1.0, 0.0).cast(FLOAT64).sum()


def _size(x: Tensor) -> Tensor:
    return tensor(float(x.size), FLOAT64)
