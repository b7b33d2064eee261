"""Errors of the compiled functions in units of the last place (ulp).

A value's unit is the distance of the two floats around it (that of the largest float beyond it).
True values of float32 arguments come from float64 functions of NumPy and SciPy, whose own error is a
billionth of a unit; those of float64 arguments from mpmath, as a sum of two floats.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath as mp
import numpy as np
import scipy.special

from pellucid import graph as g
from pellucid.compile.program import NativeProgram
from pellucid.graph import Array, Graph

mp.mp.prec = 200


def _sigmoid(x: Array) -> Array:
    small = np.exp(-np.abs(x))
    return np.asarray(np.where(x < 0, small, 1) / (1 + small))


def _density(x: Array) -> Array:
    return np.asarray(np.exp(-np.square(x) / 2) / np.sqrt(2 * np.pi))


def _gelu(x: Array) -> Array:
    return np.asarray(np.where(x == -np.inf, -0.0, x * scipy.special.ndtr(x)))


NUMPY: dict[str, Callable[..., Array]] = {
    "exp": np.exp,
    "expm1": np.expm1,
    "log": np.log,
    "log1p": np.log1p,
    "tanh": np.tanh,
    "sigmoid": _sigmoid,
    "erf": scipy.special.erf,
    "normal_pdf": _density,
    "normal_cdf": scipy.special.ndtr,
    "gelu": _gelu,
    "sin": np.sin,
    "cos": np.cos,
    "pow": np.power,
}
MPMATH: dict[str, Callable[..., Any]] = {
    "exp": mp.exp,
    "expm1": mp.expm1,
    "log": mp.log,
    "log1p": mp.log1p,
    "tanh": mp.tanh,
    "sigmoid": lambda x: 1 / (1 + mp.exp(-x)),
    "erf": mp.erf,
    "normal_pdf": mp.npdf,
    "normal_cdf": mp.ncdf,
    "gelu": lambda x: x * mp.ncdf(x),
    "sin": mp.sin,
    "cos": mp.cos,
    "pow": mp.power,
}


def compiled(name: str, *arrays: Array) -> Array:
    """The results of a function's machine code."""
    inputs = [g.variable(array, f"x{i}").node for i, array in enumerate(arrays)]
    program = NativeProgram(Graph({"y": g.apply(name, inputs)}), 1)
    return np.asarray(program.run(1)["y"][0])


def every(step: int, first: int = 0) -> Array:
    """Every `step`-th float32 by its bits, from number `first` on: all signs and exponents."""
    numbers = np.arange(first, 2**32, step, dtype=np.int64)
    return np.asarray(numbers.astype(np.uint32).view(np.float32))


def near(centres: Array, around: int, each: int) -> Array:
    """`each` floats on both sides of each centre, `around` floats apart."""
    bits = {4: np.int32, 8: np.int64}[centres.dtype.itemsize]
    steps = np.arange(-each, each + 1, dtype=bits) * bits(around)
    patterns = (centres.view(bits)[:, None] + steps).reshape(-1)
    return np.asarray(patterns.view(centres.dtype))


def errors32(name: str, *arrays: Array) -> Array:
    """The error of each value in ulp; infinite if only one of value and truth is finite."""
    with np.errstate(all="ignore"):
        truth = NUMPY[name](*(array.astype(np.float64) for array in arrays))
    return distance(compiled(name, *arrays), truth, np.zeros_like(truth))


def errors64(name: str, *arrays: Array) -> Array:
    """The same for finite float64 arguments inside the function's domain."""
    rows = zip(*(array.tolist() for array in arrays), strict=True)
    values = [MPMATH[name](*map(mp.mpf, row)) for row in rows]
    high = np.array([_float(value) for value in values])
    pairs = zip(values, high, strict=True)
    low = np.array([_float(v - mp.mpf(h)) if np.isfinite(h) else 0.0 for v, h in pairs])
    return distance(compiled(name, *arrays), high, low)


def _float(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else -float("inf")


def distance(computed: Array, high: Array, low: Array) -> Array:
    """|computed − (high + low)| in units of the last place of its type; 0 if both are NaN.

    Infinity in float32 counts as the float that would follow the largest.
    """
    kind = np.finfo(computed.dtype)
    with np.errstate(all="ignore"):
        rounded = high.astype(computed.dtype)
        unit = np.spacing(np.minimum(np.abs(rounded), kind.max)).astype(np.float64)
        wide = computed.astype(np.float64)
        if kind.bits == 32:
            wide = np.where(np.isinf(wide), np.copysign(2.0**kind.maxexp, wide), wide)
        off = np.abs((wide - high) - low) / unit
    both = np.isnan(computed) & np.isnan(high) | (computed == rounded) & ~np.isfinite(rounded)
    off = np.where(both, 0.0, off)
    return np.where(np.isnan(off), np.inf, off)
