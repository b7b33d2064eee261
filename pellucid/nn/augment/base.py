"""What augmentations have in common."""

from __future__ import annotations

from dataclasses import dataclass

from pellucid.graph import Tensor
from pellucid.graph.dtype import is_float
from pellucid.nn.mode import ForwardPass, training_pass
from pellucid.nn.module import Transparent
from pellucid.nn.scope import label


@dataclass(eq=False, repr=False)
class Augmentation(Transparent, abstract=True):
    """x changed at random in training; x in evaluation. A new one writes `augmented`."""

    def check(self, x: Tensor) -> None:
        """Raise ValueError or TypeError unless x can be augmented."""
        if x.ndim < 2:
            raise self.mismatch("(batch, …, features)", x)
        if not is_float(x.dtype):
            raise TypeError(f"{label(self)} takes floats, got {x.node.type}")

    def augmented(self, x: Tensor, draws: ForwardPass) -> Tensor:
        """x changed by the draws of this pass."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        """x, or x changed."""
        self.check(x)
        draws = training_pass()
        return x if draws is None else self.augmented(x, draws)


@dataclass(eq=False, repr=False)
class ImageAugmentation(Augmentation, abstract=True):
    """An augmentation of images (batch, height, width, channels)."""

    def check(self, x: Tensor) -> None:
        """Raise unless x is a batch of images."""
        if x.ndim != 4:
            raise self.mismatch("(batch, height, width, channels)", x)
        super().check(x)


@dataclass(eq=False, repr=False)
class ColourAugmentation(ImageAugmentation, abstract=True):
    """An augmentation of images in colour or grey: 3 channels or 1."""

    def check(self, x: Tensor) -> None:
        """Raise unless x is a batch of images in colour or grey."""
        super().check(x)
        if x.shape[-1] not in (1, 3):
            raise self.mismatch("images of 1 or 3 channels", x)


def between(draws: ForwardPass, x: Tensor, low: float, high: float) -> Tensor:
    """A fresh number for each example of x, uniform on [low, high), (batch,)."""
    return draws.uniform((x.shape[0],)).cast(x.dtype) * (high - low) + low


def for_each(value: Tensor, x: Tensor) -> Tensor:
    """A number for each example, to be broadcast over all of x's other axes."""
    return value.reshape(x.shape[0], *(1 for _ in x.shape[1:]))
