"""Position encodings: attention alone does not tell the positions of a sequence apart."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from pellucid.graph import Array, Tensor, tensor
from pellucid.limits import reserve
from pellucid.nn.initialise import Normal
from pellucid.nn.module import Transparent
from pellucid.nn.parameter import Parameter


@dataclass(eq=False, repr=False)
class LearnedPositions(Transparent):
    """x + P, a vector learned for each position, starting from N(0, 0.02²) (Radford et al. 2019).

    x, y: (batch, length, features); P: (length, features), for the length it was built with; shorter
    sequences take its first rows.
    """

    def setup(self, x: Tensor) -> None:
        """P for x's length."""
        if x.ndim != 3:
            raise self.mismatch("(batch, length, features)", x)
        self.P: Parameter = self.parameter("P", x.shape[1:], Normal(0.02))

    def forward(self, x: Tensor) -> Tensor:
        """x + P."""
        length, features = self.P.shape
        if x.ndim != 3 or x.shape[1] > length or x.shape[2] != features:
            raise self.mismatch(f"(batch, at most {length}, {features})", x)
        return x + self.P[: x.shape[1]]


@dataclass(eq=False, repr=False)
class SinusoidalPositions(Transparent):
    """x + P, P[t, 2i] = sin(t / 10000^(2i/d)) and P[t, 2i + 1] = cos(t / 10000^(2i/d)).

    Vaswani et al. 2017, section 3.5. x, y: (batch, length, features d).
    """

    def forward(self, x: Tensor) -> Tensor:
        """x + P."""
        if x.ndim != 3:
            raise self.mismatch("(batch, length, features)", x)
        x = x.real()
        reserve(*x.shape[1:])
        return x + tensor(sinusoids(x.shape[1], x.shape[2]), x.dtype)


def sinusoids(length: int, features: int) -> Array:
    """P of `SinusoidalPositions`, (length, features)."""
    pair = np.arange(features) // 2 * 2
    angle = np.arange(length)[:, None] * np.exp(-math.log(10000.0) * pair / features)
    return np.where(np.arange(features) % 2 == 0, np.sin(angle), np.cos(angle))
