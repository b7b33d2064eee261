"""Quantile and Poisson losses: other questions about a number than its mean."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Real
from typing import ClassVar

import numpy as np

from pellucid import check
from pellucid.graph import Tensor, tensor, where
from pellucid.nn.losses.base import Loss


@dataclass(frozen=True)
class Quantile(Loss):
    """max(q e, (q − 1) e) with e = y − o, averaged: o becomes the q-quantile of y.

    Koenker & Bassett 1978. With one level, outputs and targets of one shape, (n, 1) pairs with
    (n,). With k levels, outputs are (batch, k), a column for each level, and targets (batch,).

    levels: q, one or several, each between 0 and 1, without the ends. 0.5 is the median.
    """

    levels: float | tuple[float, ...] = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        several = isinstance(self.levels, (tuple, list))
        levels = tuple(self.levels) if isinstance(self.levels, (tuple, list)) else (self.levels,)
        if not levels or any(isinstance(q, bool) or not isinstance(q, Real) for q in levels):
            raise TypeError(
                f"Quantile levels is a number or several, got {check.brief(self.levels)}"
            )
        if not all(0 < q < 1 for q in levels):
            raise ValueError(
                f"Quantile levels is more than 0 and less than 1, got {check.brief(self.levels)}"
            )
        plain = tuple(map(float, levels))
        object.__setattr__(self, "levels", plain if several else plain[0])

    def row_losses(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """The loss of each quantile, averaged."""
        if not isinstance(self.levels, tuple):
            o, y = self.paired(outputs, targets)
            return self._sides(y - o, tensor(self.levels, o.dtype))
        y = targets.squeeze(-1) if targets.ndim == 2 and targets.shape[-1] == 1 else targets
        if y.ndim != 1 or outputs.shape != (y.shape[0], len(self.levels)):
            raise ValueError(
                f"Quantile of {len(self.levels)} levels takes outputs (batch, {len(self.levels)}) "
                f"and targets (batch,), got {outputs.shape} and {targets.shape}"
            )
        error = y.cast(outputs.dtype).expand_dims(-1) - outputs
        return self._sides(error, tensor(np.asarray(self.levels), outputs.dtype))

    def _sides(self, error: Tensor, level: Tensor) -> Tensor:
        return where(error > 0.0, error * level, error * (level - 1.0))


@dataclass(frozen=True)
class Poisson(Loss):
    """e^x − y x, averaged: for counts y whose rate is e^x (Nelder & Wedderburn 1972).

    The negative log-likelihood without log y!, which the outputs do not change. Outputs x are the
    logarithm of the rate; outputs and targets of one shape, (n, 1) pairs with (n,). A negative count
    is an error where it can be seen when the graph is built, and gives NaN where it comes with the
    data.
    """

    target_bounds: ClassVar[tuple[float, float]] = (0.0, math.inf)

    def row_losses(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """e^x − y x."""
        x, y = self.paired(outputs, targets)
        if targets.node.op == "constant" and (targets.node.attrs["value"].array < 0).any():
            raise ValueError("Poisson takes counts of at least 0, got a negative target")
        return x.exp() - where(y >= 0.0, y, float("nan")) * x
