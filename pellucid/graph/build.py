"""Functions that make tensors, and the functional forms of Tensor's methods."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pellucid.graph.dtype import FLOAT32, INT32, INT64, as_dtype, is_float
from pellucid.graph.node import State, apply
from pellucid.graph.op import Array, Shape
from pellucid.graph.tensor import Number, Tensor, operands, tensor

Value = Tensor | Number | Array


def variable(value: Any, name: str = "") -> Tensor:
    """A tensor that reads a new state holding `value`: a parameter, a moment, data.

    Python floats become float32. The state itself is `variable(...).node.attrs["state"]`, or make
    a `State` and read it with `read`.
    """
    array = np.asarray(value)
    plain = not isinstance(value, (np.ndarray, np.generic)) and array.dtype == np.float64
    return read(State(array.astype(FLOAT32) if plain else array, name))


def read(state: State) -> Tensor:
    """The value of `state` at the moment that the graph runs."""
    return Tensor(apply("state", state=state))


def placeholder(name: str, shape: Sequence[int], dtype: Any = FLOAT32) -> Tensor:
    """An input that every step is fed by name."""
    return Tensor(apply("input", name=name, shape=tuple(shape), dtype=as_dtype(dtype)))


def full(shape: Sequence[int], value: Number, dtype: Any = FLOAT32) -> Tensor:
    """A tensor filled with one number."""
    return tensor(value, dtype).broadcast_to(tuple(shape))


def zeros(shape: Sequence[int], dtype: Any = FLOAT32) -> Tensor:
    """A tensor of zeros."""
    return full(shape, 0, dtype)


def ones(shape: Sequence[int], dtype: Any = FLOAT32) -> Tensor:
    """A tensor of ones."""
    return full(shape, 1, dtype)


def arange(count: int, dtype: Any = INT64) -> Tensor:
    """0, 1, … count − 1."""
    return iota((count,), 0, dtype)


def iota(shape: Sequence[int], axis: int, dtype: Any = INT64) -> Tensor:
    """The index along `axis` at every place of `shape`."""
    return Tensor(apply("iota", shape=tuple(shape), axis=axis, dtype=as_dtype(dtype)))


def where(condition: Tensor | Array, x: Value, y: Value) -> Tensor:
    """x where the condition holds, y elsewhere."""
    return tensor(condition).where(x, y)


def maximum(x: Value, y: Value) -> Tensor:
    """The larger of two."""
    return operands(x, y)[0].maximum(y)


def minimum(x: Value, y: Value) -> Tensor:
    """The smaller of two."""
    return operands(x, y)[0].minimum(y)


def concatenate(parts: Sequence[Tensor], axis: int = 0) -> Tensor:
    """The parts one after another along `axis`."""
    if not parts:
        raise ValueError("concatenate takes at least one tensor")
    at = axis % parts[0].ndim if parts[0].ndim else axis
    return Tensor(apply("concatenate", [part.node for part in parts], axis=at))


def stack(parts: Sequence[Tensor], axis: int = 0) -> Tensor:
    """The parts side by side along a new axis."""
    return concatenate([part.expand_dims(axis) for part in parts], axis)


def one_hot(index: Tensor | Array, classes: int, dtype: Any = FLOAT32) -> Tensor:
    """1 at the place that each integer names along a new last axis of length `classes`, else 0."""
    places = tensor(index)
    if is_float(places.dtype):
        raise TypeError(f"one_hot takes integers, got {places.node.type}")
    at = places.cast(INT32).expand_dims(-1).broadcast_to((*places.shape, classes))
    return at.equal(iota(at.shape, at.ndim - 1, INT32)).cast(dtype)


def softmax(x: Tensor, axis: int = -1) -> Tensor:
    """e^x_i / Σ_j e^x_j along `axis`, computed from x − max x so that it never overflows."""
    shifted = (x - x.max(axis, keepdims=True).stop_gradient()).exp()
    return shifted / shifted.sum(axis, keepdims=True)


def logsumexp(x: Tensor, axis: int = -1, keepdims: bool = False) -> Tensor:
    """log Σ_j e^x_j along `axis`, computed from x − max x so that it never overflows."""
    peak = x.max(axis, keepdims=True).stop_gradient()
    total = (x - peak).exp().sum(axis, keepdims=True).log() + peak
    return (
        total
        if keepdims
        else total.reshape([n for a, n in enumerate(x.shape) if a != axis % x.ndim])
    )


def log_softmax(x: Tensor, axis: int = -1) -> Tensor:
    """x − log Σ_j e^x_j along `axis`."""
    return x - logsumexp(x, axis, keepdims=True)


def _draw(op: str, shape: Shape, seed: Value, step: Value, **attrs: Any) -> Tensor:
    sources = [tensor(value, INT64).node for value in (seed, step)]
    return Tensor(apply(op, sources, shape=tuple(shape), **attrs))


def uniform(
    shape: Sequence[int], *, seed: Value, step: Value = 0, draw: int = 0, dtype: Any = FLOAT32
) -> Tensor:
    """Random numbers uniform on [0, 1): a function of (seed, step, draw, element).

    Philox 4×32-10; two draws that share seed and step are told apart by `draw`.
    """
    return _draw("uniform", tuple(shape), seed, step, dtype=as_dtype(dtype), draw=draw)


def normal(
    shape: Sequence[int], *, seed: Value, step: Value = 0, draw: int = 0, dtype: Any = FLOAT32
) -> Tensor:
    """Random numbers from the standard normal distribution; see `uniform`."""
    return _draw("normal", tuple(shape), seed, step, dtype=as_dtype(dtype), draw=draw)


def bernoulli(
    shape: Sequence[int], probability: float, *, seed: Value, step: Value = 0, draw: int = 0
) -> Tensor:
    """True with the given probability (to within 2⁻²⁴); see `uniform`."""
    return _draw("bernoulli", tuple(shape), seed, step, probability=float(probability), draw=draw)
