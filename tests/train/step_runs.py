"""Steps of one's own on a few rows, and the same by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pellucid import graph, nn
from pellucid.graph import Array, Tensor
from pellucid.train.batches import ResidentBatches
from pellucid.train.steps.build import rehearsed, training_step

rng = np.random.default_rng(7)
ROWS = 8
X = rng.normal(size=(ROWS, 3)).astype(np.float32)
Y = rng.normal(size=(ROWS, 1)).astype(np.float32)
RATE = 0.1


def linear(inputs: int = 3, outputs: int = 1, seed: int = 0) -> nn.Linear:
    """A linear layer without a bias, with weights."""
    return nn.Linear(outputs, bias=False).build((inputs,), seed=seed)


def weights(net: nn.Module) -> Array:
    """The weights of the first parameter, float64."""
    return next(p for _, p in net.named_parameters()).value.astype(np.float64)


def run(
    function: Callable[..., None],
    networks: dict[str, nn.Module],
    steps: int = 1,
    data: tuple[Any, ...] = (X, Y),
    rate: float = RATE,
) -> dict[str, Array]:
    """Make steps on all rows; returns the outputs of each step."""
    batches = ResidentBatches(data, ROWS, 0, ROWS)
    rehearsed(function, networks, batches, 0)
    step = training_step(function, networks, batches, 0, parts=[function])
    feeds: dict[str, Array] = {
        "rows": batches.stream.rows(0, steps),
        "step": np.arange(steps),
        **{name: np.full(steps, rate, np.float32) for name in step.rates},
    }
    program = graph.executor().build(step.graph, False)
    return program.run(steps, {name: feeds[name] for name in step.graph.inputs})


def mse(x: Tensor, y: Tensor) -> Tensor:
    return (x - y).square().mean()


def slope(w: Array, x: Array = X, y: Array = Y) -> Array:
    """∂ mean (xw − y)² / ∂w."""
    x, y = x.astype(np.float64), y.astype(np.float64)
    return np.asarray(2 * x.T @ (x @ w - y) / (len(x) * w.shape[1]))


def close(found: Array, expected: Array) -> None:
    np.testing.assert_allclose(found, expected, rtol=2e-5, atol=1e-6)
