"""Reshape: the same values with other axes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Integral

from pellucid import check
from pellucid.graph import Tensor
from pellucid.nn.module import Transparent


@dataclass(eq=False, repr=False)
class Reshape(Transparent):
    """(batch, …) to (batch, *shape), in the order in which `Flatten` takes values: last axis fastest.

    `Reshape((7, 7, 64))` makes an image of a row, as in a decoder, and `Reshape((-1, 64))` a sequence of
    the pixels of an image, as for a transformer.

    shape: the axes after the batch, each at least 1; one may be -1, for what is left.
    """

    shape: tuple[int, ...]

    def __post_init__(self) -> None:
        lengths = check.several("Reshape shape", self.shape)
        if any(isinstance(n, bool) or not isinstance(n, Integral) for n in lengths):
            raise TypeError(f"Reshape shape is integers, got {check.brief(self.shape)}")
        if not lengths or any(n < 1 and n != -1 for n in lengths) or lengths.count(-1) > 1:
            raise ValueError(
                "Reshape shape is of at least 1 on each axis, or -1 on one, "
                f"got {check.brief(self.shape)}"
            )
        self.shape = tuple(map(int, lengths))

    def forward(self, x: Tensor) -> Tensor:
        """The values on the new axes; raises ValueError if there are more or fewer of them."""
        have = math.prod(x.shape[1:])
        want = math.prod(n for n in self.shape if n != -1)
        if x.ndim < 1 or have % want or (-1 not in self.shape and have != want):
            raise self.mismatch(f"inputs whose values fill {self.shape}", x)
        return x.reshape(x.shape[0], *(have // want if n == -1 else n for n in self.shape))
