"""Attention, and activations as functions of a tensor, elementwise unless they take an axis.

Activations are finite with finite gradients for inputs of ±1e4 and beyond, to second order. Where a
formula overflows on the side that it is not used for, that side is first replaced by 0, so that the
gradient of `where` never meets 0 · ∞.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from pellucid.graph import Tensor, log_softmax, softmax, where
from pellucid.hints import FUNCTIONS, missing
from pellucid.nn.layers.attention import attention

SELU_ALPHA = 1.6732632423543772
SELU_SCALE = 1.0507009873554805


def identity(x: Tensor) -> Tensor:
    """x."""
    return x


def step(x: Tensor) -> Tensor:
    """1 where x ≥ 0, else 0: the perceptron's activation. Its gradient is 0 everywhere."""
    return (x >= 0.0).cast(x.dtype)


def sigmoid(x: Tensor) -> Tensor:
    """σ(x) = 1 / (1 + e^−x), from 0 to 1."""
    return x.sigmoid()


def tanh(x: Tensor) -> Tensor:
    """tanh x = 2σ(2x) − 1, from −1 to 1."""
    return x.tanh()


def relu(x: Tensor) -> Tensor:
    """max(x, 0); its gradient at 0 is 0 (Nair & Hinton 2010)."""
    return x.relu()


def relu6(x: Tensor) -> Tensor:
    """min(max(x, 0), 6); the gradient at 0 and at 6 is 0."""
    inside = (x > 0) & (x < 6)
    return inside.where(x, (x >= 6).cast(x.dtype) * 6.0)


def leaky_relu(x: Tensor, slope: float = 0.01) -> Tensor:
    """x where x > 0, slope · x elsewhere (Maas et al. 2013)."""
    return where(x > 0.0, x, x * slope)


def gelu(x: Tensor) -> Tensor:
    """x Φ(x), Φ the standard normal distribution function (Hendrycks & Gimpel 2016)."""
    return x.gelu()


def gelu_tanh(x: Tensor) -> Tensor:
    """½ x (1 + tanh(√(2/π) (x + 0.044715 x³))): GELU's approximation, Hendrycks & Gimpel 2016."""
    inner = (x + x.square() * x * 0.044715) * math.sqrt(2 / math.pi)
    return x * 0.5 * (1.0 + inner.tanh())


def silu(x: Tensor) -> Tensor:
    """x σ(x), also called swish (Elfwing et al. 2017)."""
    return x * x.sigmoid()


def softplus(x: Tensor) -> Tensor:
    """log(1 + e^x) = max(x, 0) + log(1 + e^−|x|) (Dugas et al. 2001); its derivative is σ(x)."""
    positive, tail = softplus_parts(x)
    return positive + tail


def softplus_parts(x: Tensor) -> tuple[Tensor, Tensor]:
    """(max(x, 0), log(1 + e^−|x|)), whose sum is the softplus.

    `where` rather than max and |x|: both sides of 0 then have consistent derivatives at 0 itself, so the
    derivatives of the sum are right there too (½ and ¼).
    """
    x = x.real()
    negative = x < 0.0
    return where(negative, 0.0, x), where(negative, x, -x).exp().log1p()


def elu(x: Tensor, alpha: float = 1.0) -> Tensor:
    """x where x > 0, α (e^x − 1) elsewhere (Clevert et al. 2015)."""
    positive = x > 0.0
    return where(positive, x, where(positive, 0.0, x).expm1() * alpha)


def selu(x: Tensor) -> Tensor:
    """1.0507 · ELU(x, α = 1.6733): keeps mean 0 and variance 1 (Klambauer et al. 2017, eq. 2)."""
    return elu(x, SELU_ALPHA) * SELU_SCALE


def mish(x: Tensor) -> Tensor:
    """x tanh(softplus(x)) (Misra 2019)."""
    x = x.real()
    return x * softplus(x).tanh()


__all__ = [
    "attention",
    "elu",
    "gelu",
    "gelu_tanh",
    "identity",
    "leaky_relu",
    "log_softmax",
    "mish",
    "relu",
    "selu",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "step",
    "tanh",
]


if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        raise missing("module 'pellucid.nn.functional'", name, FUNCTIONS)
