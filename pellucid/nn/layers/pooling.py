"""Pooling: each window of positions, channel by channel, reduced to one value."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from pellucid.graph import Array, Tensor, iota, stack, tensor, windows
from pellucid.limits import expect, reserve
from pellucid.nn.layers.window import Padding, Sizes, each, padded, padding, sizes, widths
from pellucid.nn.module import Transparent
from pellucid.nn.scope import label, shape_text, sizes_text

_CUT_WINDOWS = 64
"""Windows of an adaptive pool that are cut out one by one; more are gathered at once."""


@dataclass(eq=False, repr=False)
class _Pool(Transparent):
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
        if isinstance(self.padding, str):
            return
        size = each(self.size, self.rank)
        if any(2 * n > k for n, k in zip(each(self.padding, self.rank), size, strict=True)):
            raise ValueError(
                f"{type(self).__name__} padding is at most half the size, so that every window "
                f"meets the input, got padding {self.padding} and size {self.size}"
            )

    def forward(self, x: Tensor) -> Tensor:
        """One value for each window and channel."""
        if x.ndim != self.rank + 2:
            raise self.mismatch(
                "(batch, length, channels)"
                if self.rank == 1
                else "(batch, height, width, channels)",
                x,
            )
        if 0 in x.shape[1:-1]:
            raise self.mismatch("at least one position on each axis", x)
        x = x.real()
        size = each(self.size, self.rank)
        stride = size if self.stride is None else each(self.stride, self.rank)
        added = widths(self.padding, x.shape[1:-1], size, stride)
        seen = padded(x, added, self.outside)
        if any(n < k for n, k in zip(seen.shape[1:], size, strict=False)):
            raise ValueError(
                f"{label(self)} has a window of {sizes_text(size)}, larger than its padded input "
                f"{shape_text(seen.shape)}"
            )
        elements = windows(seen, size, stride)
        # The elements of a window before the channels, so that channels stay side by side.
        order = (*range(self.rank + 1), *range(self.rank + 2, elements.ndim), self.rank + 1)
        elements = elements.transpose(*order)
        positions = elements.shape[: self.rank + 1]
        return self.pooled(elements.reshape(*positions, math.prod(size), x.shape[-1]))

    def pooled(self, seen: Tensor) -> Tensor:
        """The values of windows (batch, *spatial, elements, channels)."""
        raise NotImplementedError


def first_largest(seen: Tensor) -> Tensor:
    """The first of the largest elements, (…, elements, channels); the gradient goes to it alone."""
    axis = seen.ndim - 2
    first = seen.argmax(axis, keepdims=True)
    chosen = iota(seen.shape, axis, first.dtype).equal(first.broadcast_to(seen.shape))
    return chosen.where(seen, 0.0).sum(axis)


class _Max(_Pool):
    outside: ClassVar[float] = -math.inf

    def pooled(self, seen: Tensor) -> Tensor:
        """See `first_largest`."""
        return first_largest(seen)


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
    """y[n, i, j, c] = max of x[n, s·i + k, s·j + l, c] over a window.

    size:    of the window, a number or one for each axis.
    stride:  from one window to the next; None is the size, so that windows do not overlap.
    padding: "valid", "same" or a number; padding is never the largest.
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
class GlobalAveragePool(Transparent):
    """The mean over all positions: (batch, …, channels) to (batch, channels) (Lin et al. 2013)."""

    def forward(self, x: Tensor) -> Tensor:
        """The mean of each channel."""
        if x.ndim < 3 or 0 in x.shape[1:-1]:
            raise self.mismatch("(batch, …, channels) with at least one spatial axis", x)
        return x.mean(tuple(range(1, x.ndim - 1)))


@dataclass(eq=False, repr=False)
class GlobalMaxPool(Transparent):
    """The largest value over all positions: (batch, …, channels) to (batch, channels).

    The gradient goes to the first of the largest alone.
    """

    def forward(self, x: Tensor) -> Tensor:
        """The largest of each channel."""
        if x.ndim < 3 or 0 in x.shape[1:-1]:
            raise self.mismatch("(batch, …, channels) with at least one spatial axis", x)
        x = x.real()
        return first_largest(x.reshape(x.shape[0], math.prod(x.shape[1:-1]), x.shape[-1]))


@dataclass(eq=False, repr=False)
class _Adaptive(Transparent):
    size: Sizes = 1

    def __post_init__(self) -> None:
        sizes(self, "size", 2)

    def check(self, x: Tensor) -> None:
        """Raise ValueError unless x is a batch of images."""
        if x.ndim != 4 or 0 in x.shape[1:3]:
            raise self.mismatch("(batch, height, width, channels)", x)


@dataclass(eq=False, repr=False)
class AdaptiveMaxPool2d(_Adaptive):
    """The largest values of a grid of windows that cover the image: those of `AdaptiveAveragePool2d`.

    size: windows on each axis, a number or one for each.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Window by window."""
        self.check(x)
        x = x.real()
        expect(8 * math.prod(each(self.size, 2)))
        rows, columns = (
            _windows(n, size) for n, size in zip(x.shape[1:3], each(self.size, 2), strict=True)
        )
        if len(rows) * len(columns) > _CUT_WINDOWS:
            return first_largest(_gathered(x, rows, columns))
        largest = [
            first_largest(x[:, down, right].reshape(x.shape[0], -1, x.shape[-1]))
            for down in rows
            for right in columns
        ]
        return stack(largest, axis=1).reshape(x.shape[0], len(rows), len(columns), x.shape[-1])


@dataclass(eq=False, repr=False)
class AdaptiveAveragePool2d(_Adaptive):
    """The means of a grid of windows that cover the image, whatever its size.

    Window i of an axis covers positions ⌊i · n / size⌋ to ⌈(i + 1) · n / size⌉ − 1, as in PyTorch.

    size: windows on each axis, a number or one for each.
    """

    def forward(self, x: Tensor) -> Tensor:
        """A product with the windows' weights along each axis."""
        self.check(x)
        for axis, size in zip((1, 2), each(self.size, 2), strict=True):
            x = x.real()
            reserve(x.shape[axis], size)
            weights = tensor(_weights(x.shape[axis], size), x.dtype)
            x = (x.swap_axes(axis, -1) @ weights).swap_axes(axis, -1)
        return x


def _gathered(x: Tensor, rows: list[slice], columns: list[slice]) -> Tensor:
    """Each window's elements side by side, (batch, rows, columns, elements, channels).

    A window that is shorter than the longest repeats its last row or column. Copies come after their
    original, so the first of the largest is the same.
    """
    down, right = (tensor(_positions(windows)) for windows in (rows, columns))
    seen = x.take(down, 1).take(right, 3).transpose(0, 1, 3, 2, 4, 5)
    return seen.reshape(*seen.shape[:3], -1, x.shape[-1])


def _positions(windows: list[slice]) -> Array:
    """(windows, longest): the positions of each window, its last one repeated."""
    longest = max(window.stop - window.start for window in windows)
    first = np.array([window.start for window in windows])[:, None]
    last = np.array([window.stop - 1 for window in windows])[:, None]
    return np.asarray(np.minimum(first + np.arange(longest), last))


def _weights(length: int, size: int) -> Array:
    """(length, size): the share of each position in each window's mean."""
    shares = np.zeros((length, size))
    for i, window in enumerate(_windows(length, size)):
        shares[window, i] = 1.0
    return np.asarray(shares / shares.sum(axis=0))


def _windows(length: int, size: int) -> list[slice]:
    """The positions of each of so many windows over an axis."""
    return [slice(i * length // size, -(-(i + 1) * length // size)) for i in range(size)]
