"""One optimizer run beside PyTorch's on the same problem."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from pellucid import graph as g
from pellucid.graph import Array, Executor, Graph, Reference, Tensor
from pellucid.optim import Optimizer
from tests.by_torch import torch

STEPS = 100


def problem(dtype: type[np.floating]) -> tuple[dict[str, Array], Array, Array]:
    """Parameters, inputs and targets of a small network."""
    rng = np.random.default_rng(0)
    shapes = {"hidden.W": (5, 8), "hidden.b": (8,), "output.W": (8, 2), "output.b": (2,)}
    values = {path: rng.normal(0, 0.5, shape).astype(dtype) for path, shape in shapes.items()}
    return values, rng.normal(size=(16, 5)).astype(dtype), rng.normal(size=(16, 2)).astype(dtype)


def named_variable(path: str, value: Array) -> Tensor:
    """A tensor of the user's own, without a role."""
    return g.variable(value, path)


def run_own(
    optimizer: Optimizer,
    rates: Array,
    dtype: type[np.floating],
    executor: Executor | None = None,
    make: Callable[..., Tensor] = named_variable,
) -> tuple[list[dict[str, Array]], list[float]]:
    """The parameters after each step, and the loss before it."""
    values, x, y = problem(dtype)
    parameters = {path: make(path, value) for path, value in values.items()}
    hidden = (g.tensor(x) @ parameters["hidden.W"] + parameters["hidden.b"]).tanh()
    loss = (hidden @ parameters["output.W"] + parameters["output.b"] - y).square().mean()
    slots = optimizer.init(parameters)
    rate, step = g.placeholder("learning_rate", (), dtype), g.placeholder("step", (), np.int64)
    gradients = optimizer.gradients(loss, parameters)
    updates = optimizer.update(parameters, gradients, slots, rate, step)
    graph = Graph({"loss": loss.node}, updates)
    g.verify(graph)
    program = (executor or Reference()).build(graph)
    history, losses = [], []
    for k in range(STEPS):
        feeds = {"learning_rate": rates[k : k + 1].astype(dtype), "step": np.array([k])}
        losses.append(float(program.run(1, feeds)["loss"][0]))
        history.append({p: t.node.attrs["state"].value.copy() for p, t in parameters.items()})
    return history, losses


def run_torch(
    make: Callable[[list[torch.nn.Parameter]], torch.optim.Optimizer],
    x: torch.Tensor,
    y: torch.Tensor,
    rates: torch.Tensor,
    values: dict[str, torch.Tensor],
) -> list[torch.Tensor]:
    """All parameters side by side after each step, and after the last, by PyTorch.

    Its own scalars are in the same type.
    """
    usual = torch.get_default_dtype()
    torch.set_default_dtype(x.dtype)
    try:
        path = torch.stack(_run_torch(make, x, y, rates, values))
    finally:
        torch.set_default_dtype(usual)
    return [path, path[-1]]


def _run_torch(
    make: Callable[[list[torch.nn.Parameter]], torch.optim.Optimizer],
    x: torch.Tensor,
    y: torch.Tensor,
    rates: torch.Tensor,
    values: dict[str, torch.Tensor],
) -> list[torch.Tensor]:
    at = {path: torch.nn.Parameter(value) for path, value in values.items()}
    optimizer = make(list(at.values()))
    history = []
    usual = optimizer.defaults["lr"]
    ratios = [group["lr"] / usual for group in optimizer.param_groups]
    for rate in rates:
        for ratio, group in zip(ratios, optimizer.param_groups, strict=True):
            group["lr"] = float(rate) * ratio
        hidden = torch.tanh(x @ at["hidden.W"] + at["hidden.b"])
        loss = (hidden @ at["output.W"] + at["output.b"] - y).square().mean()
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        # L-BFGS asks for the loss again; with one evaluation a step it is the same one.
        optimizer.step(partial(float, loss.detach()))
        history.append(torch.cat([p.detach().flatten() for p in at.values()]))
    return history


def side_by_side(history: list[dict[str, Array]]) -> Array:
    """All parameters of each step in one row."""
    return np.stack([np.concatenate([v.ravel() for v in step.values()]) for step in history])
