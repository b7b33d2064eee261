"""Elementary functions in loop IR, for any number of lanes, without branches or calls."""

from __future__ import annotations

from collections.abc import Callable

from pellucid.compile.loop.builder import Builder
from pellucid.compile.loop.ir import Value
from pellucid.compile.vmath.error import erf
from pellucid.compile.vmath.exponential import exp, expm1, sigmoid, tanh
from pellucid.compile.vmath.logarithm import log, log1p
from pellucid.compile.vmath.normal import gelu, normal_cdf, normal_pdf
from pellucid.compile.vmath.power import power
from pellucid.compile.vmath.trigonometric import cos, sin

_TABLE: dict[str, Callable[..., Value]] = {
    "exp": exp,
    "expm1": expm1,
    "log": log,
    "log1p": log1p,
    "tanh": tanh,
    "sigmoid": sigmoid,
    "erf": erf,
    "normal_cdf": normal_cdf,
    "normal_pdf": normal_pdf,
    "gelu": gelu,
    "sin": sin,
    "cos": cos,
    "pow": power,
}
FUNCTIONS = frozenset(_TABLE)
"""Ops that these functions compute."""


def emit(b: Builder, name: str, *args: Value) -> Value:
    """The value of a function of f32 or f64 values.

    Error at most 2 ulp in f32 and 4 ulp in f64 (measured by `tests/compile/vmath`). Subnormal
    numbers, signed zeros, infinities and NaN are as IEEE 754 says.
    """
    # Compensated sums and products must not be contracted.
    with b.uncontracted():
        return _TABLE[name](b, *args)
