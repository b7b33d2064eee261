"""Products in the form in which they are read, and what follows them."""

from __future__ import annotations

import numpy as np
import pytest

import pellucid as pel
from pellucid import graph as g
from pellucid.compile.code import Code
from pellucid.compile.native.isa import host_isa
from pellucid.compile.passes.contraction_layout import lay_out_contractions
from pellucid.compile.passes.merge import merge_terms
from pellucid.compile.passes.simplify import simplify
from pellucid.compile.plan.index import (
    Axis,
    Index,
    Quotient,
    Remainder,
    lane_stride,
    periods,
    repeat_length,
)
from pellucid.compile.plan.kernels import computed_nodes
from pellucid.compile.plan.planner import make_plan
from pellucid.graph import Graph, Tensor
from tests.compile.closeness import difference

rng = np.random.default_rng(0)


def _variable(*shape: int) -> Tensor:
    return g.variable(rng.normal(size=shape).astype(np.float32), "x")


def _products(graph: Graph) -> list[tuple[int, ...]]:
    return [
        node.shape for node in lay_out_contractions(simplify(graph)).nodes if node.op == "matmul"
    ]


def _kernels(graph: Graph) -> list[list[str]]:
    levels = Code(graph, host_isa()).levels
    return [[n.op for n in computed_nodes(e.kernel)] for level in levels for e in level]


def test_what_follows_a_layer_on_sequences_is_applied_to_its_tiles() -> None:
    x, w, b = _variable(5, 7, 12), _variable(12, 20), _variable(20)
    graph = Graph({"y": (x @ w + b).relu().node})
    assert _products(graph) == [(5, 7, 20)]
    assert len(_kernels(graph)) == 1
    assert not difference(graph)


@pytest.mark.parametrize("shape", [(4, 9, 8), (2, 2, 9, 8), (36, 2, 4), (9, 32)])
def test_other_shapes_of_a_product(shape: tuple[int, ...]) -> None:
    """Only rows may be cut by a reshape, not columns."""
    y = _variable(36, 6) @ _variable(6, 8)
    graph = Graph({"y": y.reshape(*shape).exp().node})
    assert _products(graph) == [shape if shape[-1] == 8 else (36, 8)]
    assert not difference(graph)


def test_a_product_that_is_read_in_two_shapes_is_computed_once() -> None:
    y = _variable(36, 6) @ _variable(6, 8)
    for other in (y, y.reshape(6, 6, 8)):
        graph = Graph({"a": y.reshape(4, 9, 8).exp().node, "b": other.tanh().node})
        assert _products(graph) == [(36, 8)]
        assert not difference(graph)


def test_a_product_that_is_a_result_keeps_its_shape() -> None:
    y = _variable(36, 6) @ _variable(6, 8)
    graph = Graph({"y": y.node, "z": y.reshape(4, 9, 8).exp().node})
    assert _products(graph) == [(36, 8)]
    assert not difference(graph)


@pytest.mark.parametrize("batch", [(), (3,), (2, 3)])
def test_a_product_that_is_read_transposed(batch: tuple[int, ...]) -> None:
    y = _variable(*batch, 5, 6) @ _variable(*batch, 6, 40)
    swap = (*range(len(batch)), len(batch) + 1, len(batch))
    graph = Graph({"y": (y.transpose(swap) * 2.0).node})
    assert _products(graph) == [(*batch, 40, 5)]
    assert len(_kernels(graph)) == 1
    assert not difference(graph)


def test_parts_that_are_transposed_are_written_to_their_place() -> None:
    """The gradient of attention's queries, keys and values, which were cut from one product."""
    x, w = _variable(2, 8, 24), _variable(24, 72)
    parts = (x @ w).reshape(2, 8, 3, 4, 6).transpose((2, 0, 3, 1, 4))
    q, k, v = parts[0], parts[1], parts[2]
    seen = g.softmax(q @ k.transpose((0, 1, 3, 2))) @ v
    graph = Graph({"w": pel.grad((seen * seen).sum(), w).node})
    assert make_plan(lay_out_contractions(merge_terms(simplify(graph)))).parts
    assert not difference(graph)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_rows_of_a_product_that_is_a_part_are_not_taken_for_one_line(axis: int) -> None:
    parts = [_variable(3, 4, 5) @ _variable(5, 16) for _ in range(2)]
    whole = pel.concatenate(parts, axis)
    graph = Graph({"y": (whole @ _variable(whole.shape[-1], 7)).node})
    assert make_plan(lay_out_contractions(simplify(graph))).parts
    assert not difference(graph)


@pytest.mark.parametrize("rows", [1, 13, 300])
def test_what_an_epilogue_reads_from_far_is_asked_for_first(rows: int) -> None:
    x, w, z = _variable(rows, 8), _variable(8, 512), _variable(rows, 512)
    graph = Graph({"y": ((x @ w) * (z > 0)).node})
    assert not difference(graph)
    text = Code(graph, host_isa()).text
    assert ("llvm.prefetch" in text) == (rows * 512 * 4 >= 262_144)


def test_how_long_an_index_stands_still() -> None:
    """(i / 32) mod 3 moves every 32 steps and begins anew every 96."""
    outer = Index(0, ((Quotient(Index(0, ((Axis(0, 960), 1),)), 32), 1),))
    index = Index(0, ((Remainder(outer, 3), 1),))
    values = [(i // 32) % 3 for i in range(960)]
    assert repeat_length(index, 0) == next(i for i in range(960) if values[i] != values[0]) == 32
    assert periods(index, 0) == {32, 96}
    assert lane_stride(index, 0, 16) == 0 and lane_stride(index, 0, 64) is None
