"""Losses between numbers: squared, absolute and Huber's."""

from __future__ import annotations

from dataclasses import dataclass

from pellucid import check
from pellucid.graph import Tensor, where
from pellucid.nn.losses.base import Loss


@dataclass(frozen=True)
class MeanSquaredError(Loss):
    """(o − y)², averaged. Outputs and targets of one shape; (n, 1) pairs with (n,)."""

    def row_losses(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """(o − y)²."""
        o, y = self.paired(outputs, targets)
        return (o - y).square()


@dataclass(frozen=True)
class MeanAbsoluteError(Loss):
    """|o − y|, averaged; its gradient at 0 is 0. Shapes as in `MeanSquaredError`."""

    def row_losses(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """|o − y|."""
        o, y = self.paired(outputs, targets)
        return (o - y).abs()


@dataclass(frozen=True)
class Huber(Loss):
    """½ e² where |e| < δ, δ (|e| − ½ δ) elsewhere, e = o − y, averaged (Huber 1964).

    delta: where it turns from squared to absolute, more than 0. Shapes as in `MeanSquaredError`.
    """

    delta: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        check.number(self, "delta", more_than=0)

    def row_losses(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """The two branches; the error is replaced by 0 where its square is not used."""
        o, y = self.paired(outputs, targets)
        error = o - y
        size = error.abs()
        near = size < self.delta
        squared = where(near, error, 0.0).square() * 0.5
        return where(near, squared, (size - 0.5 * self.delta) * self.delta)
