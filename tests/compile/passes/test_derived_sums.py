"""Sums that follow from other sums."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import pellucid as pel
from pellucid import graph as g
from pellucid import nn
from pellucid.compile import Native
from pellucid.compile.passes.derived_sums import derive_sums
from pellucid.compile.passes.simplify import simplify
from pellucid.compile.passes.variance import one_pass_variance
from pellucid.graph import Array, Graph, Tensor
from tests.compile.closeness import difference

Kind = type[np.floating[Any]]
rng = np.random.default_rng(0)
X = g.variable(rng.normal(1.0, 2.0, (6, 5, 4)).astype(np.float32), "x")
ROW = g.variable(rng.normal(size=4).astype(np.float32), "row")


def _graph(*results: Tensor) -> Graph:
    return Graph({str(i): result.node for i, result in enumerate(results)})


def _sums(graph: Graph) -> int:
    return sum(node.op == "sum" for node in derive_sums(graph).nodes)


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


BAD: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {
    "alone": lambda x, y, c: centred(x).sum((0, 1)),
    "beside": lambda x, y, c: (y + centred(x) * c).sum((0, 1)),
    "taken off": lambda x, y, c: (y - centred(x) * c).sum((0, 1)),
    "first": lambda x, y, c: (c * centred(x) - y).sum((0, 1)),
    "times 0": lambda x, y, c: (y + centred(x) * (c * 0.0)).sum((0, 1)),
    "a product with 0": lambda x, y, c: (x * y * 0.0 * c).sum((0, 1)),
    "twice": lambda x, y, c: (centred(centred(x) * c) + y).sum((0, 1)),
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("where", [0, 1, 2])
@pytest.mark.parametrize("name", BAD)
def test_what_is_not_finite_is_seen(name: str, where: int, bad: float, dtype: Kind) -> None:
    """Compiled as by NumPy, whichever of x, y and c is not finite."""
    arrays = [np.array(t.numpy(), dtype) for t in (X, X.exp(), ROW)]
    arrays[where].flat[1] = bad
    result = BAD[name](*(g.variable(array, "v") for array in arrays))
    right, actual = (
        executor.build(_graph(result)).run(1, {})["0"] for executor in (g.Reference(), Native())
    )
    np.testing.assert_array_equal(np.isfinite(actual), np.isfinite(right))
    np.testing.assert_array_equal(np.isnan(actual) | np.isinf(right), ~np.isfinite(right))


@pytest.mark.parametrize(
    ("dtype", "near"),
    [(np.float32, 1e-6), (np.float32, 3e-6), (np.float64, 1e-9), (np.float64, 3e-6)],
)
def test_a_factor_that_is_not_quite_one_over_n_is_another_value(dtype: Kind, near: float) -> None:
    """Σ (x − c Σx) = (1 − nc) Σx, far from 0 where x is large."""
    values = np.full((8, 125), 9e9).astype(dtype)
    share = float(dtype((1 + near) / 1000))
    x = g.variable(values, "x")
    actual = float(Native().build(_graph((x - x.sum() * share).sum())).run(1, {})["0"][0])
    assert actual == pytest.approx(
        (1 - 1000 * share) * 9e12, rel=0.5 if dtype is np.float32 else 1e-3
    )


def test_a_product_of_finite_numbers_does_not_become_nan() -> None:
    """0 · Σx · c, where c · Σx is beyond the largest number."""
    x = g.variable(np.full((4, 3), 1e20, np.float32) * np.arange(3, dtype=np.float32), "x")
    c = g.variable(np.full((4, 1), 1e19, np.float32), "c")
    y = ((x - x.mean(1, keepdims=True)) * 1e-19 * c * 1e-19 + 1.0).sum(1)
    actual = Native().build(_graph(y)).run(1, {})["0"]
    np.testing.assert_allclose(actual, 3.0, rtol=1e-5)


@pytest.mark.parametrize(("layer", "sums"), [(nn.BatchNorm, 5), (nn.LayerNorm, 7)])
def test_a_normalisation_backward(layer: type[nn.Module], sums: int) -> None:
    """Batch norm's is two sums, besides three for moments; each of layer norm's γ and β is one more."""
    net = layer().build(X.numpy())
    with nn.training(seed=0, step=0):
        loss = (net(X) * X.tanh()).sum()
    parameters = [parameter for _, parameter in net.named_parameters()]
    graph = Graph({str(i): t.node for i, t in enumerate(pel.grad(loss, [X, *parameters]))})
    assert _sums(one_pass_variance(simplify(graph))) == sums
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
        actual = gradient(np.float32)
    np.testing.assert_allclose(actual, exact, rtol=0, atol=1e-6 * max(mean, 1.0))
