"""Every kernel knows the layers that it computes, and an error of memory names one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from pellucid import graph as g
from pellucid import nn, optim
from pellucid.compile.code import Code
from pellucid.compile.native.arena import ArenaError
from pellucid.compile.native.isa import host_isa
from pellucid.compile.passes.merge import merge_terms
from pellucid.compile.passes.padding import compute_into_padding
from pellucid.compile.passes.simplify import simplify
from pellucid.compile.passes.split import split_reductions
from pellucid.compile.plan.kernels import computed_nodes
from pellucid.compile.program import NativeProgram
from pellucid.graph import Graph
from pellucid.train.steps.supervised import supervised_step


def training(net: nn.Module, *shape: int) -> Graph:
    """A step of training on 16 rows of two classes."""
    x, y = np.ones((16, *shape), np.float32), np.zeros(16, np.int32)
    net.build(x[:1])
    return supervised_step(net, nn.CrossEntropy(), optim.Adam(), (x, y), 16, 0).graph


def perceptron() -> Graph:
    net = nn.Sequential(
        first=nn.Linear(24), norm=nn.BatchNorm(), bend=nn.ReLU(), drop=nn.Dropout(0.5)
    )
    return training(nn.Sequential(body=net, last=nn.Linear(2)), 12)


def images() -> Graph:
    path = nn.Sequential(nn.Conv2d(4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 3, padding=1))
    return training(nn.Sequential(nn.Residual(path), nn.GlobalAveragePool(), nn.Linear(2)), 8, 8, 4)


def recurrent() -> Graph:
    return training(nn.Sequential(nn.LSTM(8, output="last"), nn.Linear(2)), 5, 3)


@pytest.mark.parametrize("make", [perceptron, images, recurrent])
def test_no_pass_forgets_where_a_node_comes_from(make: Callable[[], Graph]) -> None:
    graph = make()
    for change in (simplify, merge_terms, split_reductions, compute_into_padding):
        graph = change(graph)
        for node in graph.nodes:
            if node.inputs:
                assert node.origin, (change.__name__, node)


def test_layers_their_gradients_and_updates_are_found_in_the_kernels() -> None:
    levels = Code(perceptron(), host_isa()).levels
    kernels = [emitted.kernel for level in levels for emitted in level]
    origins = [{node.origin for node in computed_nodes(kernel)} for kernel in kernels]
    wanted = {"Linear 'body.first'", "BatchNorm 'body.norm'", "ReLU 'body.bend'", "loss", "update"}
    wanted |= {"Dropout 'body.drop'", "∂ Linear 'last'", "∂ BatchNorm 'body.norm'", "∂ loss"}
    assert wanted <= set().union(*origins)
    products = [
        {node.origin for node in computed_nodes(kernel) if node.op == "matmul"}
        for kernel in kernels
        if kernel.kind == "contraction"
    ]
    assert products.count({"Linear 'last'"}) == 1
    assert products.count({"∂ Linear 'last'"}) == 2  # of the weights and of what comes in
    assert products.count({"∂ Linear 'body.first'"}) == 1  # nothing comes in but the data


def test_what_does_not_fit_is_named_with_its_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    net = nn.Sequential(small=nn.Linear(8), wide=nn.Linear(700), last=nn.Linear(2)).build(4)
    x = g.placeholder("x", (100, 4), np.float32)
    graph = Graph({"y": net(x).node})
    NativeProgram(graph, 1)

    def refused(*args: object) -> None:
        raise MemoryError

    monkeypatch.setattr(np, "zeros", refused)
    with pytest.raises(ArenaError) as caught:
        NativeProgram(graph, 1)
    said = str(caught.value)
    assert "bytes for the values of a program are more than there is" in said
    assert "The largest value, 280,000 bytes, is the " in said
    assert said.endswith("of Linear 'wide', float32[100, 700].")


def test_a_layer_whose_weights_do_not_fit_is_named() -> None:
    net = nn.Sequential(small=nn.Linear(2**18), huge=nn.Linear(2**40))
    with pytest.raises(MemoryError) as caught:
        net.build(4)
    assert caught.value.__notes__ == ["in Linear 'huge', with input (batch, 262144)"]
    with pytest.raises(ValueError, match="no parameters yet"):
        net.parameters()
