"""Pooling: each window of places, channel by channel, brought to one value."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from pellucid.graph import Array, Tensor, iota, tensor, windows
from pellucid.nn.initialise import Initializer
from pellucid.nn.module import Module
from pellucid.nn.scope import label, shape_text
from pellucid.nn.window import Padding, Sizes, each, padded, padding, sizes, widths


@dataclass(eq=False, repr=False)
class _Pool(Module):
    rank: ClassVar[int]
    outside: ClassVar[float]

    size: Sizes = 2
    stride: Sizes | None = None
    padding: Padding = "valid"

    def __post_init__(self) -> None:
        sizes(self, "size", self.rank)
        if self.stride is not None:
            sizes(self, "stride", self.rank)
        padding(self, self.rank)

    def suited(self) -> Initializer | None:
        """Looked through."""
        return None

    def forward(self, x: Tensor) -> Tensor:
        """One value for each window and channel."""
        if x.ndim != self.rank + 2:
            raise self.mismatch(
                "(batch, length, channels)"
                if self.rank == 1
                else "(batch, height, width, channels)",
                x,
            )
        size = each(self.size, self.rank)
        stride = size if self.stride is None else each(self.stride, self.rank)
        added = widths(self.padding, x.shape[1:-1], size, stride)
        seen = padded(x, added, self.outside)
        if any(n < k for n, k in zip(seen.shape[1:], size, strict=False)):
            raise ValueError(
                f"{label(self)} has a window of {shape_text(size)}, more than its padded input "
                f"{shape_text(seen.shape)} has"
            )
        found = windows(seen, size, stride)
        # The elements of a window before the channels, so that channels stay side by side.
        order = (*range(self.rank + 1), *range(self.rank + 2, found.ndim), self.rank + 1)
        found = found.transpose(*order)
        places = found.shape[: self.rank + 1]
        return self.pooled(found.reshape(*places, math.prod(size), x.shape[-1]))

    def pooled(self, seen: Tensor) -> Tensor:
        """The values of windows (batch, places, elements, channels)."""
        raise NotImplementedError


class _Max(_Pool):
    outside: ClassVar[float] = -math.inf

    def pooled(self, seen: Tensor) -> Tensor:
        """The first of the largest elements; the gradient goes to it alone."""
        axis = seen.ndim - 2
        first = seen.argmax(axis, keepdims=True)
        chosen = iota(seen.shape, axis, first.dtype).equal(first.broadcast_to(seen.shape))
        return chosen.where(seen, 0.0).sum(axis)


class _Average(_Pool):
    outside: ClassVar[float] = 0.0

    def pooled(self, seen: Tensor) -> Tensor:
        """The mean."""
        return seen.mean(seen.ndim - 2)


@dataclass(eq=False, repr=False)
class MaxPool1d(_Max):
    """The largest value of each window, (batch, length, channels); see `MaxPool2d`."""

    rank: ClassVar[int] = 1


@dataclass(eq=False, repr=False)
class MaxPool2d(_Max):
    """y[n, i, j, c] = max of x[n, s·i + k, s·j + l, c] over a window of places.

    size:    of the window, a number or one for each axis.
    stride:  from one window to the next; None is the size, so that windows do not overlap.
    padding: "valid", "same" or a number; what is added never wins.
    """

    rank: ClassVar[int] = 2


@dataclass(eq=False, repr=False)
class AveragePool1d(_Average):
    """The mean of each window, (batch, length, channels); see `AveragePool2d`."""

    rank: ClassVar[int] = 1


@dataclass(eq=False, repr=False)
class AveragePool2d(_Average):
    """y[n, i, j, c] = mean of x[n, s·i + k, s·j + l, c] over a window; padding counts as zeros.

    The settings are those of `MaxPool2d`.
    """

    rank: ClassVar[int] = 2


@dataclass(eq=False, repr=False)
class GlobalAveragePool(Module):
    """The mean over all places: (batch, …, channels) to (batch, channels) (Lin et al. 2013)."""

    def suited(self) -> Initializer | None:
        """Looked through."""
        return None

    def forward(self, x: Tensor) -> Tensor:
        """The mean of each channel."""
        if x.ndim < 3:
            raise self.mismatch("(batch, …, channels) with at least one spatial axis", x)
        return x.mean(tuple(range(1, x.ndim - 1)))


@dataclass(eq=False, repr=False)
class AdaptiveAveragePool2d(Module):
    """The means of a grid of windows that cover the image, whatever its size.

    Window i of an axis covers places ⌊i · n / size⌋ to ⌈(i + 1) · n / size⌉ − 1, as in PyTorch.

    size: windows on each axis, a number or one for each.
    """

    size: Sizes = 1

    def __post_init__(self) -> None:
        sizes(self, "size", 2)

    def suited(self) -> Initializer | None:
        """Looked through."""
        return None

    def forward(self, x: Tensor) -> Tensor:
        """A product with the windows' weights along each axis."""
        if x.ndim != 4:
            raise self.mismatch("(batch, height, width, channels)", x)
        for axis, size in zip((1, 2), each(self.size, 2), strict=True):
            weights = tensor(_weights(x.shape[axis], size), x.dtype)
            x = (x.swap_axes(axis, -1) @ weights).swap_axes(axis, -1)
        return x


def _weights(length: int, size: int) -> Array:
    """(length, size): the share of each place in each window's mean."""
    found = np.zeros((length, size))
    for i in range(size):
        window = slice(i * length // size, -(-(i + 1) * length // size))
        found[window, i] = 1.0
    return np.asarray(found / found.sum(axis=0))
