"""RandAugment: some of thirteen changes, one strength for all."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from pellucid import check
from pellucid.graph import Tensor, where
from pellucid.nn.augment.affine import Affine, sample
from pellucid.nn.augment.base import ColourAugmentation, between, for_each
from pellucid.nn.augment.colour import brighter, contrasted, mixed, saturated
from pellucid.nn.mode import ForwardPass


@dataclass(eq=False, repr=False)
class RandAugment(ColourAugmentation):
    """`operations` times, each image is changed by one of thirteen changes, drawn uniformly.

    Cubuk et al. 2020: identity, rotate, shear and translate along x and y, brightness, contrast,
    colour, sharpness, posterize, solarize and autocontrast, with their ranges (at strength M of 30:
    30° M/30, shear .3 M/30, translate 150/331 M/30 of a side, factors 1 ± .9 M/30, 8 − 4 M/30
    bits, threshold 1 − M/30), their signs drawn. The paper's fourteenth, equalize, is left out:
    histograms do not suit a step of arithmetic.

    For images of values from 0 to 1 with 3 channels or 1.

    operations: how many changes one after another, at least 1.
    magnitude:  M, from 0 to 30.
    fill:       what is outside of an image that is moved; the paper's is grey.
    """

    operations: int = 2
    magnitude: float = 9.0
    fill: float = 0.5

    def __post_init__(self) -> None:
        check.count(self, "operations")
        check.number(self, "magnitude", at_least=0, at_most=30)
        check.number(self, "fill")

    def augmented(self, x: Tensor, draws: ForwardPass) -> Tensor:
        """Each image by its own changes."""
        for _ in range(self.operations):
            kind = between(draws, x, 0, len(GEOMETRIC) + len(COLOURS) + 1).floor()
            sign = where(draws.bernoulli((x.shape[0],), 0.5), 1.0, -1.0).cast(x.dtype)
            x = self._coloured(self._moved(x, kind, sign), kind, sign)
        return x

    def _moved(self, x: Tensor, kind: Tensor, sign: Tensor) -> Tensor:
        strength = sign * (self.magnitude / 30)
        sizes = {
            name: where(kind == float(i), strength * size, 0.0)
            for i, (name, size) in enumerate(GEOMETRIC.items(), start=1)
        }
        angle = sizes["rotate"]
        height, width = x.shape[1:3]
        at = Affine(
            angle.cos(),
            angle.sin() + sizes["shear x"],
            sizes["shear y"] - angle.sin(),
            angle.cos(),
            sizes["translate x"] * width,
            sizes["translate y"] * height,
        )
        still = (kind < 1.0) | (kind > float(len(GEOMETRIC)))
        return where(for_each(still, x), x, sample(x, at, self.fill))

    def _coloured(self, x: Tensor, kind: Tensor, sign: Tensor) -> Tensor:
        strength = self.magnitude / 30
        factor = for_each(sign * (0.9 * strength) + 1.0, x)
        y = x
        for i, change in enumerate(COLOURS.values(), start=len(GEOMETRIC) + 1):
            y = where(for_each(kind == float(i), x), change(x, factor, strength), y)
        return y


def posterized(x: Tensor, strength: float) -> Tensor:
    """The highest 8 − 4 · strength bits of 8."""
    levels = 2.0 ** round(4 * strength)
    return ((x * 255.0).floor() * (1 / levels)).floor() * (levels / 255.0)


def solarized(x: Tensor, strength: float) -> Tensor:
    """Values at or above 1 − strength turned around."""
    return where(x >= 1.0 - strength, 1.0 - x, x)


def auto_contrasted(x: Tensor) -> Tensor:
    """Each channel of each image stretched to [0, 1]; left alone where it is constant."""
    low, high = x.min((1, 2), keepdims=True), x.max((1, 2), keepdims=True)
    flat = high <= low
    return where(flat, x, (x - low) / where(flat, 1.0, high - low))


def sharpened(x: Tensor, factor: Tensor) -> Tensor:
    """The image mixed with a smooth one: the mean around each pixel, which itself weighs 5 of 13.

    The border, which has no such mean, is left as it is.
    """
    if min(x.shape[1:3]) < 3:
        return x
    inner = x[:, 1:-1, 1:-1]
    total = inner * 4.0
    for top in range(3):
        for left in range(3):
            bottom, right = x.shape[1] - 2 + top, x.shape[2] - 2 + left
            total = total + x[:, top:bottom, left:right]
    change = (total * (1 / 13) - inner).pad((0, 1, 1, 0), (0, 1, 1, 0))
    return mixed(x + change, x, factor)


Change = Callable[[Tensor, Tensor, float], Tensor]

GEOMETRIC: dict[str, float] = {
    "rotate": math.radians(30),
    "shear x": 0.3,
    "shear y": 0.3,
    "translate x": 150 / 331,
    "translate y": 150 / 331,
}
"""The geometric changes, with their sizes at full strength."""

COLOURS: dict[str, Change] = {
    "brightness": lambda x, factor, strength: brighter(x, factor),
    "contrast": lambda x, factor, strength: contrasted(x, factor),
    "colour": lambda x, factor, strength: saturated(x, factor),
    "sharpness": lambda x, factor, strength: sharpened(x, factor),
    "posterize": lambda x, factor, strength: posterized(x, strength),
    "solarize": lambda x, factor, strength: solarized(x, strength),
    "autocontrast": lambda x, factor, strength: auto_contrasted(x),
}
"""The changes of value: of x, by a factor around 1, at a strength from 0 to 1."""
