"""RandomCrop and RandomFlip: the classic pair for small images."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral

from pellucid import check
from pellucid.graph import Tensor, iota, where
from pellucid.graph.dtype import INT32
from pellucid.nn.augment.base import ImageAugmentation, for_each
from pellucid.nn.mode import ForwardPass


@dataclass(eq=False, repr=False)
class RandomCrop(ImageAugmentation):
    """A window of each image at a random position, after `padding` pixels of `fill` on every side.

    With padding 4 it is the usual augmentation of CIFAR images (Lee et al. 2015; He et al. 2015).
    x: (batch, height, width, channels); y has the height and width of `size`. In evaluation it is
    the window in the middle.

    padding: at least 0.
    size:    height and width of the window; None keeps those of x.
    """

    padding: int = 4
    size: tuple[int, int] | None = None
    fill: float = 0.0

    def __post_init__(self) -> None:
        if isinstance(self.padding, bool) or not isinstance(self.padding, Integral):
            raise TypeError(
                f"RandomCrop padding is an integer of at least 0, got {check.brief(self.padding)}"
            )
        if self.padding < 0:
            raise ValueError(f"RandomCrop padding is at least 0, got {self.padding}")
        self.padding = int(self.padding)
        check.number(self, "fill")
        if self.size is None:
            return
        lengths = tuple(self.size) if isinstance(self.size, (tuple, list)) else (self.size,)
        if len(lengths) != 2 or any(not isinstance(n, Integral) or n < 1 for n in lengths):
            raise ValueError(
                f"RandomCrop size is (height, width), each at least 1, got {check.brief(self.size)}"
            )
        self.size = (int(lengths[0]), int(lengths[1]))

    def room(self, x: Tensor) -> tuple[int, int]:
        """How far the window can move along each axis; raises ValueError if it does not fit."""
        height, width = self.size or x.shape[1:3]
        room = (
            x.shape[1] + 2 * self.padding - height,
            x.shape[2] + 2 * self.padding - width,
        )
        if min(room) < 0:
            raise self.mismatch(f"images that hold a window of {height} by {width}", x)
        return room

    def forward(self, x: Tensor) -> Tensor:
        """The window, in the middle in evaluation."""
        y = super().forward(x)
        if y is not x or self.size is None:
            return y
        top, left = (n // 2 - self.padding for n in self.room(x))
        start = iota((x.shape[0],), 0, INT32) * 0
        return self._window(x, start + top, start + left)

    def augmented(self, x: Tensor, draws: ForwardPass) -> Tensor:
        """The window at a random position."""
        drawn = draws.uniform((x.shape[0], 2))
        tops, lefts = (
            (drawn[:, i] * (n + 1)).floor().cast(INT32) - self.padding
            for i, n in enumerate(self.room(x))
        )
        return self._window(x, tops, lefts)

    def _window(self, x: Tensor, top: Tensor, left: Tensor) -> Tensor:
        batch, height, width, channels = x.shape
        rows, columns = self.size or (height, width)
        shape = (batch, rows, columns)
        down = iota(shape, 1, INT32) + top.reshape(batch, 1, 1)
        right = iota(shape, 2, INT32) + left.reshape(batch, 1, 1)
        inside = (down >= 0) & (down < height) & (right >= 0) & (right < width)
        index = (iota(shape, 0, INT32) * height + down) * width + right
        pixels = x.reshape(batch * height * width, channels)
        return where(inside.expand_dims(-1), pixels.take(where(inside, index, 0)), self.fill)


@dataclass(eq=False, repr=False)
class RandomFlip(ImageAugmentation):
    """Each image mirrored with this probability: left to right, top to bottom, or either.

    horizontal, vertical: which ways; each is drawn on its own.
    probability:          from 0 to 1.
    """

    horizontal: bool = True
    vertical: bool = False
    probability: float = 0.5

    def __post_init__(self) -> None:
        check.choice(self, "horizontal", True, False)
        check.choice(self, "vertical", True, False)
        check.number(self, "probability", at_least=0, at_most=1)

    def augmented(self, x: Tensor, draws: ForwardPass) -> Tensor:
        """Some of the images mirrored."""
        for axis, wanted in ((2, self.horizontal), (1, self.vertical)):
            if wanted:
                chosen = draws.bernoulli((x.shape[0],), self.probability)
                x = where(for_each(chosen, x), x.flip(axis), x)
        return x
