"""The example that a network is built with: an input's shape, a batch, or a tree of these."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import Any

import numpy as np

from pellucid import check
from pellucid.graph import Array, Shape, Tensor, placeholder, tensor
from pellucid.graph.dtype import FLOAT32

Example = int | Sequence[Any] | Mapping[str, Any] | Array | Tensor


def lengths_of(shape: int | Sequence[int]) -> Shape:
    """An input shape as integers; raises ValueError if it is not one."""
    lengths = check.several("an input shape", shape)
    if any(isinstance(n, bool) or not isinstance(n, Integral) or n < 0 for n in lengths):
        raise ValueError(f"an input shape is made of integers of at least 0, got {lengths}")
    return tuple(map(int, lengths))


def example_input(example: Example, dtype: Any = FLOAT32, name: str = "x") -> Any:
    """A batch like `example`: itself if it is one, else an input of that shape with batch 1.

    Several inputs, as a tuple or a dict, become a tuple or a dict of them.
    """
    if isinstance(example, (Tensor, np.ndarray)):
        return tensor(example)
    if isinstance(example, Mapping):
        return {key: example_input(example[key], dtype, f"{name}.{key}") for key in sorted(example)}
    if isinstance(example, tuple) and any(_is_no_length(item) for item in example):
        return tuple(example_input(item, dtype, f"{name}.{i}") for i, item in enumerate(example))
    return placeholder(name, (1, *lengths_of(example)), dtype)


def _is_no_length(item: Any) -> bool:
    return isinstance(item, (Sequence, Mapping, np.ndarray, Tensor)) and not isinstance(item, str)
