"""Upsample: images, or sequences, made larger."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from pellucid import check
from pellucid.graph import Array, Tensor, tensor
from pellucid.limits import reserve
from pellucid.nn.module import Transparent


@dataclass(eq=False, repr=False)
class Upsample(Transparent):
    """Every spatial axis made `factor` times longer.

    "nearest" repeats each value; "linear" (bilinear on images) weighs the two nearest values on
    each axis, whose centres are at i + ½ and which are held at the borders, as in PyTorch with
    align_corners=False.

    x: (batch, height, width, channels), or any number of spatial axes, at least one;
    y: the same with each spatial length times the factor.

    factor: a whole number, at least 1.
    mode:   "nearest" or "linear".
    """

    factor: int = 2
    mode: Literal["nearest", "linear"] = "nearest"

    def __post_init__(self) -> None:
        check.count(self, "factor")
        check.choice(self, "mode", "nearest", "linear")

    def forward(self, x: Tensor) -> Tensor:
        """The larger image."""
        if x.ndim < 3:
            raise self.mismatch("(batch, …, channels) with at least one spatial axis", x)
        x = x if self.mode == "nearest" else x.real()
        for axis in range(1, x.ndim - 1):
            x = self._longer(x, axis)
        return x

    def _longer(self, x: Tensor, axis: int) -> Tensor:
        if self.mode == "nearest":
            apart = x.expand_dims(axis + 1)
            shape = (*x.shape[: axis + 1], self.factor, *x.shape[axis + 1 :])
            length = x.shape[axis] * self.factor
            whole = (*x.shape[:axis], length, *x.shape[axis + 1 :])
            return apart.broadcast_to(shape).reshape(whole)
        reserve(x.shape[axis], x.shape[axis] * self.factor)
        weights = tensor(interpolation(x.shape[axis], self.factor), x.dtype)
        return (x.swap_axes(axis, -1) @ weights).swap_axes(axis, -1)


def interpolation(length: int, factor: int) -> Array:
    """(length, length · factor): the weight of each value in each new one; columns sum to 1."""
    at = np.clip((np.arange(length * factor) + 0.5) / factor - 0.5, 0, length - 1)
    return np.maximum(0.0, 1.0 - np.abs(at[None] - np.arange(length)[:, None]))
