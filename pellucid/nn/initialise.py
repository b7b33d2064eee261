"""Initialisers: how the first value of a parameter is drawn.

An initialiser is called with a random generator and a shape and returns an array. The fans of a
weight of shape (…, in, out) are fan_in = in · Π(…) and fan_out = out · Π(…), so a Linear's W (in,
out) has its two lengths, and a convolution's kernel (height, width, in, out) counts the window.

The rule of choice, for the layer that follows in a Sequential (dropout, flattening and
normalisation are looked through):

    ReLU, leaky ReLU, ELU, GELU, SiLU, Mish, softplus   He normal      (He et al. 2015, (10), (15))
    SELU                                                LeCun normal   (Klambauer et al. 2017)
    tanh, sigmoid, softmax, another layer, or nothing   Glorot uniform (Glorot & Bengio 2010, (16))

He keeps the variance of the signal through units that pass half of it, Glorot through units that
are linear near 0 in both directions, and LeCun (fan_in alone) is what SELU's fixed point assumes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from pellucid import check
from pellucid.graph import Array, Shape
from pellucid.parts import Part

_BLOCK = 32


@dataclass(frozen=True)
class Initializer(Part, abstract=True):
    """How the first value of a parameter is drawn."""

    def __call__(self, rng: np.random.Generator, shape: Shape) -> Array:
        """A value of `shape` in float64, a function of the state of `rng`."""
        raise NotImplementedError


def fans(shape: Shape) -> tuple[int, int]:
    """(fan_in, fan_out) of a weight; raises ValueError for fewer than two axes."""
    if len(shape) < 2:
        raise ValueError(f"fans are defined for weights of two or more axes, got shape {shape}")
    window = math.prod(shape[:-2])
    return shape[-2] * window, shape[-1] * window


@dataclass(frozen=True)
class Constant(Initializer):
    """One number everywhere, 0 by default."""

    value: float = 0.0

    def __post_init__(self) -> None:
        check.number(self, "value")

    def __call__(self, rng: np.random.Generator, shape: Shape) -> Array:
        """`value` everywhere."""
        return np.full(shape, self.value)


@dataclass(frozen=True)
class Zeros(Initializer):
    """0 everywhere: what biases start from."""

    def __call__(self, rng: np.random.Generator, shape: Shape) -> Array:
        """0 everywhere."""
        return np.zeros(shape)


@dataclass(frozen=True)
class Ones(Initializer):
    """1 everywhere: what the scales of normalisation start from."""

    def __call__(self, rng: np.random.Generator, shape: Shape) -> Array:
        """1 everywhere."""
        return np.ones(shape)


@dataclass(frozen=True)
class Normal(Initializer):
    """N(0, deviation²) whatever the shape, as embeddings start. deviation: at least 0, 1 by default."""

    deviation: float = 1.0

    def __post_init__(self) -> None:
        check.number(self, "deviation", at_least=0)

    def __call__(self, rng: np.random.Generator, shape: Shape) -> Array:
        """Normal draws of mean 0."""
        return rng.standard_normal(shape) * self.deviation


@dataclass(frozen=True)
class _Scaled(Initializer):
    def variance(self, fan_in: int, fan_out: int) -> float:
        raise NotImplementedError

    def deviation(self, shape: Shape) -> float:
        return math.sqrt(self.variance(*(max(fan, 1) for fan in fans(shape))))


@dataclass(frozen=True)
class _Normal(_Scaled):
    def __call__(self, rng: np.random.Generator, shape: Shape) -> Array:
        """Normal draws of mean 0."""
        return rng.standard_normal(shape) * self.deviation(shape)


@dataclass(frozen=True)
class _Uniform(_Scaled):
    def __call__(self, rng: np.random.Generator, shape: Shape) -> Array:
        """Uniform draws on [−a, a], whose variance is a²/3."""
        limit = math.sqrt(3.0) * self.deviation(shape)
        return rng.uniform(-limit, limit, shape)


@dataclass(frozen=True)
class _He(_Scaled):
    slope: float = 0.0

    def __post_init__(self) -> None:
        check.number(self, "slope", at_least=0)

    def variance(self, fan_in: int, fan_out: int) -> float:
        return 2.0 / ((1.0 + self.slope**2) * fan_in)


@dataclass(frozen=True)
class _Glorot(_Scaled):
    gain: float = 1.0

    def __post_init__(self) -> None:
        check.number(self, "gain", more_than=0)

    def variance(self, fan_in: int, fan_out: int) -> float:
        return self.gain**2 * 2.0 / (fan_in + fan_out)


@dataclass(frozen=True)
class _LeCun(_Scaled):
    def variance(self, fan_in: int, fan_out: int) -> float:
        return 1.0 / fan_in


@dataclass(frozen=True)
class HeNormal(_He, _Normal):
    """N(0, 2 / ((1 + slope²) fan_in)): for ReLU and its relatives (He et al. 2015, eq. 10, 15).

    slope: that of a leaky ReLU below 0.
    """


@dataclass(frozen=True)
class HeUniform(_He, _Uniform):
    """U(−a, a), a = √(6 / ((1 + slope²) fan_in)): `HeNormal`'s variance, bounded."""


@dataclass(frozen=True)
class GlorotNormal(_Glorot, _Normal):
    """N(0, 2 gain² / (fan_in + fan_out)): `GlorotUniform`'s variance."""


@dataclass(frozen=True)
class GlorotUniform(_Glorot, _Uniform):
    """U(−a, a), a = gain √(6 / (fan_in + fan_out)): for tanh, sigmoid and none.

    Glorot & Bengio 2010, eq. 16.
    """


@dataclass(frozen=True)
class LeCunNormal(_LeCun, _Normal):
    """N(0, 1 / fan_in): for SELU (LeCun et al. 1998, eq. 16; Klambauer et al. 2017)."""


@dataclass(frozen=True)
class LeCunUniform(_LeCun, _Uniform):
    """U(−a, a), a = √(3 / fan_in): `LeCunNormal`'s variance, bounded."""


@dataclass(frozen=True)
class Orthogonal(Initializer):
    """A random matrix whose rows or columns (the fewer) are orthogonal and of length `gain`.

    Axes before the last are taken together. Q of a Gaussian matrix's QR decomposition with a positive
    diagonal of R, so that it is uniform (Saxe et al. 2014; Mezzadri 2007).
    """

    gain: float = 1.0

    def __post_init__(self) -> None:
        check.number(self, "gain", more_than=0)

    def __call__(self, rng: np.random.Generator, shape: Shape) -> Array:
        """The orthogonal matrix in this shape."""
        fans(shape)
        rows, columns = math.prod(shape[:-1]), shape[-1]
        drawn = rng.standard_normal((max(rows, columns), min(rows, columns)))
        q = _orthogonal(drawn)
        return np.asarray(self.gain * (q if rows >= columns else q.T).reshape(shape))


def _orthogonal(drawn: Array) -> Array:
    """Q of drawn = Q R with a positive diagonal of R, by Gram & Schmidt in blocks, each step twice.

    Not by LAPACK, whose sums depend on the processors that it finds.
    """
    q = np.ascontiguousarray(drawn.T)
    for start in range(0, len(q), _BLOCK):
        block, done = q[start : start + _BLOCK], q[:start]
        for _ in range(2):
            block -= np.einsum("bd,dn->bn", np.einsum("bn,dn->bd", block, done), done)
            for index, row in enumerate(block):
                for other in block[:index]:
                    row -= other * (other * row).sum()
                row /= np.sqrt((row * row).sum())
    return q.T
