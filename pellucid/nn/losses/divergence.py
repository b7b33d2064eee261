"""Losses between distributions and between directions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pellucid import check
from pellucid.graph import Tensor, where
from pellucid.nn.functional import log_softmax
from pellucid.nn.losses.base import Loss, limited

_LONG = 1e15
"""Far below where squares of float32 overflow, also many of them."""


@dataclass(frozen=True)
class KLDivergence(Loss):
    """Σ_k y_k (log y_k − log softmax(x)_k), averaged over the rows (Kullback & Leibler 1951).

    Outputs x are logits and targets y probabilities, both (batch, …, classes); 0 log 0 is 0. A
    target that is no probability is an error or gives NaN, as in `BinaryCrossEntropy`. Its gradient
    is that of the cross-entropy; its least value is 0.
    """

    target_bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)

    def row_losses(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """The divergence of each row."""
        if outputs.ndim < 2 or targets.shape != outputs.shape:
            raise ValueError(
                "KLDivergence takes logits and probabilities of one shape (batch, classes), got "
                f"outputs {outputs.shape} and targets {targets.shape}"
            )
        y = limited(self, targets).cast(outputs.dtype)
        entropy = where(y > 0.0, y * where(y > 0.0, y, 1.0).log(), 0.0)
        return (entropy - y * log_softmax(outputs)).sum(-1)


@dataclass(frozen=True)
class CosineDistance(Loss):
    """1 − o·y / (|o| |y|), averaged: from 0 for one direction to 2 for opposite ones.

    Outputs and targets are vectors of one shape, (batch, …, features). Lengths are taken as at least
    ε, so a vector of length 0 has distance 1.

    epsilon: ε, at least 1e-12.
    """

    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        super().__post_init__()
        check.number(self, "epsilon", at_least=1e-12)

    def row_losses(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """The distance of each pair of vectors."""
        if outputs.ndim < 2 or targets.shape != outputs.shape:
            raise ValueError(
                "CosineDistance takes vectors of one shape (batch, features), got "
                f"outputs {outputs.shape} and targets {targets.shape}"
            )
        y = targets.cast(outputs.dtype)
        return 1.0 - (self._direction(outputs) * self._direction(y)).sum(-1)

    def _direction(self, x: Tensor) -> Tensor:
        """x / max(|x|, ε); long vectors are made shorter first, so that their squares are finite."""
        largest = x.abs().max(-1, keepdims=True).stop_gradient()
        unit = where((largest > _LONG) & (largest < float("inf")), largest, 1.0)
        near = x / unit
        least = self.epsilon / unit
        return near * near.square().sum(-1, keepdims=True).maximum(least.square()).rsqrt()
