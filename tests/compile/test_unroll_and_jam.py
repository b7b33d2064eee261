"""Loops that are unrolled and jammed."""

from __future__ import annotations

import numpy as np
import pytest

import pellucid as pel
from pellucid import graph as g
from pellucid.compile.code import Code
from pellucid.compile.emit.layout import NestLayout
from pellucid.compile.emit.unroll_and_jam import Unroll, substitutions
from pellucid.compile.native.isa import isa_named
from pellucid.graph import Graph, Tensor
from tests.compile.closeness import difference

rng = np.random.default_rng(0)


def _variable(*shape: int) -> Tensor:
    return g.variable(rng.normal(size=shape).astype(np.float32), "x")


def _depthwise(channels: int, stride: int, size: int = 3, batch: int = 2) -> dict[str, Graph]:
    """A depthwise convolution, its gradient by the image with sums of it, and by the kernel."""
    x, w = _variable(batch, 8, 12, channels), _variable(size, size, 1, channels)
    half = size // 2
    y = g.convolve(x.pad((0, half, half, 0), (0, half, half, 0)), w, stride, groups=channels)
    by_x, by_w = pel.grad(y.square().sum(), [x, w])
    activated = (by_x * x.relu()).tanh()
    return {
        "forward": Graph({"y": y.node}),
        "by image": Graph({"y": activated.node, "sum": activated.sum((0, 1, 2)).node}),
        "by kernel": Graph({"y": by_w.node}),
    }


@pytest.mark.parametrize("part", ["forward", "by image", "by kernel"])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize(("channels", "size"), [(32, 3), (64, 3), (37, 3), (6, 5), (3, 3)])
def test_depthwise_convolutions(channels: int, size: int, stride: int, part: str) -> None:
    assert not difference(_depthwise(channels, stride, size)[part])


def _unrolls(graph: Graph, isa: str = "avx512") -> list[tuple[tuple[int, ...], bool]]:
    """The factors of the nests that are unrolled and jammed, and whether the loops are reductions."""
    levels = Code(graph, isa_named(isa)).levels
    layouts = [emitted.schedule.layout for level in levels for emitted in level]
    return [
        (tuple(unroll.factor for unroll in layout.unrolls), layout.unrolls[0].reduction)
        for layout in layouts
        if isinstance(layout, NestLayout) and layout.unrolls
    ]


def test_neighbours_share_what_their_windows_read() -> None:
    assert _unrolls(_depthwise(32, 1)["forward"]) == [((4,), False)]


def test_positions_of_a_window_share_the_gradient() -> None:
    """Where the sum over the batch is a loop of its own, because the batch is large."""
    assert ((3, 3), False) in _unrolls(_depthwise(32, 1, batch=64)["by kernel"])
    assert ((3, 3), False) in _unrolls(_depthwise(32, 1, batch=64)["by kernel"], "avx2")


def test_what_is_read_once_is_left_alone() -> None:
    x = _variable(64, 16, 16, 32)
    assert not _unrolls(Graph({"y": (x.relu() * _variable(32)).node, "sum": x.sum((0, 1)).node}))


def _repeated(n: int, factors: int, double: bool) -> Graph:
    """A sum over rows of products with values that are the same for n / 2 neighbours."""
    kind = np.float64 if double else np.float32
    total = g.variable(rng.normal(size=(2, n, 4)).astype(kind), "x")
    for _ in range(factors):
        d = g.variable(rng.normal(size=(2, 4)).astype(kind), "d").reshape(2, 1, 1, 4)
        total = total * d.broadcast_to((2, n // 2, 2, 4)).reshape(2, n, 4)
    return Graph({"sum": total.sum(1).node, "mean": (total * 0.5).sum(0).node})


@pytest.mark.parametrize("double", [False, True])
@pytest.mark.parametrize("factors", [1, 3, 4, 6])
@pytest.mark.parametrize("n", [2, 8, 16, 20, 24, 32, 36, 40, 64, 96])
def test_a_jammed_loop_whose_remaining_iterations_are_unrolled(
    n: int, factors: int, double: bool
) -> None:
    """Every element is summed once, if the remaining iterations are unrolled completely."""
    assert not difference(_repeated(n, factors, double))


def test_remaining_iterations_precede_jammed_ones() -> None:
    """24 iterations as 6 unrolled completely and 4 jammed are 24 different indices."""
    copies = substitutions([Unroll(1, 6, 1, True), Unroll(1, 4, 6, True)])
    assert sorted(where[1].constant for where in copies) == list(range(24))
