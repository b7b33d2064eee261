"""What a network is built with: the shape of one input, or a batch."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np

from pellucid import check
from pellucid.graph import Array, Shape, Tensor, placeholder, tensor
from pellucid.graph.dtype import FLOAT32

Example = int | Sequence[int] | Array | Tensor


def lengths_of(shape: int | Sequence[int]) -> Shape:
    """An input shape as integers; raises ValueError if it is not one."""
    given = check.several("an input shape", shape)
    if any(isinstance(n, bool) or not isinstance(n, Integral) or n < 0 for n in given):
        raise ValueError(f"an input shape is made of integers of at least 0, got {given}")
    return tuple(map(int, given))


def example_input(example: Example, dtype: Any = FLOAT32) -> Tensor:
    """A batch like `example`: itself if it is one, else an input of that shape with batch 1."""
    if isinstance(example, (Tensor, np.ndarray)):
        return tensor(example)
    return placeholder("x", (1, *lengths_of(example)), dtype)
