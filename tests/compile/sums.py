"""Random sums that follow from other sums, or nearly do, of values that are far off, or not finite."""

from __future__ import annotations

import numpy as np

from pellucid import graph as g
from pellucid.graph import Graph, Tensor
from pellucid.graph.reductions import moments
from tests.graph.random_graphs import Settings

AXES = ((0,), (1,), (0, 1))
STRANGE = (np.nan, np.inf, -np.inf)


def sums_that_follow(seed: int, settings: Settings) -> Graph:
    """Σ (y ± c · (x − share · Σx)), with its parts in some order and its terms far from 0.

    wild:   one element of one part is not finite.
    double: in float64.
    """
    rng = np.random.default_rng([seed, 77])
    dtype = np.float64 if settings.double else np.float32
    shape = (int(rng.integers(2, 9)), int(rng.integers(2, 9)))
    axes = AXES[int(rng.integers(3))]
    arrays = {
        "x": rng.normal(10.0 ** rng.integers(0, 4), 1.0, shape),
        "y": rng.normal(size=shape),
        "c": rng.normal(size=[1 if axis in axes else n for axis, n in enumerate(shape)]),
    }
    if settings.wild:
        part = arrays["xyc"[int(rng.integers(3))]]
        part.flat[int(rng.integers(part.size))] = STRANGE[int(rng.integers(3))]
    x, y, c = (g.variable(array.astype(dtype), name) for name, array in arrays.items())
    if rng.random() < 0.3:
        x = -x
    rest = _less_its_mean(x, axes, rng) * (c if rng.random() < 0.8 else 0.0)
    if rng.random() < 0.2:
        rest = -rest
    if rng.random() < 0.3:
        return _graph(rest.sum(axes), x.sum(axes))
    parts = [y + rest, y - rest, rest - y, rest + y * c]
    return _graph(parts[int(rng.integers(4))].sum(axes), x.sum(axes))


def _less_its_mean(x: Tensor, axes: tuple[int, ...], rng: np.random.Generator) -> Tensor:
    """x − Σx / n, or with another factor that is near 1 / n, or near it in float32 alone."""
    n = float(np.prod([x.shape[axis] for axis in axes]))
    total = x.sum(axes, keepdims=True)
    if rng.random() < 0.3:
        return x - total / n
    factors = (1.0 / n, 1.0 / n, (1.0 + 1e-7) / n, (1.0 + 3e-6) / n, (1.0 + 1e-3) / n)
    share = factors[int(rng.integers(len(factors)))]
    return x - total * share if rng.random() < 0.7 else x + (-x).sum(axes, keepdims=True) * share


def normalisations(seed: int, settings: Settings) -> Graph:
    """A normalisation with its moments and gradients, of values near and far from 0."""
    rng = np.random.default_rng([seed, 78])
    dtype = np.float64 if settings.double else np.float32
    shape = (int(rng.integers(2, 9)), int(rng.integers(2, 9)))
    axes = AXES[int(rng.integers(3))]
    values = rng.normal(10.0 ** rng.integers(0, 6), 1.0, shape)
    if rng.random() < 0.1:
        values[:] = values[0, 0]
    if settings.wild:
        values.flat[int(rng.integers(values.size))] = STRANGE[int(rng.integers(3))]
    x = g.variable(values.astype(dtype), "x")
    factor = g.variable(rng.normal(size=shape).astype(dtype), "slope")
    rest, mean, variance = moments(x, axes)
    y = rest * (variance + 1e-5).rsqrt()
    loss = (y * factor).sum()
    return _graph(y, mean, variance, loss, g.grad(loss, x), g.grad(loss, x).sum(axes))


def _graph(*results: Tensor) -> Graph:
    return Graph({str(number): result.node for number, result in enumerate(results)})
