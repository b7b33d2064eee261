"""Random draws: a function of (seed, step, draw, element) and of nothing else.

seed and step are int64 scalars of the graph; `draw` tells apart the random nodes of one graph.
"""

from __future__ import annotations

import numpy as np

from pellucid.graph.dtype import BOOL, FLOAT32, FLOAT64, INT64, DType
from pellucid.graph.op import Array, Op, Shape, TensorType, declare
from pellucid.graph.philox import random_words


def _draw_type(name: str, seed: TensorType, step: TensorType, draw: int) -> None:
    scalar = TensorType((), INT64)
    if seed != scalar or step != scalar:
        raise TypeError(f"{name} takes int64 scalars as seed and step, got {seed} and {step}")
    if not 0 <= draw < 2**32:
        raise ValueError(f"{name} takes a draw number from 0 to 2³² − 1, got {draw}")


def _uniform_type(
    seed: TensorType, step: TensorType, shape: Shape, dtype: DType, draw: int
) -> TensorType:
    _draw_type("a random draw", seed, step, draw)
    if dtype not in (FLOAT32, FLOAT64):
        raise TypeError(f"random numbers are float32 or float64, got {dtype}")
    return TensorType(shape, dtype)


def _unit(words: Array) -> Array:
    """Words to [0, 1): the upper 24 bits, exact in float32."""
    return (words >> np.uint32(8)).astype(np.float32) * np.float32(2.0**-24)


def _uniform(seed: Array, step: Array, shape: Shape, dtype: DType, draw: int) -> Array:
    count = int(np.prod(shape, dtype=np.int64))
    return _unit(random_words(count, int(seed), int(step), draw)).reshape(shape).astype(dtype)


def _normal(seed: Array, step: Array, shape: Shape, dtype: DType, draw: int) -> Array:
    """Box & Muller 1958: words (2i, 2i + 1) give elements 2i (cosine) and 2i + 1 (sine)."""
    count = int(np.prod(shape, dtype=np.int64))
    u = _unit(random_words(count + count % 2, int(seed), int(step), draw)).astype(dtype)
    one = dtype.type(1)
    radius = np.sqrt(dtype.type(-2) * np.log(one - u[0::2]))
    angle = dtype.type(2 * np.pi) * u[1::2]
    pairs = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    return np.asarray(pairs.reshape(-1)[:count].reshape(shape), dtype)


def _bernoulli_type(
    seed: TensorType, step: TensorType, shape: Shape, probability: float, draw: int
) -> TensorType:
    _draw_type("bernoulli", seed, step, draw)
    if not 0 <= probability <= 1:
        raise ValueError(f"bernoulli takes a probability from 0 to 1, got {probability}")
    return TensorType(shape, BOOL)


def bernoulli_threshold(probability: float) -> int:
    """A word below this is a success: probability to within 2⁻²⁴."""
    return round(probability * 2**24)


def _bernoulli(seed: Array, step: Array, shape: Shape, probability: float, draw: int) -> Array:
    words = random_words(int(np.prod(shape, dtype=np.int64)), int(seed), int(step), draw)
    return ((words >> np.uint32(8)) < bernoulli_threshold(probability)).reshape(shape)


declare(Op("uniform", "random", _uniform_type, _uniform, None, "uniform(draw={draw})"))
declare(Op("normal", "random", _uniform_type, _normal, None, "normal(draw={draw})"))
declare(Op("bernoulli", "random", _bernoulli_type, _bernoulli, None, "bernoulli({probability})"))
