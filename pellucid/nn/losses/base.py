"""Loss: the base of every loss: a map from (outputs, targets) to a scalar, smaller being better."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from pellucid import check
from pellucid.graph import Array, Tensor, tensor, where
from pellucid.graph.arrays import noted
from pellucid.graph.dtype import FLOAT64, is_float
from pellucid.keywords import Hinted
from pellucid.nn.mode import training_pass
from pellucid.parts import Part

Reduction = Literal["mean", "sum", "none"]


@dataclass(frozen=True)
class Loss(Hinted, Part, abstract=True):
    """A loss is computed row by row and then reduced over the batch.

    reduction: "mean" (default), "sum", or "none" for one loss per row, shape (batch,), to be
    weighted or masked before it is averaged. A row that holds several outputs has their mean.
    A new loss writes `row_losses`; where `pel.fit` takes a loss, any function of two tensors,
    (outputs, targets) → scalar, is one too.
    """

    takes_classes: ClassVar[bool] = False
    """Whether targets that are whole numbers are classes."""

    target_bounds: ClassVar[tuple[float, float]] = (-math.inf, math.inf)
    """The least and the largest number that can be a target."""

    reduction: Reduction = "mean"

    def __post_init__(self) -> None:
        check.choice(self, "reduction", "mean", "sum", "none")

    def row_losses(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """The losses, (batch, …), any axes after the first being averaged by the caller."""
        raise NotImplementedError

    def counts(self, outputs: Tensor, targets: Tensor) -> Tensor | None:
        """How much each loss counts in the mean, in the shape of the losses; None: all the same."""
        return None

    def __call__(
        self,
        outputs: Tensor | Array,
        targets: Tensor | Array,
        weights: Tensor | Array | None = None,
    ) -> Tensor:
        """The loss of `outputs` against `targets`; raises ValueError if their shapes do not fit.

        weights: of the examples, (batch,), or of every single loss, such as a mask of the positions of
        a sequence: numbers of at least 0, or conditions. "mean" is then Σ w l / Σ w (0 where all
        weights are 0), "sum" is Σ w l, and "none" gives each row's w l. A loss of weight 0 counts for
        nothing, even if it is not finite. A known negative weight raises ValueError; one that comes
        with the data makes the loss NaN.
        """
        losses, counts = self._weighted(outputs, targets, weights)
        if counts is not None and self.reduction == "mean":
            total = counts.sum()
            return losses.sum() / where(total == 0.0, 1.0, total)
        rows = losses.mean(tuple(range(1, losses.ndim)))
        if self.reduction == "none":
            return rows
        return rows.sum() if self.reduction == "sum" else rows.mean()

    def divisor(
        self,
        outputs: Tensor | Array,
        targets: Tensor | Array,
        weights: Tensor | Array | None = None,
    ) -> Tensor:
        """The divisor of "mean", a scalar in float64: the sum of the weights, or the number of rows.

        The mean over several batches is the mean of their means, weighted by their divisors.
        """
        losses, counts = self._weighted(outputs, targets, weights)
        return tensor(losses.shape[0], FLOAT64) if counts is None else counts.cast(FLOAT64).sum()

    def _weighted(
        self, outputs: Tensor | Array, targets: Tensor | Array, weights: Tensor | Array | None
    ) -> tuple[Tensor, Tensor | None]:
        """Every loss times its weight, and how much each counts in the mean; None: all the same."""
        with noted(f"in the outputs of {type(self).__name__}"):
            x = tensor(outputs)
        with noted(f"in the targets of {type(self).__name__}"):
            y = tensor(targets)
        if not is_float(x.dtype) or x.ndim == 0:
            raise TypeError(f"{type(self).__name__} takes float outputs, got {x.node.type}")
        if 0 in x.shape and self.reduction != "sum":
            raise ValueError(
                f"{type(self).__name__} has a mean over no outputs: they have shape {x.shape}"
            )
        parts = mixed_targets(y)
        losses = blended([(self.row_losses(x, target), share) for target, share in parts])
        each = [(self.counts(x, target), share) for target, share in parts]
        counted = [(count, share) for count, share in each if count is not None]
        counts = blended(counted) if counted else None
        if weights is None:
            return losses, counts
        scale = weights_like(tensor(weights), losses, type(self).__name__)
        losses = where(scale == 0.0, 0.0, losses * scale)
        return losses, scale if counts is None else counts * scale

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


def limited(loss: Loss, targets: Tensor, most: float = 1.0) -> Tensor:
    """Targets from 0 to `most`; any other becomes NaN.

    Raises ValueError for a known target outside of the range.
    """
    if targets.node.op == "constant":
        values = targets.node.attrs["value"].array
        wrong = values[~((values >= 0) & (values <= most))]
        if wrong.size:
            raise ValueError(
                f"{type(loss).__name__} takes targets of 0 or 1, or probabilities, got "
                f"{wrong.flat[0]}"
            )
        return targets
    return where((targets >= 0) & (targets <= most), targets, float("nan"))


def mixed(rows: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Tensor, Tensor], Tensor]:
    """The mean of a function of one's own, (outputs, targets) → a loss for each row, as a loss.

    It mixes the losses of each row where the network mixes rows (`Mixup`, `CutMix`), as every
    `Loss` does by itself.
    """

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        parts = mixed_targets(targets)
        return blended([(rows(outputs, target), share) for target, share in parts]).mean()

    return loss


def mixed_targets(targets: Tensor) -> list[tuple[Tensor, Tensor | None]]:
    """The targets of the rows in this pass, each with its share; None for a share of 1."""
    seen = training_pass()
    if seen is None or not seen.mixed:
        return [(targets, None)]
    return [(targets if rows is None else targets.take(rows), share) for rows, share in seen.mixed]


def blended(parts: Sequence[tuple[Tensor, Tensor | None]]) -> Tensor:
    """Σ share · value, where a share is that of each row; the value itself for a share of None."""
    first, *rest = (_shared(value, share) for value, share in parts)
    for other in rest:
        first = first + other
    return first


def _shared(value: Tensor, share: Tensor | None) -> Tensor:
    if share is None:
        return value
    return value * share.cast(value.dtype).reshape(*share.shape, *(1 for _ in value.shape[1:]))


def weights_like(weights: Tensor, losses: Tensor, name: str) -> Tensor:
    """Weights spread to the losses' shape and type; NaN where one is negative.

    Raises ValueError for another shape, or a negative weight that is known.
    """
    if weights.shape not in (losses.shape, losses.shape[:1]):
        raise ValueError(
            f"{name} takes weights of shape {losses.shape[:1]} or {losses.shape}, "
            f"got {weights.shape}"
        )
    if weights.node.op == "constant":
        wrong = ~(weights.node.attrs["value"].array >= 0)
        if wrong.any():
            raise ValueError(
                f"{name} takes weights of at least 0, got "
                f"{weights.node.attrs['value'].array[wrong].flat[0]}"
            )
    lead = weights.cast(losses.dtype)
    lead = lead.reshape(*weights.shape, *(1 for _ in losses.shape[weights.ndim :]))
    return where(lead >= 0.0, lead, float("nan")).broadcast_to(losses.shape)
