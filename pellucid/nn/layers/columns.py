"""Columns: some features of the input."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral

from pellucid import check
from pellucid.graph import Tensor
from pellucid.nn.module import Transparent


@dataclass(eq=False, repr=False)
class Columns(Transparent):
    """x[…, start:stop]: features start to stop − 1 of the last axis, counted as Python does.

    The first layer of a branch of `Parallel`, it gives each branch its own part of a table.

    stop: None for all from start.
    """

    start: int
    stop: int | None = None

    def __post_init__(self) -> None:
        for name, value in (("start", self.start), ("stop", self.stop)):
            if isinstance(value, bool) or not isinstance(value, (Integral, type(None))):
                raise TypeError(f"Columns {name} is an integer, got {check.brief(value)}")
        if self.start is None:
            raise TypeError("Columns start is an integer, got None")
        self.start = int(self.start)
        self.stop = None if self.stop is None else int(self.stop)

    def forward(self, x: Tensor) -> Tensor:
        """These features."""
        count = x.shape[-1] if x.ndim >= 2 else 0
        ends = [self.start, count if self.stop is None else self.stop]
        first, last = (end + count if end < 0 else end for end in ends)
        if not 0 <= first < last <= count:
            raise self.mismatch(f"an input that has columns {self.start} to {self.stop}", x)
        return x[..., first:last]
