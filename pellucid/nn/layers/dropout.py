"""Dropout: units, channels or whole paths left out at random while training."""

from __future__ import annotations

from dataclasses import dataclass

from pellucid import check
from pellucid.graph import Shape, Tensor, where
from pellucid.nn.mode import training_pass
from pellucid.nn.module import Transparent


def dropped(x: Tensor, rate: float, mask: Shape | None = None) -> Tensor:
    """In training 0 with probability `rate`, else x / (1 − rate); x in evaluation.

    mask: the shape in which elements are drawn, 1 where an axis is left out as a whole; by default
    each element on its own.
    """
    current = training_pass()
    if current is None or rate == 0:
        return x
    keep = 1.0 - rate
    return where(current.bernoulli(mask or x.shape, keep), x * (1.0 / keep), 0.0)


def dropped_path(x: Tensor, rate: float) -> Tensor:
    """`dropped`, drawn once for each example."""
    return dropped(x, rate, (x.shape[0], *(1 for _ in x.shape[1:])))


@dataclass(eq=False, repr=False)
class Dropout(Transparent):
    """In training each element is 0 with probability `rate`, else x / (1 − rate); x in evaluation.

    Srivastava et al. 2014, in the inverted form, which leaves evaluation as it is. They keep .8 to
    1 of the inputs (rate 0 to .2) and .5 to .8 of hidden units (rate .2 to .5).
    Each call in a pass draws its own mask, a function of the pass's seed and step.

    rate:     the part that is left out, at least 0 and less than 1.
    channels: leave out whole channels (the last axis) of each example, which suits images, whose
              neighbouring positions say the same (Tompson et al. 2015).
    """

    rate: float = 0.5
    channels: bool = False

    def __post_init__(self) -> None:
        check.number(self, "rate", at_least=0, less_than=1)
        check.choice(self, "channels", True, False)

    def forward(self, x: Tensor) -> Tensor:
        """x with units left out."""
        if not self.channels:
            return dropped(x, self.rate)
        if x.ndim < 2:
            raise self.mismatch("(batch, …, channels)", x)
        return dropped(x, self.rate, (x.shape[0], *(1 for _ in x.shape[1:-1]), x.shape[-1]))


@dataclass(eq=False, repr=False)
class DropPath(Transparent):
    """In training a whole example is 0 with probability `rate`, else x / (1 − rate).

    As the last layer of a `Residual`'s block, it leaves out the block for that example: stochastic
    depth (Huang et al. 2016), in the inverted form.

    rate: at least 0 and less than 1; deep networks often raise it from 0 at the first block.
    """

    rate: float = 0.1

    def __post_init__(self) -> None:
        check.number(self, "rate", at_least=0, less_than=1)

    def forward(self, x: Tensor) -> Tensor:
        """x with examples left out."""
        if x.ndim < 1:
            raise self.mismatch("(batch, …)", x)
        return dropped_path(x, self.rate)
