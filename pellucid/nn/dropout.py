"""Dropout: units left out at random while training."""

from __future__ import annotations

from dataclasses import dataclass

from pellucid import check
from pellucid.graph import Tensor, where
from pellucid.nn.initialise import Initializer
from pellucid.nn.mode import training_pass
from pellucid.nn.module import Module


@dataclass(eq=False, repr=False)
class Dropout(Module):
    """In training each element is 0 with probability `rate`, else x / (1 − rate); x in evaluation.

    Srivastava et al. 2014, in the inverted form, which leaves evaluation as it is. They keep .8 to
    1 of the inputs (rate 0 to .2) and .5 to .8 of hidden units (rate .2 to .5).
    Each call in a pass draws its own mask, a function of the pass's seed and step.

    rate: the part that is left out, at least 0 and less than 1.
    """

    rate: float = 0.5

    def __post_init__(self) -> None:
        check.number(self, "rate", at_least=0, less_than=1)

    def suited(self) -> Initializer | None:
        """Looked through."""
        return None

    def forward(self, x: Tensor) -> Tensor:
        """x with units left out."""
        current = training_pass()
        if current is None or self.rate == 0:
            return x
        keep = 1.0 - self.rate
        return where(current.bernoulli(x.shape, keep), x * (1.0 / keep), 0.0)
