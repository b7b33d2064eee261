"""Every op that is not elementwise, compiled, in every type it takes, against the reference."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest

from pellucid import graph as g
from pellucid.compile.program import NativeProgram
from pellucid.graph import Array, Graph, Tensor
from pellucid.graph.dtype import FLOAT32, FLOAT64, INT32, INT64, ORDER, DType
from pellucid.graph.op import TABLE
from tests.compile.closeness import difference, native, reference
from tests.compile.test_elementwise import ELEMENTWISE, specials
from tests.graph.cases import CASES, Case

_rng = np.random.default_rng(5)
FLOATS = (FLOAT32, FLOAT64)
NUMBERS = ORDER[1:]
Shape = tuple[int, ...]
Make = Callable[[Tensor], Tensor]


def values(shape: Shape, dtype: DType) -> Array:
    """Every special value of the type somewhere, or small numbers if the array is small."""
    array = np.resize(_rng.permutation(specials(dtype)), shape)
    if dtype.kind == "f":
        ordinary = _rng.standard_normal(shape).astype(dtype)
        return np.where(_rng.random(shape) < 0.1, array, ordinary).astype(dtype)
    return array.astype(dtype)


def tame(shape: Shape, dtype: DType) -> Array:
    """Values whose sums are finite."""
    if dtype.kind == "f":
        return _rng.standard_normal(shape).astype(dtype)
    return _rng.integers(0, 2 if dtype.kind == "b" else 100, shape).astype(dtype)


def op(name: str, **attrs: Any) -> Make:
    return lambda x: Tensor(g.apply(name, [x.node], **attrs))


MOVES: tuple[tuple[str, Shape, Make], ...] = (
    ("reshape", (6, 4), op("reshape", shape=(3, 8))),
    ("reshape", (0, 4), op("reshape", shape=(2, 0, 3))),
    ("reshape", (5, 7), op("reshape", shape=(7, 1, 5))),
    ("reshape", (), op("reshape", shape=(1, 1))),
    ("transpose", (3, 5, 7), op("transpose", order=(2, 0, 1))),
    ("transpose", (33, 17), op("transpose", order=(1, 0))),
    ("broadcast", (1, 5), op("broadcast", shape=(2, 3, 5))),
    ("broadcast", (), op("broadcast", shape=(3, 19))),
    ("broadcast", (1,), op("broadcast", shape=(0,))),
    ("slice", (40,), op("slice", start=(3,), stop=(38,), step=(3,))),
    ("slice", (5, 9), op("slice", start=(1, 2), stop=(5, 2), step=(1, 1))),
    ("slice", (4, 33), op("slice", start=(1, 0), stop=(4, 33), step=(2, 2))),
    ("pad", (3, 4), op("pad", before=(1, 0), after=(2, 3), interior=(2, 1), value=1)),
    ("pad", (0, 3), op("pad", before=(2, 0), after=(1, 0), interior=(0, 0), value=0)),
    ("pad", (35,), op("pad", before=(1,), after=(1,), interior=(0,), value=0)),
    ("flip", (3, 21), op("flip", axes=(0, 1))),
    ("flip", (37,), op("flip", axes=(0,))),
    ("windows", (2, 9, 3), op("windows", axes=(1,), sizes=(3,), steps=(2,), dilations=(2,))),
    ("concatenate", (3, 7), lambda x: g.concatenate([x, x[:, :0], x.flip((1,)), x], 1)),
    ("concatenate", (5,), lambda x: g.concatenate([x, x], 0)),
    ("take", (9, 20), lambda x: x.take(np.array([[8, 0], [3, 3]]))),
    ("take", (4, 9, 3), lambda x: x.take(np.array([2, 8, 1]), 1)),
    ("take", (3, 40), lambda x: x.take(np.arange(39, -1, -1), 1)),
    ("stop_gradient", (5, 7), op("stop_gradient")),
)


@pytest.mark.parametrize("move", MOVES, ids=lambda m: f"{m[0]}{m[1]}")
def test_moves(move: tuple[str, Shape, Make]) -> None:
    """Bits are moved as they are: NaN, infinities, −0 and the ends of the integers as well."""
    made = {t.name: move[2](g.variable(values(move[1], t), "x")) for t in ORDER}
    graph = Graph({name: y.node for name, y in made.items()})
    actual, wanted = native(graph), reference(graph)
    for name, value in wanted.items():
        assert actual[name].tobytes() == value.tobytes(), name


@pytest.mark.parametrize("kind", [INT32, INT64], ids=str)
def test_an_index_outside_reads_zero_and_is_not_written(kind: DType) -> None:
    rows = np.array([0, -1, 4, 5, 2, 3, 1_000_000, np.iinfo(kind).min, np.iinfo(kind).max], kind)
    x = g.variable(values((5, 19), FLOAT32), "x")
    source = g.variable(tame((9, 19), FLOAT32), "s")
    index = g.variable(rows, "i")
    taken, along = x.take(index), x.T.take(index, 1)
    graph = Graph({"y": taken.node, "z": along.node, "w": source.scatter_add(index, 5).node})
    assert not difference(graph)
    assert (native(graph)["y"][0, [1, 3, 6, 7, 8]] == 0).all()
    empty = g.variable(np.zeros((0, 3), np.float32), "e")
    assert not difference(Graph({"y": empty.take(index).node}))


@pytest.mark.parametrize("dtype", NUMBERS, ids=str)
@pytest.mark.parametrize(
    ("shape", "axes"),
    [
        ((1,), (0,)),
        ((33,), (0,)),
        ((2, 0, 3), (1,)),
        ((0, 3), (1,)),
        ((5, 7), (0,)),
        ((5, 7), (1,)),
        ((5, 7), ()),
        ((3, 4, 37), (0, 2)),
        ((3, 16, 5), (1,)),
        ((2, 3, 4, 5), (1, 2)),
        ((129, 3), (0, 1)),
        ((1, 300), (0,)),
    ],
)
def test_reductions(dtype: DType, shape: Shape, axes: tuple[int, ...]) -> None:
    x = g.variable(tame(shape, dtype), "x")
    assert not difference(Graph({"y": op("sum", axes=axes)(x).node}))
    if all(shape[axis] for axis in axes):
        assert not difference(Graph({"y": op("max", axes=axes)(x).node}))
        for axis in axes:
            assert not difference(Graph({"y": op("argmax", axis=axis)(x).node}))


@pytest.mark.parametrize("dtype", NUMBERS, ids=str)
@pytest.mark.parametrize("axis", [0, 1])
def test_reductions_of_special_values(dtype: DType, axis: int) -> None:
    """Integers wrap around; NaN is the largest and the first of several wins; inf − inf is NaN.

    Whether the largest floats overflow depends on the order of a sum, so there are none of them.
    """
    pool = specials(dtype)
    if dtype.kind == "f":
        pool = pool[np.abs(pool) != np.finfo(dtype).max]
    for seed in range(4):
        rng = np.random.default_rng(seed)
        array = rng.choice(pool, (19, 21))
        array[:, seed] = array[0, seed]
        x = g.variable(array, "x")
        outputs = {"max": op("max", axes=(axis,)), "argmax": op("argmax", axis=axis)}
        outputs |= {"sum": op("sum", axes=(axis,)), "all": op("sum", axes=(0, 1))}
        outputs |= {"most": op("max", axes=(0, 1))}
        assert not difference(Graph({name: make(x).node for name, make in outputs.items()}))


@pytest.mark.parametrize("dtype", NUMBERS, ids=str)
@pytest.mark.parametrize("tail", [(), (1,), (3,), (40,), (2, 3)], ids=str)
@pytest.mark.parametrize("lead", [(), (2,)], ids=str)
def test_scatter_add(dtype: DType, tail: Shape, lead: Shape) -> None:
    """Elements that meet are added in order, so even float sums are the reference's to the bit."""
    for rows in (np.array([3, 0, 3, 3, 1]), np.array([[2, 2], [0, 4]]), np.zeros(0, np.int64)):
        x = g.variable(tame((*lead, *rows.shape, *tail), dtype), "x")
        graph = Graph({"y": x.scatter_add(rows, 6, len(lead)).node})
        assert native(graph)["y"].tobytes() == reference(graph)["y"].tobytes()


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c.op} {c.note}")
def test_cases_and_their_gradients(case: Case, dtype: DType) -> None:
    at = [g.variable(array.astype(dtype), f"x{i}") for i, array in enumerate(case.inputs)]
    y = case.own(*at)
    weights = g.tensor(np.random.default_rng(1).standard_normal(y.shape).astype(dtype))
    gradients = g.grad((y * weights).sum(), at)
    outputs = {f"d{i}": gradient.node for i, gradient in enumerate(gradients)}
    assert not difference(Graph({"y": y.node} | outputs))


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c.op} {c.note}")
def test_one_special_value_goes_where_it_should(case: Case) -> None:
    """And nowhere else: padding and edges of tiles are never multiplied by it."""
    outputs = {}
    for special, number in product((np.nan, np.inf, -np.inf, -0.0), range(len(case.inputs))):
        arrays = [array.astype(np.float32) for array in case.inputs]
        if not arrays[number].size:
            continue
        arrays[number].reshape(-1)[arrays[number].size // 2] = special
        at = [g.variable(value, f"x{i}") for i, value in enumerate(arrays)]
        outputs[f"{special} in {number}"] = case.own(*at).node
    assert not difference(Graph(outputs))


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("shape", [(), (0,), (1,), (3,), (17,), (5, 7), (130,)], ids=str)
def test_draws(dtype: DType, shape: Shape) -> None:
    """The same numbers as the reference; logarithm and cosine round as they like."""
    for seed, step, draw in ((0, 0, 0), (-1, 2**40, 2**32 - 1), (2**63 - 1, -(2**63), 7)):
        feeds = {"seed": np.full(2, seed), "step": np.array([step, 5])}
        at: dict[str, Any] = {
            "seed": g.placeholder("seed", (), np.int64),
            "step": g.placeholder("step", (), np.int64),
            "draw": draw,
        }
        outputs = {
            "uniform": g.uniform(shape, dtype=dtype, **at).node,
            "normal": g.normal(shape, dtype=dtype, **at).node,
        }
        chances = {f"b{p}": g.bernoulli(shape, p, **at).node for p in (0.0, 1e-9, 0.3, 1.0)}
        assert not difference(Graph(outputs | chances), feeds, 2)


@pytest.mark.parametrize("dtype", NUMBERS, ids=str)
def test_counting(dtype: DType) -> None:
    for shape, axis in (((5, 300), 1), ((300, 5), 0), ((0, 3), 1), ((2, 3, 4), 1)):
        count = g.iota(shape, axis, dtype)
        assert not difference(Graph({"y": count.node, "z": (count * 2).node}))


@pytest.mark.parametrize("dtype", ORDER, ids=str)
@pytest.mark.parametrize("shape", [(), (0,), (1, 1), (3, 19)], ids=str)
def test_leaves_as_results(dtype: DType, shape: Shape) -> None:
    """A state, an input and a constant that go straight out, and a state that is swapped."""
    first, second = (g.variable(values(shape, dtype), name) for name in "ab")
    fed = g.placeholder("x", shape, dtype)
    fixed = g.tensor(values(shape, dtype))
    states = [x.node.attrs["state"] for x in (first, second)]
    graph = Graph(
        {"a": first.node, "again": first.node, "x": fed.node, "c": fixed.node},
        {states[0]: second.node, states[1]: first.node},
    )
    feeds = {"x": np.stack([values(shape, dtype) for _ in range(3)])}
    actual, wanted = native(graph, feeds, 3), reference(graph, feeds, 3)
    assert {k: v.tobytes() for k, v in actual.items()} == {
        k: v.tobytes() for k, v in wanted.items()
    }


def test_no_op_is_left_out() -> None:
    tested = {name for name, _, _ in MOVES} | set(ELEMENTWISE) | {case.op for case in CASES}
    tested |= {"cast", "sum", "max", "argmax", "uniform", "normal", "bernoulli"}
    tested |= {"iota", "input", "state", "constant"}
    assert tested == set(TABLE)


@pytest.mark.parametrize(
    ("shape", "axes"),
    [((60_000, 3), (0,)), ((4_096, 512), (0,)), ((300, 5, 300), (0, 2)), ((7, 100_003), (1,))],
)
def test_long_sums_lose_little(shape: tuple[int, ...], axes: tuple[int, ...]) -> None:
    """One chain of equal numbers would lose up to half a unit with each."""
    values = np.full(shape, 0.7, np.float32)
    (actual,) = NativeProgram(Graph({"s": g.variable(values, "x").sum(axes).node})).run(1)["s"]
    exact = values.astype(np.float64).sum(axes)
    assert np.abs(actual / exact - 1).max() < 100 * 2.0**-24


@pytest.mark.parametrize("shape", [(31, 0, 8), (1, 3, 0, 34), (0, 5), (0,)])
def test_sums_of_nothing_are_zero(shape: tuple[int, ...]) -> None:
    one = g.variable(np.ones([n or 1 for n in shape], np.float32), "x")
    made = one.broadcast_to(shape).sum(tuple(range(len(shape))))
    (actual,) = NativeProgram(Graph({"s": made.node})).run(1)["s"]
    assert actual == 0
