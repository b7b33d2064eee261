"""Hinge: the margin of a support vector machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pellucid import check
from pellucid.graph import Tensor, one_hot, where
from pellucid.graph.dtype import BOOL, is_float
from pellucid.nn.losses.base import Loss, limited
from pellucid.nn.losses.classification import check_logits, picked_class


@dataclass(frozen=True)
class Hinge(Loss):
    """max(0, m − (2y − 1) x) for targets y of 0 or 1, averaged (Cortes & Vapnik 1995).

    Outputs and targets of one shape, (n, 1) pairs with (n,). With outputs (batch, …, K) and integer
    classes (batch, …): Σ_{k ≠ y} max(0, m − x_y + x_k) / K (Weston & Watkins 1999).

    margin:  m, more than 0.
    squared: each max(0, ·) is squared, which makes it smooth.
    """

    takes_classes: ClassVar[bool] = True
    target_bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)

    margin: float = 1.0
    squared: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        check.number(self, "margin", more_than=0)
        check.choice(self, "squared", True, False)

    def row_losses(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Of two classes by one number, or of several."""
        if outputs.ndim != targets.ndim + 1 or outputs.shape[-1] == 1:
            x, y = self.paired(outputs, limited(self, targets))
            signs = where(y == y.floor(), y * 2.0 - 1.0, float("nan"))
            return self._hinge(self.margin - signs * x)
        if is_float(targets.dtype):
            raise TypeError(f"Hinge takes integer classes, got targets {targets.node.type}")
        check_logits(self, outputs, targets)
        right = picked_class(self, outputs, targets).expand_dims(-1)
        over = self._hinge(outputs - right + self.margin)
        return where(one_hot(targets, outputs.shape[-1], BOOL), 0.0, over).mean(-1)

    def _hinge(self, x: Tensor) -> Tensor:
        return x.relu().square() if self.squared else x.relu()
