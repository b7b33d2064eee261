"""GaussianNoise: noise added while training."""

from __future__ import annotations

from dataclasses import dataclass

from pellucid import check
from pellucid.graph import Tensor
from pellucid.nn.mode import training_pass
from pellucid.nn.module import Transparent


@dataclass(eq=False, repr=False)
class GaussianNoise(Transparent):
    """x + σ n in training, n ~ N(0, 1) for each element; x in evaluation.

    On inputs it acts like a penalty on the gradient (Bishop 1995), and it augments small tables.

    deviation: σ, at least 0, in the unit of x.
    """

    deviation: float = 0.1

    def __post_init__(self) -> None:
        check.number(self, "deviation", at_least=0)

    def forward(self, x: Tensor) -> Tensor:
        """x with noise."""
        current = training_pass()
        if current is None or self.deviation == 0:
            return x
        x = x.real()
        return x + current.normal(x.shape).cast(x.dtype) * self.deviation
