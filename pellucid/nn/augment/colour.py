"""ColourJitter: brightness, contrast and saturation changed at random."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pellucid import check
from pellucid.graph import Tensor, tensor
from pellucid.nn.augment.base import ColourAugmentation, between, for_each
from pellucid.nn.mode import ForwardPass

_LUMA = (0.299, 0.587, 0.114)


@dataclass(eq=False, repr=False)
class ColourJitter(ColourAugmentation):
    """Brightness, then contrast, then saturation of each image times its own factors.

        brightness: x ← b x;  contrast: x ← m + c (x − m), m the mean of the grey image;
        saturation: x ← g + s (x − g), g = 0.299 R + 0.587 G + 0.114 B at each pixel

    A setting v draws its factor uniformly from [max(0, 1 − v), 1 + v]. For images of values from 0
    to 1, clipped to that range, of 3 channels or 1 (which has no saturation).
    """

    brightness: float = 0.4
    contrast: float = 0.4
    saturation: float = 0.4

    def __post_init__(self) -> None:
        for name in ("brightness", "contrast", "saturation"):
            check.number(self, name, at_least=0)

    def augmented(self, x: Tensor, draws: ForwardPass) -> Tensor:
        """Each image by its own factors."""
        settings = (self.brightness, self.contrast, self.saturation)
        changes = (brighter, contrasted, saturated)
        for size, change in zip(settings, changes, strict=True):
            if size:
                factor = for_each(between(draws, x, max(0.0, 1 - size), 1 + size), x)
                x = change(x, factor)
        return x


def brighter(x: Tensor, factor: Tensor) -> Tensor:
    """factor · x, clipped to [0, 1]."""
    return (x * factor).clip(0, 1)


def contrasted(x: Tensor, factor: Tensor) -> Tensor:
    """The image mixed with the mean of its grey image."""
    return mixed(grey(x).mean((1, 2, 3), keepdims=True), x, factor)


def saturated(x: Tensor, factor: Tensor) -> Tensor:
    """The image mixed with its grey image."""
    return x if x.shape[-1] == 1 else mixed(grey(x), x, factor)


def mixed(other: Tensor, x: Tensor, factor: Tensor) -> Tensor:
    """other + factor (x − other), clipped to [0, 1]."""
    return (other + (x - other) * factor).clip(0, 1)


def grey(x: Tensor) -> Tensor:
    """The luminance at each pixel, with one channel (ITU-R BT.601)."""
    return x if x.shape[-1] == 1 else (x * tensor(np.array(_LUMA), x.dtype)).sum(-1, keepdims=True)
