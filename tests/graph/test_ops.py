"""Every op of the table against PyTorch and finite differences."""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest

from pellucid import graph as g
from pellucid.graph import TABLE, Tensor
from tests.by_torch import ByTorch
from tests.graph.cases import CASES, Case
from tests.graph.support import check_gradients, own_derivatives, torch_derivatives

# Ops without a real-valued gradient: each has a test of its own, below or in test_random.py.
COMPARISONS: dict[str, Callable[..., object]] = {
    "equal": operator.eq,
    "not_equal": operator.ne,
    "less": operator.lt,
    "less_equal": operator.le,
}
LOGICAL: dict[str, Callable[..., object]] = {
    "logical_and": operator.and_,
    "logical_or": operator.or_,
    "logical_not": operator.invert,
}
LEAVES = {"input", "state", "constant", "iota"}
RANDOM = {"uniform", "normal", "bernoulli"}

each_case = pytest.mark.parametrize(
    "case", CASES, ids=lambda case: f"{case.op} {case.note}".strip()
)


def test_every_op_has_a_case() -> None:
    covered = {case.op for case in CASES} | set(COMPARISONS) | set(LOGICAL) | {"argmax"}
    assert covered | LEAVES | RANDOM == set(TABLE)


@each_case
def test_a_case_holds_its_op(case: Case) -> None:
    at = [g.variable(x) for x in case.inputs]
    assert case.op in {node.op for node in g.ordered([case.own(*at).node])}


@each_case
def test_forward_in_float32(case: Case, by_torch: ByTorch) -> None:
    inputs = [x.astype(np.float32) for x in case.inputs]
    found = case.own(*(g.tensor(x) for x in inputs))
    (expected,) = by_torch(lambda *xs: [case.torch(*xs)], *inputs)
    assert found.dtype == np.float32
    scale = max(expected.largest, *(float(np.abs(x).max(initial=0)) for x in inputs))
    cancelled = case.tolerance if case.op in ("matmul", "sum", "convolve", "windows") else 2e-7
    absolute = cancelled * scale
    expected.check(found.numpy(), rtol=case.tolerance, atol=absolute)


@each_case
def test_derivatives_against_torch(case: Case, by_torch: ByTorch) -> None:
    own = own_derivatives(case.own, case.inputs)
    expected = by_torch(partial(torch_derivatives, case.torch), *case.inputs)
    tolerance = 1e-6 if case.op == "cast" else 1e-10
    for found, wanted in zip(own, expected, strict=True):
        wanted.check(found, rtol=tolerance, atol=tolerance)


# float32 in the middle of a cast is too coarse for differences; floor and sign are constant and
# stop_gradient is not the derivative of what it computes.
@pytest.mark.parametrize(
    "case",
    [case for case in CASES if case.op not in ("cast", "stop_gradient")],
    ids=lambda case: f"{case.op} {case.note}".strip(),
)
def test_derivatives_against_differences(case: Case) -> None:
    check_gradients(case.own, case.inputs)


@pytest.mark.parametrize("op", COMPARISONS)
@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "int64", "uint8", "bool"])
def test_comparisons(op: str, dtype: str, by_torch: ByTorch) -> None:
    x = np.array([0, 1, 2, 0, 1]).astype(dtype)
    y = np.array([0, 1, 0, 2, 3]).astype(dtype)
    found = Tensor(g.apply(op, [g.tensor(x).node, g.tensor(y).node]))
    (expected,) = by_torch(lambda x, y: [COMPARISONS[op](x, y)], x, y)
    assert found.dtype == np.bool_ and found.tolist() == expected.array.tolist()


@pytest.mark.parametrize("op", LOGICAL)
def test_logical(op: str, by_torch: ByTorch) -> None:
    table = np.array([[False, False], [False, True], [True, False], [True, True]]).T
    given = [np.array(x) for x in (table[:1] if op == "logical_not" else table)]
    found = Tensor(g.apply(op, [g.tensor(x).node for x in given]))
    (expected,) = by_torch(lambda *xs: [LOGICAL[op](*xs)], *given)
    assert found.tolist() == expected.array.tolist()


@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "uint8"])
def test_argmax_takes_the_first_of_equals(axis: int, dtype: str) -> None:
    x = np.array([[1, 3, 3, 0], [2, 2, 1, 2], [2, 3, 3, 3]]).astype(dtype)
    found = g.tensor(x).argmax(axis)
    assert found.dtype == np.int32
    assert found.tolist() == np.argmax(x, axis).tolist()
    assert g.tensor(x).argmin(axis).tolist() == np.argmin(x, axis).tolist()


def test_leaves() -> None:
    assert g.iota((2, 3), 1, np.int32).tolist() == [[0, 1, 2], [0, 1, 2]]
    assert g.iota((2, 3), 0, np.float64).tolist() == [[0, 0, 0], [1, 1, 1]]
    assert g.arange(4).tolist() == [0, 1, 2, 3] and g.arange(0).tolist() == []
    assert g.tensor([1.5, 2]).tolist() == [1.5, 2]
    assert g.variable([1, 2]).tolist() == [1, 2]
    x = g.placeholder("x", (2,))
    program = g.executor().build(g.Graph({"y": (x * 2).node}))
    fed = np.array([[1, 2], [3, 4], [5, 6]], np.float32)
    assert program.run(3, {"x": fed})["y"].tolist() == [[2, 4], [6, 8], [10, 12]]


@pytest.mark.parametrize("to", ["bool", "uint8", "int32", "int64", "float32", "float64"])
def test_cast(to: str) -> None:
    x = np.array([0, 1.9, 2.5, 100, 0.25])
    assert g.tensor(x).cast(to).numpy().tolist() == x.astype(to).tolist()
    negative = np.array([-1.9, -0.5, -7.0])
    if to != "uint8":
        assert g.tensor(negative).cast(to).numpy().tolist() == negative.astype(to).tolist()


@pytest.mark.parametrize(
    "op",
    [
        "exp",
        "log",
        "sin",
        "tanh",
        "erf",
        "sqrt",
        "sigmoid",
        "log1p",
        "normal_pdf",
        "normal_cdf",
        "gelu",
    ],
)
def test_accuracy_against_mpmath(op: str) -> None:
    import mpmath

    exact = {
        "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
        "log1p": lambda x: mpmath.log(1 + x),
        "normal_pdf": mpmath.npdf,
        "normal_cdf": mpmath.ncdf,
        "gelu": lambda x: x * mpmath.ncdf(x),
    }
    function = exact.get(op) or getattr(mpmath, op)
    xs = np.array([1e-7, 1e-3, 0.1, 0.5, 1.0, 2.5, 8.0, 20.0])
    with mpmath.workdps(40):
        wanted = np.array([float(function(mpmath.mpf(float(x)))) for x in xs])
    found = Tensor(g.apply(op, [g.tensor(xs).node])).numpy()
    np.testing.assert_allclose(found, wanted, rtol=1e-15)
