"""Residual networks for images, and their plain twins (He et al. 2015, "Deep Residual Learning")."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pellucid import check
from pellucid.graph import Tensor
from pellucid.nn.layers.activations import ReLU
from pellucid.nn.layers.convolution import Conv2d
from pellucid.nn.layers.linear import Linear
from pellucid.nn.layers.norm import BatchNorm
from pellucid.nn.layers.pooling import GlobalAveragePool, MaxPool2d
from pellucid.nn.layers.residual import Residual
from pellucid.nn.layers.sequential import Sequential
from pellucid.nn.module import Module, Transparent
from pellucid.nn.networks.perceptron import MOST_LAYERS

_BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3)}


@dataclass(eq=False, repr=False)
class PaddedShortcut(Transparent):
    """Every stride-th position, with channels of zeros added: "option A" of He et al. 2015.

    features: channels of the result, at least those of x. stride: at least 1.
    """

    features: int
    stride: int = 1

    def __post_init__(self) -> None:
        check.count(self, "features")
        check.count(self, "stride")

    def forward(self, x: Tensor) -> Tensor:
        """A view of x, and zeros."""
        if x.ndim != 4 or x.shape[-1] > self.features:
            raise self.mismatch(f"(batch, height, width, at most {self.features} channels)", x)
        seen = x[:, :: self.stride, :: self.stride]
        return seen.pad((0, 0, 0, 0), (0, 0, 0, self.features - x.shape[-1]))


def ResNet(  # noqa: N802
    depth: int = 20,
    outputs: int = 10,
    *,
    shortcut: Literal["pad", "project"] = "pad",
    residual: bool = True,
) -> Sequential:
    """The network for images of 32 × 32 and the like: 3 stages of 16, 32 and 64 channels.

    A 3 × 3 convolution, then (depth − 2) / 6 blocks of two 3 × 3 convolutions in each stage, each
    convolution followed by batch norm, ReLU after the first and after the sum; stages after the
    first halve the image; then the mean over all positions and a linear layer (section 4.2).

    depth:    6 n + 2, such as 20, 32, 44, 56 or 110: layers with weights.
    shortcut: where a block changes the shape: "pad" takes every second position and adds channels of
              zeros, as the paper does here; "project" is a 1 × 1 convolution with batch norm.
    residual: False gives the plain twin, the same layers without ways around them.
    """
    depth = check.integer("ResNet depth", depth, at_most=MOST_LAYERS)
    if depth < 8 or (depth - 2) % 6:
        raise ValueError(
            f"ResNet depth is 6 n + 2 for some n, such as 20 or 32, got {check.brief(depth)}"
        )
    check.one_of("ResNet shortcut", shortcut, "pad", "project")
    check.one_of("ResNet residual", residual, True, False)
    check.integer("ResNet outputs", outputs)
    stages: dict[str, Module] = {}
    channels = 16
    for number, features in enumerate((16, 32, 64)):
        blocks: list[Module] = []
        for block in range((depth - 2) // 6):
            stride = 2 if number and not block else 1
            path = _basic(features, stride)
            way = None if channels == features else _shortcut(shortcut, features, stride)
            blocks += [_joined(path, way, residual), ReLU()]
            channels = features
        stages[f"stage{number + 1}"] = Sequential(*blocks)
    return Sequential(
        {
            "stem": Sequential(_convolution(16), BatchNorm(), ReLU()),
            **stages,
            "pool": GlobalAveragePool(),
            "output": Linear(outputs),
        }
    )


def ResNetImage(  # noqa: N802
    depth: Literal[18, 34, 50] = 18, outputs: int = 1000, *, residual: bool = True
) -> Sequential:
    """The network for images of 224 × 224 and the like: 4 stages of 64 to 512 channels (table 1).

    A 7 × 7 convolution and a 3 × 3 maximum, each halving the image, then blocks: of two 3 × 3
    convolutions for depths 18 and 34, of 1 × 1, 3 × 3 and 1 × 1 with four times the channels for
    depth 50 (the 3 × 3 halves the image, as in most later code). Shortcuts project where the shape
    changes. residual: False gives the plain twin.
    """
    if not isinstance(depth, int) or depth not in _BLOCKS:
        raise ValueError(f"ResNetImage depth is 18, 34 or 50, got {check.brief(depth)}")
    check.one_of("ResNetImage residual", residual, True, False)
    check.integer("ResNetImage outputs", outputs)
    wide = depth == 50
    stages: dict[str, Module] = {}
    channels = 64
    for number, (width, count) in enumerate(zip((64, 128, 256, 512), _BLOCKS[depth], strict=True)):
        features = 4 * width if wide else width
        blocks: list[Module] = []
        for block in range(count):
            stride = 2 if number and not block else 1
            path = _bottleneck(width, stride) if wide else _basic(width, stride)
            same = channels == features and stride == 1
            way = None if same else _shortcut("project", features, stride)
            blocks += [_joined(path, way, residual), ReLU()]
            channels = features
        stages[f"stage{number + 1}"] = Sequential(*blocks)
    stem = [Conv2d(64, 7, stride=2, padding=3, bias=False), BatchNorm(), ReLU()]
    return Sequential(
        {
            "stem": Sequential(*stem, MaxPool2d(3, 2, 1)),
            **stages,
            "pool": GlobalAveragePool(),
            "output": Linear(outputs),
        }
    )


def _convolution(features: int, size: int = 3, stride: int = 1) -> Conv2d:
    return Conv2d(features, size, stride=stride, padding=size // 2, bias=False)


def _basic(features: int, stride: int) -> Sequential:
    return Sequential(
        _convolution(features, stride=stride),
        BatchNorm(),
        ReLU(),
        _convolution(features),
        BatchNorm(),
    )


def _bottleneck(width: int, stride: int) -> Sequential:
    return Sequential(
        _convolution(width, 1),
        BatchNorm(),
        ReLU(),
        _convolution(width, stride=stride),
        BatchNorm(),
        ReLU(),
        _convolution(4 * width, 1),
        BatchNorm(),
    )


def _shortcut(kind: str, features: int, stride: int) -> Module:
    if kind == "pad":
        return PaddedShortcut(features, stride)
    return Sequential(_convolution(features, 1, stride), BatchNorm())


def _joined(path: Sequential, way: Module | None, residual: bool) -> Module:
    return Residual(path, way) if residual else path
