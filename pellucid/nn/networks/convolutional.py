"""Ready convolutional networks without a depth of their own: LeNet and MobileNetV2."""

from __future__ import annotations

from pellucid import check
from pellucid.nn.layers.activations import ReLU, ReLU6, Tanh
from pellucid.nn.layers.convolution import Conv2d
from pellucid.nn.layers.dropout import Dropout
from pellucid.nn.layers.flatten import Flatten
from pellucid.nn.layers.linear import Linear
from pellucid.nn.layers.norm import BatchNorm
from pellucid.nn.layers.pooling import AveragePool2d, GlobalAveragePool, MaxPool2d
from pellucid.nn.layers.residual import Residual
from pellucid.nn.layers.sequential import Sequential
from pellucid.nn.module import Module

_STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
"""Sandler et al. 2018, table 2: expansion, channels, blocks, stride of the first block."""


def LeNet(outputs: int = 10, *, classic: bool = False) -> Sequential:  # noqa: N802
    """LeNet-5 for images of 28 × 28 or 32 × 32 (LeCun et al. 1998, section II).

    Two 5 × 5 convolutions of 6 and 16 channels, each followed by 2 × 2 pooling, then linear layers
    of 120 and 84 units and the output. classic: means and tanh as in 1998, else maxima and ReLU.
    The first convolution pads by 2, so that 28 × 28 stays 28 × 28.
    """
    check.integer("LeNet outputs", outputs)
    check.one_of("LeNet classic", classic, True, False)

    def after() -> list[Module]:
        return [Tanh(), AveragePool2d()] if classic else [ReLU(), MaxPool2d()]

    unit = Tanh if classic else ReLU
    return Sequential(
        features=Sequential(Conv2d(6, 5, padding=2), *after(), Conv2d(16, 5), *after()),
        flatten=Flatten(),
        hidden=Sequential(Linear(120), unit(), Linear(84), unit()),
        output=Linear(outputs),
    )


def MobileNetV2(  # noqa: N802
    outputs: int = 1000, *, width: float = 1.0, small_images: bool = False, dropout: float = 0.2
) -> Sequential:
    """Inverted residuals with linear bottlenecks (Sandler et al. 2018, table 2).

    Each block widens its channels by a 1 × 1 convolution, filters each by itself (3 × 3,
    depthwise), and narrows them again without a nonlinearity; a way around joins blocks that keep
    the shape.

    width:        multiplies every number of channels, rounded to multiples of 8.
    small_images: for 32 × 32 and the like: the stem and the second stage do not halve the image.
    dropout:      before the output.
    """
    width = check.real("MobileNetV2 width", width, more_than=0, at_most=1000)
    check.integer("MobileNetV2 outputs", outputs)
    check.one_of("MobileNetV2 small_images", small_images, True, False)
    check.real("MobileNetV2 dropout", dropout, at_least=0, less_than=1)
    channels = _rounded(32 * width)
    stem = _unit(channels, 3, 1 if small_images else 2)
    blocks: list[Module] = []
    for number, (expansion, features, count, first) in enumerate(_STAGES):
        wanted = _rounded(features * width)
        for block in range(count):
            stride = first if not block and not (small_images and number == 1) else 1
            path = _inverted(channels, wanted, expansion, stride)
            blocks.append(Residual(path) if stride == 1 and channels == wanted else path)
            channels = wanted
    last = max(_rounded(1280 * width), 1280)
    return Sequential(
        stem=Sequential(*stem),
        blocks=Sequential(*blocks),
        head=Sequential(*_unit(last, 1, 1)),
        pool=GlobalAveragePool(),
        dropout=Dropout(dropout),
        output=Linear(outputs),
    )


def _unit(features: int, size: int, stride: int, groups: int = 1) -> list[Module]:
    convolution = Conv2d(
        features, size, stride=stride, padding=size // 2, groups=groups, bias=False
    )
    return [convolution, BatchNorm(), ReLU6()]


def _inverted(channels: int, features: int, expansion: int, stride: int) -> Sequential:
    inner = channels * expansion
    widen = _unit(inner, 1, 1) if expansion > 1 else []
    narrow = Conv2d(features, 1, bias=False)
    return Sequential(*widen, *_unit(inner, 3, stride, inner), narrow, BatchNorm())


def _rounded(channels: float) -> int:
    """The nearest multiple of 8, never less than nine tenths of what was asked."""
    rounded = max(int(channels + 4) // 8 * 8, 8)
    return rounded + 8 if rounded < 0.9 * channels else rounded
