"""The contraction generator: any shapes, strides, batches and tilings, against NumPy in float64."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pellucid import graph as g
from pellucid.compile import program
from pellucid.compile.emit.panels import transposed
from pellucid.compile.loop.builder import Builder
from pellucid.compile.loop.ir import Instruction, Type, Value
from pellucid.compile.machine import Machine, collides
from pellucid.compile.native.cache import ObjectCache
from pellucid.compile.native.isa import host_isa
from pellucid.compile.program import NativeProgram
from pellucid.compile.tile import contraction
from pellucid.compile.tile.tiles import Tiling
from pellucid.graph import Array, Graph, Tensor

LENGTHS = (1, 1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 31, 33, 47, 64, 65, 100)
DEPTHS = (0, 1, 2, 3, 4, 7, 8, 13, 16, 19, 32, 35, 64, 77)
VECTORS = ((16, 32), (8, 16), (4, 16), (4, 32))
"""Lanes and registers of the instruction sets."""


def _operand(
    rng: np.random.Generator, batch: tuple[int, ...], shape: tuple[int, int], dtype: Any
) -> Tensor:
    """A tensor whose elements lie in memory in some other way than its shape says."""
    form = rng.integers(7)
    own = tuple(1 if rng.random() < 0.3 else n for n in batch)
    rows, columns = shape

    def leaf(*shape: int) -> Tensor:
        return g.variable(rng.standard_normal(shape).astype(dtype), "x")

    if form == 0:
        made = leaf(*own, columns, rows).swap_axes(-1, -2)
    elif form == 1:
        made = leaf(*own, 2 * rows + 1, columns + 3)[..., 1 : 2 * rows + 1 : 2, 2 : columns + 2]
    elif form == 2:
        made = leaf(*own, rows, columns).flip((len(own), len(own) + 1))
    elif form == 3:
        made = leaf(rows, *own, columns).transpose(*range(1, len(own) + 1), 0, len(own) + 1)
    elif form == 4:
        made = leaf(*own, rows * columns).reshape(*own, rows, columns)
    elif form == 5:
        made = leaf(*own, rows, columns).tanh()
    else:
        made = leaf(*own, rows, columns)
    return made.broadcast_to((*batch, rows, columns))


def _product(seed: int, dtype: Any) -> tuple[Graph, Array, Array]:
    """A product with something after it; what it should be, and the size of what is summed."""
    rng = np.random.default_rng(seed)
    m, n, k = rng.choice(LENGTHS), rng.choice(LENGTHS), rng.choice(DEPTHS)
    batch = tuple(int(rng.choice((1, 2, 3))) for _ in range(rng.integers(3)))
    a, b = _operand(rng, batch, (m, k), dtype), _operand(rng, batch, (k, n), dtype)
    bias = g.variable(rng.standard_normal(n).astype(dtype), "b")
    left, right = (x.numpy().astype(np.longdouble) for x in (a, b))
    wanted, size = left @ right, np.abs(left) @ np.abs(right)
    after = rng.integers(3)
    y = a @ b
    if after == 1:
        y = (y + bias).relu()
        shifted = wanted + bias.numpy()
        wanted, size = np.maximum(shifted, 0), size + np.abs(bias.numpy())
    elif after == 2:
        rows = g.variable(rng.standard_normal((m, 1)).astype(dtype), "r")
        y, wanted, size = y * rows, wanted * rows.numpy(), size * np.abs(rows.numpy())
    return Graph({"y": y.node}), wanted, size


def _check(program: NativeProgram, wanted: Array, size: Array, depth: int) -> None:
    actual = program.run(1)["y"][0]
    tolerance = (depth + 4) * np.finfo(actual.dtype).eps * size + 1e-300
    bad = ~(np.abs(actual - wanted) <= tolerance)
    assert not bad.any(), (np.argwhere(bad)[:3], actual[bad][:3], wanted[bad][:3])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("first", range(0, 60, 20))
def test_products(first: int, dtype: Any) -> None:
    for seed in range(first, first + 20):
        graph, wanted, size = _product(seed, dtype)
        _check(NativeProgram(graph, 1 + seed % 3), wanted, size, 77)


@pytest.mark.parametrize("vectors", VECTORS)
def test_products_with_any_vectors(
    vectors: tuple[int, int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Lanes and registers of other machines: the sums are right, only slower."""
    isa = replace(host_isa(), lanes=vectors[0], registers=vectors[1])
    monkeypatch.setattr(program, "host_isa", lambda: isa)
    for seed in range(100, 115):
        graph, wanted, size = _product(seed, (np.float32, np.float64)[seed % 2])
        _check(NativeProgram(graph, cache=ObjectCache(tmp_path)), wanted, size, 77)


