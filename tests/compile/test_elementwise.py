"""Every elementwise op of the table, compiled, in every type it takes, against the reference.

Infinities, NaN, both zeros, the smallest and the largest numbers meet each other in every lane.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

from pellucid import graph as g
from pellucid.compile import vmath
from pellucid.graph import Array, Graph
from pellucid.graph.dtype import ORDER, DType
from pellucid.graph.op import TABLE, TensorType
from tests.compile.closeness import native, reference

SIZES = (0, 1, 2, 7, 16, 33)
_RELATIVE = {"float32": 1e-6, "float64": 1e-12}
_MODERATE = {"sin": 100.0, "cos": 100.0}
_ANY_ZERO = ("maximum", "minimum", "max")
ELEMENTWISE = [name for name, op in TABLE.items() if op.kind == "elementwise" and name != "cast"]


def types_of(op: str) -> list[tuple[DType, ...]]:
    """Every combination of types that an op takes."""
    combinations = []
    for arity in (1, 2, 3):
        for dtypes in product(ORDER, repeat=arity):
            try:
                TABLE[op].infer(*(TensorType((3,), dtype) for dtype in dtypes))
            except TypeError:
                continue
            combinations.append(dtypes)
    return combinations


def specials(dtype: DType) -> Array:
    """What an element can be at its worst, and some ordinary numbers."""
    if dtype.kind == "b":
        return np.array([False, True])
    if dtype.kind in "iu":
        low, high = int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)
        ends = [low, low + 1, 0, 1, 2, 7, high - 1, high]
        return np.array(ends + ([-1, -5] if dtype.kind == "i" else []), dtype)
    kind = np.finfo(dtype)
    tiny = (float(kind.smallest_subnormal), float(kind.tiny))
    sizes = [0, *tiny, 1e-3, 0.5, 1, 1.5, 2, 3, float(kind.max), np.inf]
    return np.array([*sizes, *(-s for s in sizes), np.nan], dtype)


def meeting(dtypes: tuple[DType, ...]) -> list[Array]:
    """Arrays in which every special value of each operand meets every one of the others."""
    pools = [specials(dtype) for dtype in dtypes]
    grid = np.meshgrid(*pools, indexing="ij")
    return [np.ascontiguousarray(part.reshape(-1)) for part in grid]


def check(op: str, cases: list[list[Array]], **attrs: Any) -> None:
    """Each case's operands, all in one graph."""
    outputs = {}
    for number, arrays in enumerate(cases):
        inputs = [g.variable(array, f"x{i}").node for i, array in enumerate(arrays)]
        outputs[str(number)] = g.apply(op, inputs, **attrs)
    actual, wanted = native(Graph(outputs)), reference(Graph(outputs))
    for number, arrays in enumerate(cases):
        _compare(op, arrays, actual[str(number)], wanted[str(number)])


def _compare(op: str, arrays: list[Array], actual: Array, wanted: Array) -> None:
    assert actual.shape == wanted.shape and actual.dtype == wanted.dtype
    relative = _RELATIVE.get(wanted.dtype.name, 0.0) if op in vmath.FUNCTIONS else 0.0
    bad = ~_alike(actual, wanted, relative)
    if op not in _ANY_ZERO and wanted.dtype.kind == "f":
        bad |= (actual == 0) & (wanted == 0) & (np.signbit(actual) != np.signbit(wanted))
    where = [
        (op, [str(array.reshape(-1)[i]) for array in arrays], str(actual.reshape(-1)[i]))
        for i in np.flatnonzero(bad)[:5]
    ]
    assert not bad.any(), where


def _alike(actual: Array, wanted: Array, relative: float) -> Array:
    """Equal; of a function's values, near (how near is tested with the functions)."""
    same = (actual == wanted) | ((actual != actual) & (wanted != wanted))
    if relative:
        with np.errstate(all="ignore"):
            size = np.abs(wanted)
            same |= np.abs(actual - wanted) <= relative * size + 4 * np.spacing(size)
    return np.asarray(same)


def moderate(op: str, array: Array) -> Array:
    """The arguments within which a function is compared here: its own tests go farther."""
    limit = _MODERATE.get(op)
    outside = np.isfinite(array) & (np.abs(array) > limit) if limit else None
    return array if outside is None else array[~outside]


@pytest.mark.parametrize("op", ELEMENTWISE)
def test_special_values(op: str) -> None:
    cases = []
    for dtypes in types_of(op):
        arrays = [moderate(op, array) for array in meeting(dtypes)]
        shift = np.arange(len(arrays[0]) + 5) % len(arrays[0])
        cases.append([array[shift] for array in arrays])
    check(op, cases)


@pytest.mark.parametrize("op", ELEMENTWISE)
def test_sizes(op: str) -> None:
    """From nothing to more than two vectors; and a matrix whose rows are not whole vectors."""
    rng = np.random.default_rng(1)
    shapes = [(), *((size,) for size in SIZES), (3, 5, 7)]
    check(
        op,
        [
            [_ordinary(rng, dtype, shape) for dtype in dtypes]
            for dtypes in types_of(op)
            for shape in shapes
        ],
    )


def _ordinary(rng: np.random.Generator, dtype: DType, shape: tuple[int, ...]) -> Array:
    if dtype.kind == "f":
        return rng.uniform(0.1, 3.0, shape).astype(dtype)
    high = 2 if dtype.kind == "b" else 100
    return rng.integers(0, high, shape).astype(dtype)


@pytest.mark.parametrize("source", ORDER, ids=str)
@pytest.mark.parametrize("target", ORDER, ids=str)
def test_casts(source: DType, target: DType) -> None:
    """Between all types, wherever the value has a meaning in the other."""
    values = specials(source)
    if source.kind == "f" and target.kind in "iu":
        limits = np.iinfo(target)
        odd = [-2.5, -1.0, -0.5, 0.5, 2.5, 127.5, 128.0, 254.9, 255.0, 1e6, 2147483500.0, -1e9]
        values = np.array([0.0, -0.0, *odd], source)
        values = values[(values >= limits.min) & (values <= limits.max)]
    check("cast", [[np.resize(values, 37)]], dtype=target)


def test_a_condition_is_zero_or_one_in_memory() -> None:
    values = g.variable(np.resize(specials(np.dtype(np.float32)), 61), "x")
    actual = native(Graph({"y": (values > 0.5).node}))["y"]
    assert set(actual.view(np.uint8).reshape(-1)) == {0, 1}
