"""Losses between distributions and between directions."""

from __future__ import annotations

from dataclasses import dataclass

from pellucid import check
from pellucid.graph import Tensor, where
from pellucid.nn.functional import log_softmax
from pellucid.nn.loss import Loss, limited


@dataclass(frozen=True)
class KLDivergence(Loss):
    """Σ_k y_k (log y_k − log softmax(x)_k), averaged over the rows (Kullback & Leibler 1951).

    Outputs x are logits and targets y probabilities, both (batch, …, classes); 0 log 0 is 0. A
    target that is no probability is an error or gives NaN, as in `BinaryCrossEntropy`. Its gradient
    is that of the cross-entropy; its least value is 0.
    """

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
        product = (outputs * y).sum(-1)
        return 1.0 - product * self._inverse_length(outputs) * self._inverse_length(y)

    def _inverse_length(self, x: Tensor) -> Tensor:
        return x.square().sum(-1).maximum(self.epsilon**2).rsqrt()
