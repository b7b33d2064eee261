"""Loss: the base of every loss: a map from (outputs, targets) to a scalar, smaller being better."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pellucid import check
from pellucid.graph import Array, Tensor, tensor
from pellucid.graph.dtype import is_float

Reduction = Literal["mean", "sum", "none"]


@dataclass(frozen=True)
class Loss:
    """A loss is computed row by row and then reduced over the batch.

    reduction: "mean" (default), "sum", or "none" for one loss per row, shape (batch,), to be
    weighted or masked before it is averaged. A row that holds several outputs has their mean.
    A new loss writes `row_losses`.
    """

    reduction: Reduction = "mean"

    def __post_init__(self) -> None:
        check.choice(self, "reduction", "mean", "sum", "none")

    def row_losses(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """The losses, (batch, …), any axes after the first being averaged by the caller."""
        raise NotImplementedError

    def __call__(self, outputs: Tensor | Array, targets: Tensor | Array) -> Tensor:
        """The loss of `outputs` against `targets`; raises ValueError if their shapes do not fit."""
        given = tensor(outputs)
        if not is_float(given.dtype) or given.ndim == 0:
            raise TypeError(f"{type(self).__name__} takes float outputs, got {given.node.type}")
        losses = self.row_losses(given, tensor(targets))
        rows = losses.mean(tuple(range(1, losses.ndim)))
        if self.reduction == "none":
            return rows
        return rows.sum() if self.reduction == "sum" else rows.mean()

    def paired(self, outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Outputs and targets of one shape and type; shapes are never broadcast.

        An axis of length 1 at the end of one and missing in the other is dropped: outputs (n, 1)
        pair with targets (n,).
        """
        if outputs.ndim == targets.ndim + 1 and outputs.shape[-1] == 1:
            outputs = outputs.reshape(outputs.shape[:-1])
        elif targets.ndim == outputs.ndim + 1 and targets.shape[-1] == 1:
            targets = targets.reshape(targets.shape[:-1])
        if outputs.shape != targets.shape:
            raise ValueError(
                f"{type(self).__name__} takes outputs and targets of one shape, "
                f"got outputs {outputs.shape} and targets {targets.shape}"
            )
        return outputs, targets.cast(outputs.dtype)
