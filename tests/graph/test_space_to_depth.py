"""Strided convolutions over blocks: the values and gradients of the strided op, without a stride."""

from __future__ import annotations

import numpy as np
import pytest

from pellucid import graph as g
from pellucid.graph import Graph, Tensor
from pellucid.graph.gradient import gradients
from pellucid.graph.space_to_depth import depth_to_space, divides, space_to_depth

Case = tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...], int]
"""Lengths, sizes of the kernel, strides, groups."""
CASES: tuple[Case, ...] = (
    ((9,), (4,), (2,), 1),
    ((12, 11), (4, 4), (2, 2), 1),
    ((8, 10), (2, 2), (2, 2), 2),
    ((13, 7), (6, 3), (3, 1), 1),
    ((5, 6, 7), (2, 4, 1), (2, 2, 1), 1),
    ((3, 9), (4, 2), (2, 2), 1),
)


def _value(tensor: Tensor) -> g.Array:
    value: g.Array = g.Reference().build(Graph({"y": tensor.node})).run(1)["y"][0]
    return value


def _operands(case: Case) -> tuple[Tensor, Tensor]:
    lengths, sizes, _, groups = case
    dice = np.random.default_rng(0)
    x = g.variable(dice.normal(size=(2, *lengths, 3 * groups)), "x")
    return x, g.variable(dice.normal(size=(*sizes, 3, 2 * groups)), "w")


def test_blocks_and_back() -> None:
    x = np.arange(2 * 4 * 6 * 1 * 5, dtype=np.float64).reshape(2, 4, 6, 1, 5)
    blocks = space_to_depth(g.tensor(x), (2, 3))
    assert blocks.shape == (2, 2, 2, 1, 30)
    first = _value(blocks)[1, 0, 1, 0].reshape(2, 3, 5)
    assert np.array_equal(first, x[1, 0:2, 3:6, 0])
    assert np.array_equal(_value(depth_to_space(blocks, (2, 3))), x)


@pytest.mark.parametrize("case", CASES)
def test_as_the_strided_op(case: Case) -> None:
    lengths, sizes, stride, groups = case
    x, w = _operands(case)
    y = g.convolve(x, w, stride=stride, groups=groups)
    assert all(
        max(n.attrs["stride"]) == 1 for n in Graph({"y": y.node}).nodes if n.op == "convolve"
    )
    rank = len(sizes)
    signal = x.reshape(2, *lengths, groups, 3)
    kernel = w.reshape(*sizes, 3, groups, 2).transpose(*range(rank), rank + 1, rank, rank + 2)
    op = signal.apply("convolve", kernel, stride=stride, dilation=(1,) * rank).reshape(y.shape)
    assert np.allclose(_value(y), _value(op), rtol=1e-12, atol=1e-12)
    for ours, theirs in zip(
        gradients((y * y).sum(), [x, w]), gradients((op * op).sum(), [x, w]), strict=True
    ):
        assert np.allclose(_value(ours), _value(theirs), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("case", CASES[:5])
def test_transposed_is_the_adjoint(case: Case) -> None:
    """⟨convolve(x), y⟩ = ⟨x, convolve_transposed(y)⟩."""
    lengths, sizes, stride, groups = case
    x, w = _operands(case)
    y = g.convolve(x, w, stride=stride, groups=groups)
    rank = len(sizes)
    dice = np.random.default_rng(1)
    other = g.variable(dice.normal(size=y.shape), "other")
    back = w.reshape(*sizes, 3, groups, 2).transpose(*range(rank), rank + 2, rank + 1, rank)
    spread = g.convolve_transposed(
        other, back.reshape(*sizes, 2, 3 * groups), lengths, stride=stride, groups=groups
    )
    left, right = _value((y * other).sum()), _value((x * spread).sum())
    assert np.allclose(left, right, rtol=1e-12)


def test_only_whole_blocks_without_dilation() -> None:
    assert divides((2, 2), (1, 1), (4, 2))
    assert not divides((1, 1), (1, 1), (3, 3))
    assert not divides((2, 2), (1, 1), (3, 3))
    assert not divides((2, 2), (2, 1), (4, 4))


def test_without_rows() -> None:
    x = g.variable(np.zeros((0, 8, 8, 3)), "x")
    w = g.variable(np.zeros((4, 4, 3, 5)), "w")
    y = g.convolve(x, w, stride=2)
    assert y.shape == (0, 3, 3, 5) and _value(y).shape == y.shape
    (dw,) = gradients(y.sum(), [w])
    assert np.array_equal(_value(dw), np.zeros((4, 4, 3, 5)))
