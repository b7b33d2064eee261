"""SwapNoise: augmentation of tables."""

from __future__ import annotations

from dataclasses import dataclass

from pellucid import check
from pellucid.graph import Tensor, iota, where
from pellucid.graph.dtype import INT32
from pellucid.nn.augment.base import Augmentation
from pellucid.nn.mode import ForwardPass


@dataclass(eq=False, repr=False)
class SwapNoise(Augmentation):
    """Each value is, with probability `rate`, that of the same feature in a random row of the batch.

    So columns keep their distributions, whatever they hold (Jahrer 2017, in a denoising
    autoencoder; the paper of Vincent et al. 2008 masks instead). x: (batch, features).
    `GaussianNoise` is the other noise for tables.

    rate: from 0 to less than 1.
    """

    rate: float = 0.15

    def __post_init__(self) -> None:
        check.number(self, "rate", at_least=0, less_than=1)

    def check(self, x: Tensor) -> None:
        """Raise unless x is a table."""
        if x.ndim != 2:
            raise self.mismatch("(batch, features)", x)
        super().check(x)

    def augmented(self, x: Tensor, draws: ForwardPass) -> Tensor:
        """Some values taken from other rows."""
        rows, features = x.shape
        row = (draws.uniform(x.shape) * float(rows)).floor().cast(INT32)
        index = row * features + iota(x.shape, 1, INT32)
        swapped = draws.bernoulli(x.shape, self.rate)
        return where(swapped, x.reshape(rows * features).take(index), x)
