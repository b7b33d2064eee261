"""Terms of sums that are merged, and concatenations that are written in place."""

from __future__ import annotations

import numpy as np
import pytest

import pellucid as pel
from pellucid import graph as g
from pellucid import nn
from pellucid.compile.passes.merge import merge_terms
from pellucid.compile.passes.simplify import simplify
from pellucid.compile.plan.planner import Plan, make_plan
from pellucid.compile.plan.verify import verify
from pellucid.graph import Graph, Tensor
from tests.compile.closeness import difference

rng = np.random.default_rng(0)


def _variable(*shape: int) -> Tensor:
    return g.variable(rng.normal(size=shape).astype(np.float32), "x")


def _gradient(x: Tensor, parts: list[Tensor]) -> Graph:
    loss = sum(((part * (i + 1)).tanh().sum() for i, part in enumerate(parts)), pel.tensor(0.0))
    return Graph({"y": pel.grad(loss, x).node})


def _count(graph: Graph, op: str) -> int:
    return sum(node.op == op for node in merge_terms(simplify(graph)).nodes)


def _plan(graph: Graph) -> Plan:
    return make_plan(merge_terms(simplify(graph)))


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (2, 0, 3, 1), (3, 2, 1, 0)])
@pytest.mark.parametrize("axis", [0, 1])
def test_the_gradient_of_parts_is_their_concatenation(order: tuple[int, ...], axis: int) -> None:
    x = _variable(20, 20)
    cuts = [slice(5 * i, 5 * i + 5) for i in order]
    graph = _gradient(x, [x[cut] if axis == 0 else x[:, cut] for cut in cuts])
    assert _count(graph, "pad") == 0
    assert _count(graph, "concatenate") == 1
    assert not difference(graph)


def test_rows_are_stacked() -> None:
    x = _variable(6, 3, 4)
    graph = _gradient(x, [x[i] for i in range(6)])
    assert _count(graph, "pad") == 0
    assert not difference(graph)


def test_what_nobody_takes_stays_zero() -> None:
    x = _variable(20, 3)
    graph = _gradient(x, [x[2:5], x[5:9], x[12:14]])
    assert _count(graph, "pad") == 2
    assert not difference(graph)


def test_parts_that_overlap_are_added() -> None:
    x = _variable(20, 3)
    graph = _gradient(x, [x[0:8], x[4:20], x[8:20]])
    assert _count(graph, "pad") >= 2
    assert not difference(graph)


def _chain(weight: Tensor, h: Tensor, steps: int) -> Tensor:
    for _ in range(steps):
        h = (h @ weight).tanh()
    return h.sum()


@pytest.mark.parametrize(("steps", "products"), [(2, 3 + 2), (6, 11 + 1)])
def test_the_gradient_of_a_shared_weight_is_one_product(steps: int, products: int) -> None:
    """Forward products, those that take the gradient back, and those of the weight's gradient."""
    weight, h = _variable(16, 16), _variable(8, 16)
    graph = Graph({"y": pel.grad(_chain(weight, h, steps), weight).node})
    assert _count(graph, "matmul") == products
    assert not difference(graph)


def test_deep_products_are_left_apart() -> None:
    """Putting operands together would move more memory than the products that it saves."""
    weight = _variable(4, 4)
    graph = Graph({"y": pel.grad(_chain(weight, _variable(64, 4), 6), weight).node})
    assert _count(graph, "concatenate") == 0
    assert not difference(graph)


def _recurrent(net: nn.Module, shape: tuple[int, int, int]) -> Graph:
    net.build(shape[1:])
    y = net(_variable(*shape)).square().sum()
    weights = [parameter for _, parameter in net.named_parameters()]
    return Graph({str(i): t.node for i, t in enumerate(pel.grad(y, weights))})


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU])
@pytest.mark.parametrize("output", ["last", "sequence"])
@pytest.mark.parametrize(("batch", "units"), [(3, 5), (16, 16), (8, 24)])
def test_recurrent_networks(kind: type[nn.LSTM], output: str, batch: int, units: int) -> None:
    net = kind(units, output=output)  # type: ignore[arg-type]
    graph = _recurrent(net, (batch, 7, 4))
    verify(_plan(graph))
    assert not difference(graph)


def test_parts_are_written_to_their_place() -> None:
    plan = _plan(_recurrent(nn.LSTM(16), (16, 7, 4)))
    assert plan.parts
    wholes = {part.whole for parts in plan.parts.values() for part in parts}
    assert not wholes & {node for level in plan.levels for k in level for node in k.nodes()}


def test_a_part_that_is_missing_is_noticed() -> None:
    plan = _plan(_recurrent(nn.LSTM(16), (16, 7, 4)))
    del plan.parts[next(iter(plan.parts))]
    with pytest.raises(ValueError, match="do not make it whole"):
        verify(plan)


def test_a_whole_that_is_read_too_early_is_noticed() -> None:
    plan = _plan(_recurrent(nn.LSTM(16), (16, 7, 4)))
    plan.levels.reverse()
    with pytest.raises(ValueError, match="which is not in the arena"):
        verify(plan)