def _any_tiling(seed: int) -> Callable[..., Tiling]:
    rng = np.random.default_rng(seed)

    def chosen(
        rows_of: tuple[int, int, int],
        sums: tuple[int, int],
        batch: int,
        row_bytes: int,
        b_steps: tuple[int, int],
        machine: Machine,
        after: int,
    ) -> Tiling:
        fitting = [(r, v) for r in range(1, 25) for v in (1, 2, 3, 4) if machine.holds(r, v)]
        rows, vectors = fitting[rng.integers(len(fitting))]
        outer, _, columns = rows_of
        width = vectors * machine.lanes
        return Tiling(
            rows,
            vectors,
            block=int(rng.integers(1, max(sums[0], 1) + 1)),
            outer_block=int(rng.integers(1, outer + 1)),
            row_block=rows * int(rng.integers(1, 4)),
            panel_block=int(rng.integers(1, 4)),
            pack=bool(b_steps[0] != 1 or columns % width or rng.random() < 0.5),
        )

    return chosen


@pytest.mark.parametrize("vectors", VECTORS[:3])
@pytest.mark.parametrize("first", [1000, 1020])
def test_any_tiling(
    first: int, vectors: tuple[int, int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Sums cut into blocks, tasks of every shape, tiles of every height and width."""
    isa = replace(host_isa(), lanes=vectors[0], registers=vectors[1])
    monkeypatch.setattr(program, "host_isa", lambda: isa)
    for seed in range(first, first + 20):
        monkeypatch.setattr(contraction, "tiling", _any_tiling(seed))
        graph, wanted, size = _product(seed, (np.float32, np.float64)[seed % 2])
        _check(NativeProgram(graph, 2, ObjectCache(tmp_path / str(seed))), wanted, size, 77)


def test_convolutions_with_any_tiling(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for seed in range(24):
        rng = np.random.default_rng(seed)
        monkeypatch.setattr(contraction, "tiling", _any_tiling(seed))
        channels, outputs = int(rng.choice((1, 3, 8))), int(rng.choice((1, 5, 16, 33)))
        x = g.variable(rng.standard_normal((2, 9, 11, channels)).astype(np.float32), "x")
        w = g.variable(rng.standard_normal((3, 2, channels, outputs)).astype(np.float32), "w")
        stride, dilation = rng.integers(1, 3, 2).tolist(), rng.integers(1, 3, 2).tolist()
        wide, deep = (v.numpy().astype(np.float64) for v in (x, w))

        def convolved(x: Array, w: Array, s: Any = stride, d: Any = dilation) -> Array:
            """The definition, window by window."""
            reach = [d[0] * 2, d[1]]
            lengths = [(n - r - 1) // t + 1 for n, r, t in zip(x.shape[1:3], reach, s, strict=True)]
            out = np.zeros((x.shape[0], *lengths, w.shape[-1]))
            for i in range(lengths[0]):
                for j in range(lengths[1]):
                    top, left = i * s[0], j * s[1]
                    seen = x[:, top : top + reach[0] + 1 : d[0], left : left + reach[1] + 1 : d[1]]
                    out[:, i, j] = np.tensordot(seen, w, 3)
            return out

        graph = Graph({"y": g.convolve(x, w, stride, dilation).node})
        size = convolved(np.abs(wide), np.abs(deep))
        made = NativeProgram(graph, 2, ObjectCache(tmp_path / str(seed)))
        _check(made, convolved(wide, deep), size, 6 * channels)


@pytest.mark.parametrize(
    ("m", "n", "k"),
    [(1, 1, 5000), (3, 200, 2500), (130, 17, 2049), (257, 129, 4100), (1, 4099, 3), (2000, 1, 3)],
)
def test_long_sums_and_lopsided_shapes(m: int, n: int, k: int) -> None:
    """Beyond what is packed at a time."""
    rng = np.random.default_rng(m + n + k)
    left = rng.standard_normal((m, k)).astype(np.float32)
    right = rng.standard_normal((n, k)).astype(np.float32)
    graph = Graph({"y": (g.variable(left, "a") @ g.variable(right, "b").T).node})
    exact = left.astype(float) @ right.T.astype(float)
    size = np.abs(left).astype(float) @ np.abs(right.T).astype(float)
    _check(NativeProgram(graph, 2), exact, size, 64)


def test_nothing_beyond_an_operand_is_read() -> None:
    """Neighbours in memory are NaN: were one multiplied, even by 0, a sum would show it."""
    for m, n, k in ((5, 7, 3), (16, 16, 16), (33, 31, 9), (1, 40, 6)):
        around = np.full((m + 4, k + 4), np.nan, np.float32)
        other = np.full((k + 4, n + 4), np.nan, np.float32)
        around[2:-2, 2:-2], other[2:-2, 2:-2] = 1.0, 2.0
        a, b = g.variable(around, "a")[2:-2, 2:-2], g.variable(other, "b")[2:-2, 2:-2]
        for x, y in ((a, b), (b.T, a.T)):
            actual = NativeProgram(Graph({"y": (x @ y).node})).run(1)["y"]
            assert (actual == 2.0 * k).all()


@pytest.mark.parametrize("lanes", [1, 2, 4, 8, 16])
def test_squares_are_transposed_in_registers(lanes: int) -> None:
    """By the meaning of each shuffle that is written."""
    b = Builder("square", [])
    rows = [Value(Type("f32", lanes), f"r{i}") for i in range(lanes)]
    held = {row.name: [(i, j) for j in range(lanes)] for i, row in enumerate(rows)}
    actual = transposed(b, list(rows))
    for item in b.function.body.items:
        assert isinstance(item, Instruction) and isinstance(item.detail, tuple)
        assert item.result is not None
        pool = held[item.args[0].name] + held[item.args[1].name]
        held[item.result.name] = [pool[i] for i in item.detail]
    for i, row in enumerate(actual):
        assert held[row.name] == [(j, i) for j in range(lanes)]


def test_tiles_fit_the_registers() -> None:
    for lanes, registers in VECTORS:
        machine = Machine(lanes, registers)
        for m in (1, 5, 32, 1000):
            for n in (1, 10, 128, 3000):
                rows, vectors = machine.tile(m, n, 512)
                assert 1 <= rows <= 24 and rows * vectors + vectors + 1 <= registers


def test_rows_that_drive_each_other_out_of_the_cache() -> None:
    assert collides(9, 4096) and not collides(8, 4096) and not collides(24, 4096 + 64)


@pytest.mark.parametrize("depth", [784, 5000, 40_000])
def test_long_sums_lose_no_more_than_a_good_library_does(depth: int) -> None:
    """One chain of roundings would lose 0.3 √depth units; PyTorch and OpenBLAS lose 4 to 5."""
    rng = np.random.default_rng(depth)
    a, b = (rng.normal(size=shape).astype(np.float32) for shape in ((31, depth), (depth, 33)))
    (actual,) = NativeProgram(Graph({"c": (g.variable(a, "a") @ g.variable(b, "b")).node})).run(1)[
        "c"
    ]
    exact = a.astype(np.float64) @ b.astype(np.float64)
    lost = np.sqrt(np.mean((actual - exact) ** 2)) / np.sqrt(depth) / 2.0**-24
    assert lost < 6
