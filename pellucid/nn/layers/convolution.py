"""Convolutions over sequences and images. Channels are the last axis: (batch, …, channels)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from pellucid import check
from pellucid.graph import Tensor, convolve, convolve_transposed
from pellucid.limits import expect
from pellucid.nn.initialise import Initializer, Zeros
from pellucid.nn.layers.window import Padding, Sizes, each, padded, padding, sizes, spans, widths
from pellucid.nn.module import Module
from pellucid.nn.parameter import Parameter
from pellucid.nn.scope import label, shape_text, sizes_text


@dataclass(eq=False, repr=False)
class _Convolution(Module):
    rank: ClassVar[int]

    features: int
    kernel_size: Sizes = 3
    stride: Sizes = 1
    padding: Padding = "valid"
    dilation: Sizes = 1
    groups: int = 1
    bias: bool = True
    initializer: Initializer | None = None

    def __post_init__(self) -> None:
        check.count(self, "features")
        check.count(self, "groups")
        check.choice(self, "bias", True, False)
        for field in ("kernel_size", "stride", "dilation"):
            sizes(self, field, self.rank)
        padding(self, self.rank)
        check.optional(self, "initializer", Initializer)
        if self.features % self.groups:
            raise ValueError(
                f"{type(self).__name__} groups divide the features, got {self.features} features "
                f"and {self.groups} groups"
            )

    @property
    def _expected(self) -> str:
        spatial = ("length",) if self.rank == 1 else ("height", "width")
        return f"(batch, {', '.join(spatial)}, channels)"

    def setup(self, x: Tensor) -> None:
        """W, and b, for inputs with x's channels."""
        if x.ndim != self.rank + 2 or not x.shape[-1]:
            raise self.mismatch(self._expected, x)
        if x.shape[-1] % self.groups:
            raise ValueError(
                f"{label(self)} cannot divide {x.shape[-1]} channels into {self.groups} groups"
            )
        kernel = each(self.kernel_size, self.rank)
        shape = (*kernel, x.shape[-1] // self.groups, self.features)
        self.W: Parameter = self.parameter("W", shape, self.chosen(self.initializer))
        if self.bias:
            self.b: Parameter = self.parameter("b", (self.features,), Zeros(), "bias")

    def check_channels(self, x: Tensor) -> None:
        """Raise ValueError unless x has the rank and the channels of the kernel."""
        channels = self.W.shape[-2] * self.groups
        if x.ndim != self.rank + 2 or x.shape[-1] != channels:
            expected = self._expected.replace("channels", str(channels))
            raise self.mismatch(expected, x)

    def forward(self, x: Tensor) -> Tensor:
        """The convolution of the padded x with W, plus b."""
        self.check_channels(x)
        kernel, stride, dilation = (
            each(value, self.rank) for value in (self.kernel_size, self.stride, self.dilation)
        )
        covered = spans(kernel, dilation)
        added = widths(self.padding, x.shape[1:-1], covered, stride)
        seen = padded(x, added)
        if any(n < span for n, span in zip(seen.shape[1:], covered, strict=False)):
            raise ValueError(
                f"{label(self)} has a kernel that covers {sizes_text(covered)}, more "
                f"than its padded input {shape_text(seen.shape)}; its settings begin with features "
                "and kernel_size, the channels of the input are inferred"
            )
        y = convolve(seen, self.W, stride, dilation, self.groups)
        return y + self.b if self.bias else y


@dataclass(eq=False, repr=False)
class Conv1d(_Convolution):
    """y[n, p, o] = b[o] + Σ_{k, c} x[n, stride · p + dilation · k, c] · W[k, c, o].

    x: (batch, length, channels), zeros added at both ends by the padding; W: (kernel, channels /
    groups, features); y: (batch, new length, features). As in every framework the kernel is not
    flipped. The other settings are those of `Conv2d`.
    """

    rank: ClassVar[int] = 1


@dataclass(eq=False, repr=False)
class Conv2d(_Convolution):
    """y[n, i, j, o] = b[o] + Σ x[n, s·i + d·k, s·j + d·l, c] · W[k, l, c, o] over k, l, c.

    x: (batch, height, width, channels), zeros added around it by the padding; W: (kernel height,
    kernel width, channels / groups, features); y: (batch, new height, new width, features), each
    new length ⌊(length + padding − dilation · (kernel − 1) − 1) / stride⌋ + 1.

    features:    channels of y, at least 1.
    kernel_size, stride, dilation: a number, or one for each axis, at least 1.
    padding:     "valid" (none), "same" (⌈length / stride⌉ positions in y), or the width of
                 zeros on both sides of every axis.
    groups:      y's channels are cut into so many groups, each computed from its own part of x's;
                 as many as x has channels is a depthwise convolution.
    bias:        whether there is a b; it starts at 0.
    initializer: of W; None chooses the one that suits the layer which follows (see `initialise`).
    """

    rank: ClassVar[int] = 2


@dataclass(eq=False, repr=False)
class ConvTranspose2d(_Convolution):
    """Each position of x times W, added to a window of y: the gradient of `Conv2d` as a layer.

    y[n, q, o] = b[o] + Σ x[n, p, c] · W[k, c, o] over all p, k with stride · p + dilation · k = q.

    x: (batch, height, width, channels); y's lengths are (length − 1) · stride + dilation · (kernel −
    1) + 1 + output_padding, less the padding on both sides; "same" makes them length · stride.

    output_padding: rows and columns added to y, fewer than the stride. The other settings are
    those of `Conv2d`.
    """

    rank: ClassVar[int] = 2
    output_padding: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        check.count(self, "output_padding", at_least=0)
        if self.output_padding and self.output_padding >= min(each(self.stride, 2)):
            raise ValueError(
                "ConvTranspose2d output_padding is at least 0 and less than the stride, got "
                f"{self.output_padding}"
            )
        if self.output_padding and self.padding == "same":
            raise ValueError(
                "ConvTranspose2d takes no output_padding with padding 'same', which says how large "
                "the output is"
            )

    def forward(self, x: Tensor) -> Tensor:
        """The transposed convolution of x with W, cut by the padding, plus b."""
        self.check_channels(x)
        kernel, stride, dilation = (
            each(value, 2) for value in (self.kernel_size, self.stride, self.dilation)
        )
        covered = spans(kernel, dilation)
        whole = [
            max((n - 1) * s + span, n * s)
            for n, s, span in zip(x.shape[1:-1], stride, covered, strict=True)
        ]
        longer = [n + self.output_padding for n in whole]
        expect(4 * math.prod(stride))
        y = convolve_transposed(x, self.W, longer, stride, dilation, self.groups)
        y = y[(slice(None), *self._inside(x.shape[1:-1], stride, covered))]
        return y + self.b if self.bias else y

    def _inside(
        self, lengths: tuple[int, ...], strides: tuple[int, ...], covered: list[int]
    ) -> list[slice]:
        inside: list[slice] = []
        for axis, (n, s, span) in enumerate(zip(lengths, strides, covered, strict=True)):
            full = (n - 1) * s + span
            if self.padding == "same":
                first = max(full - n * s, 0) // 2
                last = first + n * s
            else:
                width = 0 if isinstance(self.padding, str) else each(self.padding, 2)[axis]
                first, last = width, full - width + self.output_padding
            if last <= first:
                raise ValueError(f"{label(self)}: the padding leaves nothing of a length of {full}")
            inside.append(slice(first, last))
        return inside
