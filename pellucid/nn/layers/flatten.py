"""Flatten: the axes after the batch as one."""

from __future__ import annotations

import math
from dataclasses import dataclass

from pellucid.graph import Tensor
from pellucid.nn.module import Transparent


@dataclass(eq=False, repr=False)
class Flatten(Transparent):
    """(batch, n, m, …) to (batch, n · m · …), last axis fastest."""

    def forward(self, x: Tensor) -> Tensor:
        """One axis after the batch."""
        if x.ndim < 1:
            raise self.mismatch("(batch, …)", x)
        return x.reshape(x.shape[0], math.prod(x.shape[1:]))
