"""Flatten: the axes after the batch as one."""

from __future__ import annotations

import math
from dataclasses import dataclass

from pellucid.graph import Tensor
from pellucid.nn.initialise import Initializer
from pellucid.nn.module import Module


@dataclass(eq=False, repr=False)
class Flatten(Module):
    """(batch, n, m, …) to (batch, n · m · …), last axis fastest."""

    def suited(self) -> Initializer | None:
        """Looked through."""
        return None

    def forward(self, x: Tensor) -> Tensor:
        """One axis after the batch."""
        if x.ndim < 1:
            raise self.mismatch("(batch, …)", x)
        return x.reshape(x.shape[0], math.prod(x.shape[1:]))
