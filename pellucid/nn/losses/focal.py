"""Focal losses: cross-entropy that turns to the examples that are still wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from pellucid import check
from pellucid.graph import Tensor, tensor
from pellucid.graph.dtype import is_float
from pellucid.nn.functional import log_softmax, softplus
from pellucid.nn.losses.base import Loss, limited
from pellucid.nn.losses.class_weights import check_class_weights
from pellucid.nn.losses.classification import check_logits, picked_class


@dataclass(frozen=True)
class Focal(Loss):
    """−α_y (1 − p_y)^γ log p_y with p = softmax(x), averaged (Lin et al. 2017, eq. 5).

    Outputs are logits (batch, …, classes), targets integer classes (batch, …), as in
    `CrossEntropy`, which it is at γ = 0.

    gamma:         γ, at least 0; the paper's best is 2.
    class_weights: α, one for each class; the mean divides by the number of rows.
    """

    takes_classes: ClassVar[bool] = True

    gamma: float = 2.0
    class_weights: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check.number(self, "gamma", at_least=0)
        check_class_weights(self)

    def row_losses(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """The losses of the classes' logarithms."""
        if is_float(targets.dtype):
            raise TypeError(f"Focal takes integer classes, got targets {targets.node.type}")
        check_logits(self, outputs, targets)
        logs = picked_class(self, log_softmax(outputs), targets)
        losses = -logs
        if self.gamma:
            # Not 0, where a power below 1 has no finite derivative.
            losses = (-logs.expm1()).maximum(1e-30) ** self.gamma * losses
        if self.class_weights is None:
            return losses
        if len(self.class_weights) != outputs.shape[-1]:
            raise ValueError(
                f"Focal has {len(self.class_weights)} class weights, the outputs "
                f"{outputs.shape} have {outputs.shape[-1]} classes"
            )
        return losses * tensor(np.asarray(self.class_weights), outputs.dtype).take(targets)


@dataclass(frozen=True)
class BinaryFocal(Loss):
    """−α (1 − p)^γ log p for targets 1, −(1 − α) p^γ log(1 − p) for 0, p = σ(x), averaged.

    Lin et al. 2017, eq. 5, on logits x; outputs and targets of one shape, (n, 1) pairs with (n,).

    gamma: γ, at least 0; the paper's best is 2.
    alpha: the weight of class 1, from 0 to 1; the paper's best with γ = 2 is 0.25. None: both 1.
    """

    takes_classes: ClassVar[bool] = True
    target_bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)

    gamma: float = 2.0
    alpha: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check.number(self, "gamma", at_least=0)
        if self.alpha is not None:
            check.number(self, "alpha", at_least=0, at_most=1)

    def row_losses(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Both sides by the softplus, which is finite and accurate at any x."""
        x, y = self.paired(outputs, limited(self, targets))
        up, down = softplus(x), softplus(-x)
        # 1 − p = e^−softplus(x) and −log p = softplus(−x).
        yes = (up * -self.gamma).exp() * down
        no = (down * -self.gamma).exp() * up
        if self.alpha is not None:
            yes, no = yes * self.alpha, no * (1.0 - self.alpha)
        return y * yes + (1.0 - y) * no
