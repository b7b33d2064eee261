"""RandomAffine: images turned, scaled, sheared and moved, by one sampler."""

from __future__ import annotations

import math
from dataclasses import dataclass

from pellucid import check
from pellucid.graph import Tensor, iota, where
from pellucid.graph.dtype import INT32
from pellucid.nn.augment.base import ImageAugmentation, between
from pellucid.nn.mode import ForwardPass


@dataclass(frozen=True)
class Affine:
    """Where each pixel of the new images comes from: x' = a x + b y + e, y' = c x + d y + f.

    Coordinates are in pixels from the centre, x to the right and y down; each is (batch,).
    """

    a: Tensor
    b: Tensor
    c: Tensor
    d: Tensor
    e: Tensor
    f: Tensor


@dataclass(eq=False, repr=False)
class RandomAffine(ImageAugmentation):
    """Each image turned, sheared, scaled and moved by its own draws, about its centre, at once.

    A new pixel is the bilinear mean of the four pixels around where it comes from; pixels outside
    have the value `fill`. x, y: (batch, height, width, channels).

    rotate:    the largest angle either way, in degrees, 0 to 180.
    translate: the farthest it moves along either axis, in parts of that side, 0 to 1.
    scale:     the largest part by which it grows or shrinks, from 0 to less than 1: factors are
               uniform on [1 − scale, 1 + scale].
    shear:     the largest angle of shear along either axis, in degrees, 0 to less than 45.
    fill:      what is outside of the image.
    """

    rotate: float = 0.0
    translate: float = 0.0
    scale: float = 0.0
    shear: float = 0.0
    fill: float = 0.0

    def __post_init__(self) -> None:
        check.number(self, "rotate", at_least=0, at_most=180)
        check.number(self, "translate", at_least=0, at_most=1)
        check.number(self, "scale", at_least=0, less_than=1)
        check.number(self, "shear", at_least=0, less_than=45)
        check.number(self, "fill")

    def augmented(self, x: Tensor, draws: ForwardPass) -> Tensor:
        """Every image by its own map."""
        height, width = x.shape[1:3]
        angle = between(draws, x, -1, 1) * math.radians(self.rotate)
        factor = 1.0 / between(draws, x, 1 - self.scale, 1 + self.scale)
        slope_x, slope_y = (
            tangent(between(draws, x, -1, 1) * math.radians(self.shear)) for _ in range(2)
        )
        cos, sin = angle.cos() * factor, angle.sin() * factor
        a, b = cos + sin * slope_y, cos * slope_x + sin
        c, d = cos * slope_y - sin, cos - sin * slope_x
        right, down = (
            between(draws, x, -1, 1) * (self.translate * side) for side in (width, height)
        )
        return sample(
            x, Affine(a, b, c, d, -(a * right + b * down), -(c * right + d * down)), self.fill
        )


def tangent(angle: Tensor) -> Tensor:
    """sin / cos."""
    return angle.sin() / angle.cos()


def sample(x: Tensor, at: Affine, fill: float = 0.0) -> Tensor:
    """New images of x's shape, sampled from x with bilinear weights; `fill` outside."""
    batch, height, width, channels = x.shape
    middle_x, middle_y = (width - 1) / 2, (height - 1) / 2
    grid = (1, height, width)
    right = iota(grid, 2, INT32).cast(x.dtype) - middle_x
    down = iota(grid, 1, INT32).cast(x.dtype) - middle_y
    a, b, c, d, e, f = (
        value.reshape(batch, 1, 1) for value in (at.a, at.b, at.c, at.d, at.e, at.f)
    )
    x_at = a * right + b * down + (e + middle_x)
    y_at = c * right + d * down + (f + middle_y)
    x_low, y_low = x_at.floor(), y_at.floor()
    pixels = x.reshape(batch * height * width, channels)
    first = iota((batch, 1, 1), 0, INT32) * (height * width)
    total = None
    for y_near, y_weight in ((y_low, 1.0 - (y_at - y_low)), (y_low + 1.0, y_at - y_low)):
        for x_near, x_weight in ((x_low, 1.0 - (x_at - x_low)), (x_low + 1.0, x_at - x_low)):
            inside = (x_near >= 0) & (x_near < width) & (y_near >= 0) & (y_near < height)
            index = where(inside, y_near * width + x_near, 0.0).cast(INT32)
            pixel = where(inside.expand_dims(-1), pixels.take(first + index), fill)
            part = pixel * (y_weight * x_weight).expand_dims(-1)
            total = part if total is None else total + part
    assert total is not None
    return total
