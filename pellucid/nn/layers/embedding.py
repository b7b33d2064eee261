"""Embedding: a table of vectors, one for each index."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral

import numpy as np

from pellucid import check
from pellucid.graph import Tensor, where
from pellucid.graph.dtype import BOOL, INT32, UINT8, is_float
from pellucid.nn.initialise import Initializer, Normal
from pellucid.nn.module import Module
from pellucid.nn.parameter import Parameter
from pellucid.nn.scope import label


@dataclass(eq=False, repr=False)
class Embedding(Module):
    """y = W[x]: row x of a table, which is learned.

    x: (batch, …) of whole numbers 0 … count − 1, integers or floats; y: (batch, …, features);
    W: (count, features). An index that is not a row of the table is an error where it can be seen
    when the graph is built, and gives NaN where it comes with the data, so that it cannot pass
    unnoticed.

    count:       rows of the table: how many different indices there are.
    features:    the length of each vector.
    padding:     an index whose vector is 0 and is not learned, None for none.
    initializer: of W; None is N(0, 1), as in PyTorch.
    """

    count: int
    features: int
    padding: int | None = None
    initializer: Initializer | None = None

    def __post_init__(self) -> None:
        check.count(self, "count")
        check.count(self, "features")
        check.optional(self, "initializer", Initializer)
        if self.padding is None:
            return
        if isinstance(self.padding, bool) or not isinstance(self.padding, Integral):
            raise TypeError(
                f"Embedding padding is an index or None, got {check.brief(self.padding)}"
            )
        if not 0 <= self.padding < self.count:
            raise ValueError(
                f"Embedding padding is an index from 0 to {self.count - 1}, "
                f"got {check.brief(self.padding)}"
            )
        self.padding = int(self.padding)

    def setup(self, x: Tensor) -> None:
        """W, whatever x is."""
        initializer = Normal() if self.initializer is None else self.initializer
        self.W: Parameter = self.parameter("W", (self.count, self.features), initializer)

    def forward(self, x: Tensor) -> Tensor:
        """The vectors of the indices."""
        if x.ndim < 1:
            raise self.mismatch("(batch, …)", x)
        if x.dtype == BOOL:
            raise TypeError(f"{label(self)} takes whole numbers, got {x.node.type}")
        self._check_known(x)
        x = x.cast(INT32) if x.dtype == UINT8 else x
        inside = (x >= 0) & (x < self.count)
        if is_float(x.dtype):
            inside = inside & (x.floor() == x)
        index = where(inside, x, 0).cast(INT32)
        rows = where(inside.expand_dims(-1), self.W.take(index), float("nan"))
        if self.padding is None:
            return rows
        return where((inside & (index == self.padding)).expand_dims(-1), 0.0, rows)

    def _check_known(self, x: Tensor) -> None:
        """Raise ValueError for a constant index that is no row."""
        if x.node.op != "constant" or not x.size:
            return
        values = x.node.attrs["value"].array
        right = (values >= 0) & (values < self.count) & (values == np.floor(values))
        if not right.all():
            raise ValueError(
                f"{label(self)} has rows 0 to {self.count - 1}, got index "
                f"{values[~right].flat[0].item()}"
            )
