"""Comparisons with PyTorch (float32) and with finite differences (float64)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np

from pellucid import graph as g
from pellucid.graph import Array, Tensor
from tests.by_torch import ByTorch, torch

Function = Callable[[Tensor], Tensor]
TorchFunction = Callable[..., "torch.Tensor"]


def check_by_differences(function: Function, x: Array, tolerance: float = 1e-6) -> None:
    """First and second derivatives of a projection of `function` against central differences.

    x: float64, away from kinks. The error is relative to the size of the derivative.
    """
    rng = np.random.default_rng(7)
    at = g.variable(np.array(x, np.float64))
    y = function(at)
    assert y.dtype == np.float64
    first = (y * rng.standard_normal(y.shape)).sum()
    gradient = g.grad(first, at)
    second = (gradient * rng.standard_normal(x.shape)).sum()
    for value in (first, second):
        _check_direction(value, at, np.asarray(rng.standard_normal(x.shape)), tolerance)


def _check_direction(value: Tensor, at: Tensor, direction: Array, tolerance: float) -> None:
    exact = float((g.grad(value, at) * direction).sum())
    state = at.node.attrs["state"]
    start = state.value.copy()
    # Fourth-order central difference: the error is O(h⁴), rounding about 1e-16 / h.
    h = 1e-3
    found = 0.0
    for steps, weight in ((1, 8 / 12), (-1, -8 / 12), (2, -1 / 12), (-2, 1 / 12)):
        state.value = start + steps * h * direction
        found += weight * float(value) / h
    state.value = start
    assert abs(found - exact) <= tolerance * max(abs(exact), abs(found), 1e-2)


def torch_derivatives(
    function: TorchFunction, at: torch.Tensor, *others: object
) -> list[torch.Tensor]:
    """[f(x), gradient of Σ w f, gradient of Σ w · that gradient] by PyTorch, for fixed weights w."""
    y = function(at.requires_grad_(), *others)
    first = torch.autograd.grad(_torch_projected(y), at, create_graph=True)[0]
    if not first.requires_grad:
        return [y, first, torch.zeros_like(at)]
    second = torch.autograd.grad(_torch_projected(first), at, allow_unused=True)[0]
    return [y, first, torch.zeros_like(at) if second is None else second]


def _torch_projected(y: torch.Tensor) -> torch.Tensor:
    return (y * torch.tensor(spread(y.numpy(force=True)))).sum()


def own_derivatives(function: Function, x: Array) -> list[Array]:
    """The same three by Pellucid."""
    at = g.variable(x)
    y = function(at)
    first = g.grad((y * spread(np.zeros(y.shape, x.dtype))).sum(), at)
    second = g.grad((first * spread(x)).sum(), at)
    return [tensor.numpy() for tensor in (y, first, second)]


def spread(x: Array) -> Array:
    """Weights of x's shape and type, all different."""
    return np.cos(np.arange(x.size, dtype=np.float64)).reshape(x.shape).astype(x.dtype)


def check_against_torch(
    own: Function,
    peer: TorchFunction,
    x: Array,
    by_torch: ByTorch,
    rtol: float = 2e-6,
    atol: float = 2e-6,
    others: Sequence[Array | Mapping[str, Array]] = (),
) -> None:
    """Forward, first and second gradient agree in x's type.

    others: what the peer takes after x.
    """
    names = ("forward", "first gradient", "second gradient")
    theirs = by_torch(partial(torch_derivatives, peer), x, *others)
    for name, found, expected in zip(names, own_derivatives(own, x), theirs, strict=True):
        assert found.dtype == x.dtype
        expected.check(found, rtol, atol, name)
