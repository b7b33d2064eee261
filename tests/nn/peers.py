"""Layers beside PyTorch in float64, with all derivatives, and beside themselves as machine code."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np

from pellucid import graph as g
from pellucid import nn
from pellucid.compile import Native
from pellucid.graph import Array, Graph, Reference, Tensor
from tests.by_torch import ByTorch, torch
from tests.nn.support import spread

Weights = Mapping[str, "torch.Tensor"]
Peer = Callable[["torch.Tensor", Weights], "torch.Tensor"]


def shaken(net: nn.Module, x: Array, dtype: type[np.floating] = np.float64) -> nn.Module:
    """The network built in `dtype`, its parameters away from where they start."""
    net.build(x, seed=1, dtype=dtype)
    rng = np.random.default_rng(2)
    for _, parameter in net.named_parameters():
        parameter.value = parameter.value + 0.3 * rng.standard_normal(parameter.shape)
    return net


def check_layer(
    net: nn.Module, peer: Peer, x: Array, by_torch: ByTorch, rtol: float = 1e-9
) -> None:
    """Output, first and second derivatives for x (if float) and every parameter, in float64.

    The second are those of Σ c·(∂L/∂v) over all v, for fixed different numbers c.
    """
    shaken(net, x)
    own_x = g.variable(x)
    parameters = dict(net.named_parameters())
    own = _derivatives(net(own_x), [own_x, *parameters.values()] if _floats(x) else None, net)
    weights = {name: held.value for name, held in parameters.items()}
    expected = by_torch(partial(_torch_derivatives, peer), x, weights)
    names = ["x", *weights] if _floats(x) else list(weights)
    labels = ["output", *(f"∂L/∂{n}" for n in names), *(f"second ∂/∂{n}" for n in names)]
    for label, found, wanted in zip(labels, own, expected, strict=True):
        wanted.check(found, rtol, rtol * max(wanted.largest, 1e-3), label)


def _floats(x: Array) -> bool:
    return bool(x.dtype.kind == "f")


def _derivatives(y: Tensor, wrt: list[Tensor] | None, net: nn.Module) -> list[Array]:
    leaves = list(net.parameters()) if wrt is None else wrt
    loss = (y.tanh() * spread(np.zeros(y.shape))).sum()
    first = g.grad(loss, leaves)
    total = sum(((d * spread(np.zeros(d.shape))).sum() for d in first), start=g.tensor(0.0))
    return [tensor.numpy() for tensor in (y, *first, *g.grad(total, leaves))]


def _torch_derivatives(
    peer: Peer, x: torch.Tensor, weights: dict[str, torch.Tensor]
) -> list[torch.Tensor]:
    leaves = [x, *weights.values()] if x.is_floating_point() else list(weights.values())
    for leaf in leaves:
        leaf.requires_grad_()
    y = peer(x, weights)
    loss = (y.tanh() * torch.tensor(spread(np.zeros(y.shape)))).sum()
    first = torch.autograd.grad(loss, leaves, create_graph=True)
    total = torch.zeros(())
    for d in first:
        total = total + (d * torch.tensor(spread(np.zeros(d.shape)))).sum()
    second = torch.autograd.grad(total, leaves, allow_unused=True)
    whole = [
        torch.zeros_like(leaf) if d is None else d for d, leaf in zip(second, leaves, strict=True)
    ]
    return [y, *first, *whole]


def training_graph(net: nn.Module, x: Array, twice: bool = False) -> Graph:
    """Loss, gradients and statistics of a step on x, which is an input of the graph.

    twice: with the gradient of the gradient's squared length.
    """
    at = g.placeholder("x", x.shape, x.dtype)
    with nn.training(seed=3, step=g.placeholder("step", (), np.int64)) as seen:
        y = net(at)
    loss = (y * spread(np.zeros(y.shape)).astype(np.float32)).mean() + y.square().mean()
    parameters = dict(net.named_parameters())
    gradients = g.grad(loss, parameters)
    outputs = {"loss": loss.node, "y": y.node}
    outputs |= {f"d {name}": gradient.node for name, gradient in gradients.items()}
    if twice:
        total = sum((d.square().sum() for d in gradients.values()), start=loss * 0.0)
        bends = g.grad(total, parameters)
        outputs |= {f"dd {name}": bend.node for name, bend in bends.items()}
    return Graph(outputs, seen.updates)


def check_native(net: nn.Module, x: Array, rtol: float = 2e-4, twice: bool = False) -> None:
    """Two training steps in float32 give as machine code what the reference gives."""
    x = x.astype(np.float32) if _floats(x) else x
    shaken(net, x, np.float32)
    graph = training_graph(net, x, twice)
    feeds = {"x": np.stack([x, x]), "step": np.arange(5, 7)}
    feeds = {name: feeds[name] for name in graph.inputs}
    start = {state: state.value.copy() for state in graph.states}
    results = []
    for executor in (Reference(), Native()):
        for state, value in start.items():
            state.value = value.copy()
        results.append(executor.build(graph, runs=2).run(2, feeds))
    expected, found = results
    for name, wanted in expected.items():
        size = float(np.abs(wanted).max(initial=0))
        np.testing.assert_allclose(
            found[name], wanted, rtol=rtol, atol=rtol * max(size, 1e-3), err_msg=name
        )
