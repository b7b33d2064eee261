"""Cutout and RandomErase: a part of each image is left out."""

from __future__ import annotations

import math
from dataclasses import dataclass

from pellucid import check
from pellucid.graph import Tensor, iota, minimum, where
from pellucid.graph.dtype import INT32
from pellucid.nn.augment.base import ImageAugmentation, between, for_each
from pellucid.nn.mode import ForwardPass


@dataclass(eq=False, repr=False)
class Cutout(ImageAugmentation):
    """A square of each image is `fill`, centred at a random point and cut off at the borders.

    DeVries & Taylor 2017, who take 16 of 32 pixels for CIFAR-10.

    size: the side of the square, at least 1.
    """

    size: int = 8
    fill: float = 0.0

    def __post_init__(self) -> None:
        check.count(self, "size")
        check.number(self, "fill")

    def augmented(self, x: Tensor, draws: ForwardPass) -> Tensor:
        """A square of each image left out."""
        top, left = (
            (between(draws, x, 0, side)).floor() - float(self.size // 2) for side in x.shape[1:3]
        )
        return where(box(x, top, left, self.size, self.size), self.fill, x)


@dataclass(eq=False, repr=False)
class RandomErase(ImageAugmentation):
    """A rectangle of an image is `fill`, with this probability (Zhong et al. 2017).

    Its area is uniform on [smallest, largest] of the image's, its height over its width
    log-uniform on [1 / aspect, aspect], neither side longer than the image; its position is
    uniform among those where it lies inside.

    probability: from 0 to 1. smallest, largest: parts from 0 to 1. aspect: at least 1.
    """

    probability: float = 0.5
    smallest: float = 0.02
    largest: float = 0.33
    aspect: float = 3.3
    fill: float = 0.0

    def __post_init__(self) -> None:
        check.number(self, "probability", at_least=0, at_most=1)
        check.number(self, "smallest", more_than=0, at_most=1)
        check.number(self, "largest", at_least=self.smallest, at_most=1)
        check.number(self, "aspect", at_least=1)
        check.number(self, "fill")

    def augmented(self, x: Tensor, draws: ForwardPass) -> Tensor:
        """A rectangle of some images left out."""
        height, width = x.shape[1:3]
        area = between(draws, x, self.smallest, self.largest) * float(height * width)
        log_aspect = math.log(self.aspect)
        ratio = between(draws, x, -log_aspect, log_aspect).exp()
        rows = minimum((area * ratio).sqrt().floor().maximum(1.0), float(height))
        columns = minimum((area / ratio).sqrt().floor().maximum(1.0), float(width))
        top = (between(draws, x, 0, 1) * (height - rows + 1.0)).floor()
        left = (between(draws, x, 0, 1) * (width - columns + 1.0)).floor()
        chosen = for_each(draws.bernoulli((x.shape[0],), self.probability), x)
        return where(chosen & box(x, top, left, rows, columns), self.fill, x)


def box(
    x: Tensor, top: Tensor, left: Tensor, rows: Tensor | float, columns: Tensor | float
) -> Tensor:
    """Whether each pixel of each image lies in its box, (batch, height, width, 1)."""
    shape = (*x.shape[:3], 1)
    down = iota(shape, 1, INT32).cast(x.dtype) - for_each(top, x)
    right = iota(shape, 2, INT32).cast(x.dtype) - for_each(left, x)
    high = for_each(rows, x) if isinstance(rows, Tensor) else rows
    wide = for_each(columns, x) if isinstance(columns, Tensor) else columns
    return (down >= 0) & (down < high) & (right >= 0) & (right < wide)
