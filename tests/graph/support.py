"""Comparisons of gradients with finite differences and with PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from pellucid import graph as g
from pellucid.graph import Array, State, Tensor
from tests.by_torch import torch

Function = Callable[..., Tensor]
TorchFunction = Callable[..., "torch.Tensor"]
_STEP = 1e-3
# Fourth-order central difference: truncation O(h⁴), rounding about 1e-16 / h.
_STENCIL = ((1, 8 / 12), (-1, -8 / 12), (2, -1 / 12), (-2, 1 / 12))


def state_of(x: Tensor) -> State:
    """The state that a variable reads."""
    state = x.node.attrs["state"]
    assert isinstance(state, State)
    return state


def slope(value: Tensor, at: Sequence[Tensor], directions: Sequence[Array]) -> float:
    """The derivative of a scalar along directions of its states, by finite differences."""
    states = [state_of(x) for x in at]
    start = [state.value.copy() for state in states]
    program = g.Reference().build(g.Graph({"value": value.node}))
    found = 0.0
    for steps, weight in _STENCIL:
        for state, x, direction in zip(states, start, directions, strict=True):
            state.value = x + steps * _STEP * direction
        found += weight * float(program.run(1)["value"][0]) / _STEP
    for state, x in zip(states, start, strict=True):
        state.value = x
    return found


def assert_gradient(value: Tensor, at: Sequence[Tensor], seed: int = 0) -> None:
    """∂value/∂at along a random direction, relative error at most 1e-6."""
    rng = np.random.default_rng(seed)
    # The step is the same however many elements there are.
    scale = 3 / max(3.0, float(np.sqrt(sum(x.size for x in at))))
    directions = [scale * rng.standard_normal(x.shape) for x in at]
    gradients = g.grad(value, list(at))
    exact = sum(float((d * v).sum()) for d, v in zip(gradients, directions, strict=True))
    found = slope(value, at, directions)
    assert abs(found - exact) <= 1e-6 * max(abs(exact), abs(found), 1e-2), (found, exact)


def check_gradients(function: Function, arrays: Sequence[Array]) -> None:
    """First and second derivatives of a random projection against finite differences."""
    at = [g.variable(np.array(a, np.float64), f"x{i}") for i, a in enumerate(arrays)]
    first = projected(function(*at), 1)
    assert_gradient(first, at, 2)
    total = g.tensor(0.0)
    for number, d in enumerate(g.grad(first, at)):
        assert d.shape == at[number].shape and d.dtype == np.float64
        total = total + projected(d, 3 + number)
    assert_gradient(total, at, 4)


def projected(y: Tensor, seed: int) -> Tensor:
    """Σ weight · y with random weights."""
    return (y * np.random.default_rng(seed).standard_normal(y.shape)).sum()


def own_derivatives(function: Function, arrays: Sequence[Array]) -> list[Array]:
    """Value, gradients of a projection, and gradients of a projection of those."""
    at = [g.variable(np.array(a), f"x{i}") for i, a in enumerate(arrays)]
    y = function(*at)
    first = g.grad(projected(y, 1), at)
    total = g.tensor(0.0, y.dtype)
    for number, d in enumerate(first):
        total = total + projected(d, 3 + number)
    return [t.numpy() for t in (y, *first, *g.grad(total, at))]


def torch_derivatives(function: TorchFunction, *at: torch.Tensor) -> list[torch.Tensor]:
    """What `own_derivatives` returns, by PyTorch."""
    y = function(*(x.requires_grad_() for x in at))
    first = _torch_gradients(_torch_projected(y, 1), at)
    total = torch.zeros((), dtype=y.dtype)
    for number, d in enumerate(first):
        total = total + _torch_projected(d, 3 + number)
    return [y, *first, *_torch_gradients(total, at)]


def _torch_projected(y: torch.Tensor, seed: int) -> torch.Tensor:
    weights = np.random.default_rng(seed).standard_normal(tuple(y.shape))
    return (y * torch.tensor(weights)).sum()


def _torch_gradients(value: torch.Tensor, at: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    if not value.requires_grad:
        return [torch.zeros_like(x) for x in at]
    found = torch.autograd.grad(value, at, create_graph=True, allow_unused=True)
    return [torch.zeros_like(x) if d is None else d for d, x in zip(found, at, strict=True)]
