"""Sums that follow from other sums."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import pellucid as pel
from pellucid import graph as g
from pellucid import nn
from pellucid.compile import Native
from pellucid.compile.totals import fewer_sums
from pellucid.graph import Array, Graph, Tensor
from tests.compile.closeness import difference

rng = np.random.default_rng(0)
X = g.variable(rng.normal(1.0, 2.0, (6, 5, 4)).astype(np.float32), "x")
ROW = g.variable(rng.normal(size=4).astype(np.float32), "row")


def _graph(*results: Tensor) -> Graph:
    return Graph({str(i): result.node for i, result in enumerate(results)})


def _sums(graph: Graph) -> int:
    return sum(node.op == "sum" for node in fewer_sums(graph).nodes)


def centred(x: Tensor) -> Tensor:
    return x - x.mean((0, 1), keepdims=True)


FEWER: dict[str, tuple[Callable[[], tuple[Tensor, ...]], int]] = {
    "factors": (lambda: ((X.exp() * ROW).sum((0, 1)), (-X.exp() * 3.0 * ROW).sum((0, 1))), 1),
    "factors of products": (lambda: ((X * (ROW * X.tanh())).sum(0), (X * X.tanh()).sum(0)), 1),
    "centred": (lambda: (centred(X).sum((0, 1)), X.sum((0, 1))), 1),
    "centred by adding": (lambda: ((X + (-X).mean((0, 1))).sum((0, 1)), (-X).sum((0, 1))), 1),
    "beside what is centred": (
        lambda: ((X.exp() - centred(X) * ROW).sum((0, 1)), X.sum((0, 1)), X.exp().sum((0, 1))),
        2,
    ),
    "after what is centred": (lambda: ((centred(X) - X.exp()).sum((0, 1)), X.sum((0, 1))), 2),
    "all the same": (lambda: ((ROW.broadcast_to(X.shape) * ROW).sum((0, 1)),), 0),
}


@pytest.mark.parametrize("name", FEWER)
def test_what_follows_is_not_summed(name: str) -> None:
    make, count = FEWER[name]
    graph = _graph(*make())
    assert _sums(graph) == count
    assert not difference(graph)


APART: dict[str, Callable[[], tuple[Tensor, ...]]] = {
    "centred over other axes": lambda: (centred(X).sum(0), X.sum((0, 1))),
    "twice the mean": lambda: ((X - 2.0 * X.mean((0, 1))).sum((0, 1)), X.sum((0, 1))),
    "mean of another": lambda: ((X - X.exp().mean((0, 1))).sum((0, 1)), X.exp().sum((0, 1))),
    "a factor that changes": lambda: ((X * X.exp()).sum((0, 1)), X.sum((0, 1))),
}


@pytest.mark.parametrize("name", APART)
def test_what_does_not_follow_is(name: str) -> None:
    graph = _graph(*APART[name]())
    assert _sums(graph) == 2
    assert not difference(graph)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_is_seen(bad: float) -> None:
    x = g.variable(np.array([1.0, bad, 2.0], np.float32), "x")
    found = g.executor().build(_graph((x - x.mean()).sum())).run(1, {})["0"]
    assert np.isnan(found).all()


@pytest.mark.parametrize(("layer", "sums"), [(nn.BatchNorm, 4), (nn.LayerNorm, 6)])
def test_a_normalisation_backward(layer: type[nn.Module], sums: int) -> None:
    """Batch norm's is two sums, besides mean and variance; each of layer norm's γ and β is one more."""
    net = layer().build(X.numpy())
    with nn.training(seed=0, step=0):
        loss = (net(X) * X.tanh()).sum()
    parameters = [parameter for _, parameter in net.named_parameters()]
    graph = Graph({str(i): t.node for i, t in enumerate(pel.grad(loss, [X, *parameters]))})
    assert _sums(graph) == sums
    assert not difference(graph)


@pytest.mark.parametrize("mean", [0.0, 1e3])
def test_batch_norm_backward_is_exact(mean: float) -> None:
    """Beside float64, at a mean far from 0, where sums of what is not centred would cancel."""
    values = rng.normal(mean, 1.0, (512, 3)).astype(np.float32)
    weights = rng.normal(0.5, 1.0, values.shape).astype(np.float32)

    def gradient(dtype: type) -> Array:
        net = nn.BatchNorm().build(values, dtype=dtype)
        x = g.variable(values.astype(dtype), "x")
        with nn.training(seed=0, step=0):
            loss = (net(x) * weights.astype(dtype)).sum()
        return np.asarray(pel.grad(loss, x).numpy())

    exact = gradient(np.float64)
    with g.using(Native()):
        found = gradient(np.float32)
    np.testing.assert_allclose(found, exact, rtol=0, atol=1e-6 * max(mean, 1.0))
