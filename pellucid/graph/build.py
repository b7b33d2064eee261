"""Functions that make tensors, and the functional forms of Tensor's methods."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from pellucid.check import brief, plain
from pellucid.graph.arrays import natural
from pellucid.graph.dtype import (
    BOOL,
    FLOAT32,
    INT32,
    INT64,
    as_dtype,
    is_float,
    most_exact,
    promote,
)
from pellucid.graph.indexing import flat_ints, whole
from pellucid.graph.node import State, apply
from pellucid.graph.reductions import axis_of, drop
from pellucid.graph.tensor import Number, Operand, Tensor, operands, tensor
from pellucid.keywords import BUILDERS, explained

Lengths = int | Sequence[int]


def variable(value: Any, name: str = "") -> Tensor:
    """A tensor that reads a new state holding `value`: a parameter, a moment, data.

    Python floats become float32; of a tensor the value now is taken. The state itself is
    `variable(...).node.attrs["state"]`, or make a `State` and read it with `read`.
    """
    return read(State(natural(value), name))


def read(state: State) -> Tensor:
    """The value of `state` at the moment that the graph runs; TypeError for anything else."""
    if not isinstance(state, State):
        raise TypeError(f"read takes a State, got {brief(state)}; of an array it is pel.variable")
    return Tensor(apply("state", state=state))


def placeholder(name: str, shape: Lengths, dtype: Any = FLOAT32) -> Tensor:
    """An input that is fed at every step, by name."""
    if not isinstance(name, str):
        raise TypeError(f"a placeholder's name is text, got {brief(name)}")
    return Tensor(apply("input", name=name, shape=flat_ints([shape]), dtype=as_dtype(dtype)))


def full(shape: Lengths, value: Number, dtype: Any = FLOAT32) -> Tensor:
    """A tensor filled with one number."""
    return tensor(value, dtype).broadcast_to(shape)


def zeros(shape: Lengths, dtype: Any = FLOAT32) -> Tensor:
    """A tensor of zeros."""
    return full(shape, 0, dtype)


def ones(shape: Lengths, dtype: Any = FLOAT32) -> Tensor:
    """A tensor of ones."""
    return full(shape, 1, dtype)


def arange(count: int, dtype: Any = INT64) -> Tensor:
    """0, 1, … count − 1; raises ValueError for a type that does not hold count − 1 exactly."""
    length, kind = whole(count, "arange count"), as_dtype(dtype)
    if kind != BOOL and length - 1 > most_exact(kind):
        raise ValueError(f"arange counts to {length - 1}, which {kind.name} does not hold exactly")
    return iota((length,), 0, kind)


def iota(shape: Lengths, axis: int, dtype: Any = INT64) -> Tensor:
    """The index along `axis`, for every element of `shape`.

    Raises ValueError for an axis that does not exist. An index that the type cannot hold wraps around.
    """
    lengths = flat_ints([shape])
    at = whole(axis, "iota axis")
    along = at + len(lengths) if -len(lengths) <= at < 0 else at
    return Tensor(apply("iota", shape=lengths, axis=along, dtype=as_dtype(dtype)))


def where(condition: Operand, x: Operand, y: Operand) -> Tensor:
    """x where the condition holds, y elsewhere."""
    return tensor(condition).where(x, y)


def maximum(x: Operand, y: Operand) -> Tensor:
    """The larger of two."""
    return operands(x, y)[0].maximum(y)


def minimum(x: Operand, y: Operand) -> Tensor:
    """The smaller of two."""
    return operands(x, y)[0].minimum(y)


def matmul(a: Operand, b: Operand) -> Tensor:
    """The matrix product over the last axis of `a` and the one before last of `b`, as in NumPy.

    Batch axes broadcast; a vector is a row on the left and a column on the right. Integers become
    float32. Raises ValueError, naming both shapes, when they do not fit.
    """
    return tensor(a) @ tensor(b)


def _parts(name: str, parts: Sequence[Operand]) -> list[Tensor]:
    if not isinstance(parts, Iterable) or isinstance(parts, (str, bytes)):
        raise TypeError(f"{name} takes a list of tensors, got {brief(parts)}")
    tensors = [tensor(part) for part in parts]
    if not tensors:
        raise ValueError(f"{name} takes at least one tensor")
    return tensors


@explained(BUILDERS)
def concatenate(parts: Sequence[Operand], axis: int = 0) -> Tensor:
    """The parts one after another along `axis`, in their common type."""
    tensors = _parts("concatenate", parts)
    dtype = promote(*(part.dtype for part in tensors))
    nodes = [part.cast(dtype).node for part in tensors]
    return Tensor(apply("concatenate", nodes, axis=axis_of(tensors[0], axis)))


@explained(BUILDERS)
def stack(parts: Sequence[Operand], axis: int = 0) -> Tensor:
    """The parts side by side along a new axis."""
    tensors = _parts("stack", parts)
    if any(part.shape != tensors[0].shape for part in tensors):
        shapes = ", ".join(str(part.shape) for part in tensors)
        raise ValueError(f"stack takes tensors of one shape, got {shapes}")
    at = axis_of(tensors[0], axis, extra=1)
    return concatenate([part.expand_dims(at) for part in tensors], at)


def one_hot(index: Operand, classes: int, dtype: Any = FLOAT32) -> Tensor:
    """1 at the index that each integer names along a new last axis of length `classes`, else 0.

    An integer that is no class, below 0 or from `classes` on, is 0 everywhere.
    """
    named = tensor(index)
    if is_float(named.dtype):
        raise TypeError(f"one_hot takes integers, got {named.node.type}")
    count = whole(classes, "one_hot classes")
    if not 0 <= count < 2**31:
        raise ValueError(f"one_hot classes is from 0 to 2³¹ − 1, got {count}")
    # Checked before it is cast: a larger integer would wrap around and be another class.
    inside = (named >= 0) & (named < count) if named.dtype == INT64 else None
    at = (named if inside is None else inside.where(named, -1)).cast(INT32)
    at = at.expand_dims(-1).broadcast_to((*named.shape, count))
    return at.equal(iota(at.shape, at.ndim - 1, INT32)).cast(dtype)


@explained(BUILDERS)
def softmax(x: Tensor, axis: int = -1) -> Tensor:
    """e^x_i / Σ_j e^x_j along `axis`, computed from x − max x so that it never overflows."""
    x = tensor(x).real()
    shifted = (x - x.max(axis, keepdims=True).stop_gradient()).exp()
    return shifted / shifted.sum(axis, keepdims=True)


@explained(BUILDERS)
def logsumexp(x: Tensor, axis: int = -1, keepdims: bool = False) -> Tensor:
    """log Σ_j e^x_j along `axis`, computed from x − max x so that it never overflows."""
    x = tensor(x).real()
    peak = x.max(axis, keepdims=True).stop_gradient()
    # ∞ − ∞ is not a number: where the largest is infinite, nothing is taken off.
    peak = (peak.abs() < math.inf).where(peak, 0.0)
    total = (x - peak).exp().sum(axis, keepdims=True).log() + peak
    return total if keepdims else drop(total, (axis_of(x, axis),))


@explained(BUILDERS)
def log_softmax(x: Tensor, axis: int = -1) -> Tensor:
    """x − log Σ_j e^x_j along `axis`, computed from x − max x so that it never overflows."""
    x = tensor(x).real()
    shifted = x - x.max(axis, keepdims=True).stop_gradient()
    return shifted - shifted.exp().sum(axis, keepdims=True).log()


def _draw(op: str, shape: Lengths, seed: Operand, step: Operand, **attrs: Any) -> Tensor:
    attrs["draw"] = whole(attrs["draw"], f"{op} draw")
    sources = [tensor(value) for value in (seed, step)]
    for source in sources:
        if is_float(source.dtype) or source.shape != ():
            raise TypeError(f"seed and step are integers, got {source.node.type}")
    nodes = [source.cast(INT64).node for source in sources]
    return Tensor(apply(op, nodes, shape=flat_ints([shape]), **attrs))


def uniform(
    shape: Lengths, *, seed: Operand, step: Operand = 0, draw: int = 0, dtype: Any = FLOAT32
) -> Tensor:
    """Random numbers uniform on [0, 1): a function of (seed, step, draw, element).

    Philox 4×32-10; two draws that share seed and step are told apart by `draw`, from 0 to 2³² − 1.
    """
    return _draw("uniform", shape, seed, step, dtype=as_dtype(dtype), draw=draw)


def normal(
    shape: Lengths, *, seed: Operand, step: Operand = 0, draw: int = 0, dtype: Any = FLOAT32
) -> Tensor:
    """Random numbers from the standard normal distribution; see `uniform`."""
    return _draw("normal", shape, seed, step, dtype=as_dtype(dtype), draw=draw)


def bernoulli(
    shape: Lengths, probability: float, *, seed: Operand, step: Operand = 0, draw: int = 0
) -> Tensor:
    """True with this probability (to within 2⁻²⁴); see `uniform`."""
    chance = plain("bernoulli probability", probability)
    return _draw("bernoulli", shape, seed, step, probability=chance, draw=draw)
