"""One tensor that PyTorch computed: whole if it is small, else as a sketch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from pellucid.graph import Array

WHOLE = 256
BUCKETS = 128
# A sum of n errors with random signs, each of size e_i at most, is beyond 7 √Σe_i² with a
# probability below 5e-11 (Hoeffding 1963, theorem 2).
SURE = 7.0
# How far PyTorch's own results lie apart at most, relative to the largest number: on two machines,
# and on one, where the order of sums depends on where the numbers lie in memory.
ELSEWHERE = {"float32": 1e-3, "float64": 1e-6}
HERE = {"float32": 1e-6, "float64": 1e-12}


@dataclass(frozen=True)
class Value:
    """A tensor of at most WHOLE numbers as it is, a larger one as BUCKETS sums.

    In a sketch every number, with a fixed random sign, is part of one sum (the count sketch of
    Charikar, Chen & Farach-Colton 2002).

    shape, dtype: the tensor's.
    numbers:      the tensor, or the sums in float64.
    largest:      the largest absolute value.
    """

    shape: tuple[int, ...]
    dtype: str
    numbers: Array
    largest: float

    @classmethod
    def of(cls, tensor: Array, whole: bool) -> Value:
        """The value of a tensor; whole: however large it is."""
        kept = whole or tensor.size <= WHOLE or not np.isfinite(tensor).all()
        finite = np.abs(np.where(np.isfinite(tensor), tensor, 0).astype(np.float64))
        numbers = tensor.copy(order="C") if kept else sketch(tensor)
        return cls(tensor.shape, tensor.dtype.name, numbers, float(finite.max(initial=0)))

    @property
    def is_sketch(self) -> bool:
        """Whether there are sums only."""
        return bool(self.numbers.shape != self.shape)

    @property
    def array(self) -> Array:
        """The tensor itself; TypeError if there is a sketch only."""
        if self.is_sketch:
            raise TypeError(f"of {self.shape} there is a sketch only: compare with `check`")
        return self.numbers

    def item(self) -> float:
        """The only number."""
        return float(self.array.item())

    def check(self, found: Array, rtol: float = 0.0, atol: float = 0.0, label: str = "") -> None:
        """AssertionError unless each number of `found` is within atol + rtol · |number| of its own.

        Of a sketch the sums are compared, whose tolerance is that of sums of such errors.
        """
        assert found.shape == self.shape, f"{label}: shape {found.shape}, PyTorch's {self.shape}"
        if not self.is_sketch:
            np.testing.assert_allclose(found, self.numbers, rtol=rtol, atol=atol, err_msg=label)
            return
        error = atol + rtol * np.abs(found.astype(np.float64))
        gap = np.abs(sketch(found) - self.numbers)
        allowed = SURE * np.sqrt(_sums(np.square(error).reshape(-1)))
        assert (gap <= allowed).all(), f"{label}: {_worst(gap, allowed)}"
        assert abs(np.abs(found).max() - self.largest) <= error.max(), f"{label}: largest number"

    def same(self, other: Value, drift: Mapping[str, float] = ELSEWHERE) -> bool:
        """Whether two computations of PyTorch differ by rounding at most."""
        if (self.shape, self.dtype) != (other.shape, other.dtype):
            return False
        per_sum = math.prod(self.shape) / BUCKETS if self.is_sketch else 0.0
        spread = SURE * math.sqrt(per_sum) if self.is_sketch else 1.0
        tolerance = drift.get(self.dtype, 0.0) * max(self.largest, 1e-3) * spread
        return bool(np.allclose(self.numbers, other.numbers, 0.0, tolerance, equal_nan=True))


def sketch(tensor: Array) -> Array:
    """The BUCKETS sums of a tensor."""
    flat = tensor.astype(np.float64).reshape(-1)
    return _sums(flat * _signs(flat.size))


def fingerprint(inputs: list[Array]) -> tuple[float, float, float]:
    """Of arrays: a sum with random signs, the sum of absolute values, how many numbers there are."""
    flat = np.concatenate([np.zeros(0), *(np.asarray(x, np.float64).reshape(-1) for x in inputs)])
    tame = np.clip(np.nan_to_num(flat, nan=0.5), -1e6, 1e6)
    return float(tame @ _signs(tame.size)), float(np.abs(tame).sum()), float(tame.size)


def alike(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    """Whether fingerprints differ by the rounding of inputs at most."""
    return bool(np.allclose(one, other, rtol=0, atol=1e-6 * max(one[1], 1e-3)))


def _bits(count: int) -> Array:
    """The same pseudo-random integers with any version of NumPy, which promises that of raw bits."""
    return np.random.Philox(key=count).random_raw(count)


def _signs(count: int) -> Array:
    return np.where(_bits(count) >> np.uint64(63), 1.0, -1.0)


def _sums(flat: Array) -> Array:
    buckets = (_bits(flat.size) % np.uint64(BUCKETS)).astype(np.int64)
    return np.asarray(np.bincount(buckets, flat, BUCKETS))


def _worst(gap: Array, allowed: Array) -> str:
    at = int(np.argmax(gap - allowed))
    return f"a sum of PyTorch's numbers is missed by {gap[at]:.3g}, allowed are {allowed[at]:.3g}"
