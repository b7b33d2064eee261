"""Variances in one pass: sums of squares around a mean, in the pass that sums the mean."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from pellucid import graph as g
from pellucid.compile import Native
from pellucid.compile.code import Code
from pellucid.compile.native.isa import host_isa
from pellucid.compile.passes.simplify import simplify
from pellucid.compile.passes.variance import one_pass_variance
from pellucid.compile.plan.planner import Plan
from pellucid.graph import Array, Graph, Node, Tensor
from pellucid.graph.reductions import moments
from tests.compile.closeness import difference

RNG = np.random.default_rng(0)
VALUES = RNG.normal(3.0, 2.0, (6, 5, 4)).astype(np.float32)


def graph_of(*results: Tensor) -> Graph:
    return Graph({str(number): result.node for number, result in enumerate(results)})


def passes(graph: Graph) -> int:
    """How many sums wait for each other."""
    depth: dict[Node, int] = {}
    for node in graph.nodes:
        depth[node] = max((depth[s] for s in node.inputs), default=0) + (node.op == "sum")
    return max(depth.values())


@pytest.mark.parametrize("axes", [(0,), (1,), (0, 1), (0, 1, 2), (0, 2)])
def test_two_passes_instead_of_three(axes: tuple[int, ...]) -> None:
    graph = simplify(graph_of(*moments(g.variable(VALUES, "x"), axes)))
    assert (passes(graph), passes(one_pass_variance(graph))) == (3, 2)
    assert not difference(graph)


X = g.variable(VALUES, "x")
APART: dict[str, Callable[[], Tensor]] = {
    "not centred before": lambda: (X - X.mean(0, keepdims=True)).square().sum(0),
    "centred over other axes": lambda: _rest(1).square().sum(0),
    "not a square": lambda: (_rest(0) * X).sum(0),
    "around half the mean": lambda: (
        (_near() - _near().mean(0, keepdims=True) * 0.5).square().sum(0)
    ),
}


def _rest(axis: int) -> Tensor:
    return moments(X, axis)[0]


def _near() -> Tensor:
    first = X[:1]
    return X - (first + (X - first).mean(0, keepdims=True))


@pytest.mark.parametrize("name", APART)
def test_what_would_cancel_is_left(name: str) -> None:
    graph = simplify(graph_of(APART[name]()))
    assert one_pass_variance(graph).outputs == graph.outputs


@pytest.mark.parametrize("offset", [0.0, 1e3, 1e6])
@pytest.mark.parametrize("shape", [(3, 7), (40, 33), (5000, 3), (2, 70_000)])
def test_compiled_variances_are_exact(offset: float, shape: tuple[int, int]) -> None:
    """Beside float64, wherever the values lie, and never below 0."""
    x = RNG.normal(offset, 1.0, shape).astype(np.float32)
    for axis in (0, 1):
        actual = Native().build(graph_of(g.variable(x, "x").var(axis))).run(1, {})["0"][0]
        np.testing.assert_allclose(actual, x.astype(np.float64).var(axis), rtol=1e-6)


def tiny_spreads() -> list[Array]:
    base = np.full((1000, 4), 0.1, np.float32)
    base[0] = np.nextafter(base[0], np.float32(1))
    last, outlier = base[::-1].copy(), base.copy()
    outlier[0] = 1e8
    return [base, last, outlier, np.where(np.arange(1000)[:, None] % 2, base, base * 1.0000001)]


@pytest.mark.parametrize("number", range(4))
def test_no_variance_is_below_zero(number: int) -> None:
    x = tiny_spreads()[number].astype(np.float32)
    actual = Native().build(graph_of(g.variable(x, "x").var(0))).run(1, {})["0"][0]
    np.testing.assert_allclose(actual, x.astype(np.float64).var(0), rtol=1e-4)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("row", [0, 3])
def test_what_is_not_finite_makes_the_variance_nan(bad: float, row: int) -> None:
    x = VALUES.copy()
    x[row, 1, 2] = bad
    graph = graph_of(g.variable(x, "x").var(0))
    for executor in (g.Reference(), Native()):
        actual = executor.build(graph).run(1, {})["0"][0]
        assert np.isnan(actual[1, 2]) and np.isfinite(np.delete(actual.ravel(), 6)).all()


def kernels_over(plan: Plan, least: int) -> int:
    """How often kernels go over so many elements: once for each pass."""
    return sum(
        len({m.phase for m in kernel.members if m.scope == "full" or m.node.op == "sum"})
        for level in plan.levels
        for kernel in level
        if kernel.kind == "nest" and np.prod(kernel.shape) >= least
    )


def test_a_batch_norm_step_goes_over_its_rows_as_often_as_its_formula_needs() -> None:
    """Twice for the moments, once for the results' sum, once for the gradient's sums, once for it."""
    x = g.variable(RNG.normal(size=(512, 40)).astype(np.float32), "x")
    w = g.variable(RNG.normal(size=(40, 64)).astype(np.float32), "w")
    h = x @ w
    rest, _, variance = moments(h, 0)
    loss = (rest * (variance + 1e-5).rsqrt()).tanh().sum()
    plan = Code(Graph({"loss": loss.node, "gradient": g.grad(loss, w).node}), host_isa()).plan
    assert kernels_over(plan, 512 * 64) == 5


def test_last_sums_of_the_partial_sums_of_one_kernel_are_one_kernel() -> None:
    """Of 64 parts of Σd and of Σd² each."""
    x = g.variable(RNG.normal(size=(64, 4_096, 8)).astype(np.float32), "x")
    plan = Code(graph_of(*moments(x, (0, 1))[1:]), host_isa()).plan
    sums = [
        sum(member.node.op == "sum" for member in kernel.members)
        for level in plan.levels
        for kernel in level
    ]
    assert sums == [1, 1, 2, 2]
