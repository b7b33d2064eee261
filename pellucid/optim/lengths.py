"""Lengths of vectors, and scaling to them, at any size of their elements.

The square of a float32 beyond 1.8e19 is infinite and that of one below 1e-23 is 0, so squares are summed
in float64. Vectors of float64 are divided by their largest element first.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce

import numpy as np

from pellucid.graph import Tensor, maximum, tensor, where
from pellucid.graph.dtype import FLOAT64


def length(parts: Iterable[Tensor]) -> Tensor:
    """‖x‖ of several tensors together, a scalar in float64."""
    filled = [part for part in parts if part.size]
    total = tensor(0.0, np.float64)
    if all(part.dtype != FLOAT64 for part in filled):
        for part in filled:
            total = total + part.cast(FLOAT64).square().sum()
        return total.sqrt()
    largest = reduce(maximum, [part.abs().max().cast(FLOAT64) for part in filled])
    unit = _unit(largest)
    for part in filled:
        total = total + (part.cast(FLOAT64) / unit).square().sum()
    return total.sqrt() * unit


def lengths(x: Tensor, axes: tuple[int, ...]) -> Tensor:
    """‖x‖ over axes, which stay with length 1, in float64."""
    if x.dtype != FLOAT64 or not x.size:
        return x.cast(FLOAT64).square().sum(axes, keepdims=True).sqrt()
    unit = _unit(x.abs().max(axes, keepdims=True))
    return (x / unit).square().sum(axes, keepdims=True).sqrt() * unit


def scaled(x: Tensor, factor: Tensor) -> Tensor:
    """x · factor, multiplied by √factor twice: x's type may not hold a factor of float64."""
    root = factor.sqrt().cast(x.dtype)
    return x * root * root


def _unit(largest: Tensor) -> Tensor:
    """The largest element; 1 where it is 0 or infinite."""
    return where((largest > 0.0) & (largest < float("inf")), largest, 1.0)
