"""Types, how they combine, Python numbers, and what IEEE 754 says of NaN and infinity."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

from pellucid import graph as g
from pellucid.graph import Tensor
from pellucid.graph.dtype import ORDER, as_dtype, promote
from tests.by_torch import ByTorch, F, torch
from tests.graph.cases import normal_density

NAN, INF = float("nan"), float("inf")
NAMES = [dtype.name for dtype in ORDER]


@pytest.mark.parametrize(("a", "b"), list(itertools.product(NAMES, NAMES)))
def test_promotion_is_torchs(a: str, b: str, by_torch: ByTorch) -> None:
    (expected,) = by_torch(
        lambda: [torch.ones(0, dtype=torch.promote_types(getattr(torch, a), getattr(torch, b)))]
    )
    assert promote(np.dtype(a), np.dtype(b)).name == expected.dtype
    x, y = g.ones((2,), a), g.ones((2,), b)
    assert (
        x.maximum(y).dtype.name == promote(np.dtype(a), np.dtype(b)).name
        if a + b != "boolbool"
        else True
    )
    assert g.where(np.array([True, False]), x, y).dtype == promote(np.dtype(a), np.dtype(b))
    assert g.concatenate([x, y]).dtype == promote(np.dtype(a), np.dtype(b))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("number", [True, 2, 0.5])
def test_python_numbers_are_weak(name: str, number: Any, by_torch: ByTorch) -> None:
    if name == "bool" and number is True:
        return  # conditions are not multiplied
    (expected,) = by_torch(lambda x: [x * number], np.ones(2, name))
    for found in (g.ones((2,), name) * number, number * g.ones((2,), name)):
        assert found.dtype.name == expected.dtype
        assert found.tolist() == expected.array.tolist()


def test_numpy_values_are_not_weak() -> None:
    x = g.ones((2,))
    assert (x * np.float64(2)).dtype == np.float64
    assert (np.float64(2) * x).dtype == np.float64 and isinstance(np.float64(2) * x, Tensor)
    assert (np.ones(2) - x).dtype == np.float64 and isinstance(np.ones(2) - x, Tensor)
    assert (x + np.ones(2, np.float32)).dtype == np.float32
    assert isinstance(np.ones(2, np.float32) < x, Tensor)
    assert isinstance(np.ones((2, 2), np.float32) @ x, Tensor)


def test_numbers_without_a_tensor() -> None:
    assert g.where(np.array([True, False]), 1, 0).dtype == np.int64
    assert g.where(np.array([True, False]), 1.0, 0).dtype == np.float32
    assert g.maximum(1, 2.5).item() == 2.5
    assert g.tensor(1).dtype == np.int64 and g.tensor(1.0).dtype == np.float32
    assert g.tensor(np.float64(1)).dtype == np.float64
    assert g.tensor([True]).dtype == np.bool_
    assert g.variable(g.tensor(np.ones(2))).dtype == np.float64


def test_lists_are_not_cut_to_integers() -> None:
    found = g.tensor([1, 2]) * [0.5, 0.25]
    assert found.tolist() == [0.5, 0.5]


def test_division_and_functions_of_integers_are_real() -> None:
    x = g.tensor([1, 2, 4])
    assert (x / 2).tolist() == [0.5, 1, 2] and (x / 2).dtype == np.float32
    assert (1 / x).tolist() == [1, 0.5, 0.25]
    assert (x**2).dtype == (x**3).dtype == (x**0.5).dtype == np.float32
    assert x.exp().dtype == x.mean().dtype == np.float32
    assert x.square().dtype == np.int64 and x.square().tolist() == [1, 4, 16]
    assert (x @ x).dtype == np.float32 and (x @ x).item() == 21
    assert (2**x).tolist() == [2, 4, 16]


def test_integers_wrap_as_in_numpy() -> None:
    x = np.array([250, 3], np.uint8)
    own = g.tensor(x)
    assert (own + x).tolist() == (x + x).tolist() == [244, 6]
    assert (own - np.uint8(5)).tolist() == [245, 254]
    top = np.array([2**31 - 1], np.int32)
    assert (g.tensor(top) * 2).tolist() == [-2]
    assert g.tensor(np.array([-(2**31)], np.int32)).abs().tolist() == [-(2**31)]


@pytest.mark.parametrize("number", [300, -1])
def test_integers_that_do_not_fit_are_refused(number: int) -> None:
    with pytest.raises(OverflowError, match=f"uint8 cannot hold the integer {number}"):
        g.tensor(np.zeros(2, np.uint8)) + number
    with pytest.raises(OverflowError, match="uint8"):
        g.tensor([1, number], "uint8")
    with pytest.raises(OverflowError, match="int64"):
        g.tensor(np.array([2**63], np.uint64))


@pytest.mark.parametrize(
    "value", [None, "a", [None], object(), 1j, np.datetime64("2020-01-01"), [1, "b"]]
)
def test_what_is_not_a_number_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match="a tensor cannot hold"):
        g.tensor(value)
    with pytest.raises(TypeError):
        g.ones((2,)) + value


def test_types_are_found_by_name_and_byte_order() -> None:
    assert as_dtype(">f4") == np.float32 and as_dtype(float) == np.float64
    assert as_dtype("float16") == np.float32 and as_dtype(np.uint32) == np.int64
    assert g.tensor(np.array([1, 2], ">f8")).tolist() == [1, 2]
    assert g.variable(np.array([1, 2], ">i4")).dtype == np.int32
    with pytest.raises(TypeError, match="complex64"):
        g.zeros((2,), "complex64")


@pytest.mark.parametrize(
    "op", ["add", "sub", "mul", "neg", "abs", "sign", "square", "maximum", "minimum"]
)
def test_conditions_are_not_numbers(op: str) -> None:
    x = g.tensor([True, False])
    inputs = [x.node] * (1 if op in ("neg", "abs", "sign", "square") else 2)
    with pytest.raises(TypeError, match=rf"{op} takes numbers, got bool\[2\]; cast"):
        g.apply(op, inputs)


def test_logic() -> None:
    a, b = np.array([True, True, False, False]), np.array([True, False, True, False])
    x = g.tensor(a)
    assert (x & b).tolist() == (b & x).tolist() == (a & b).tolist()
    assert (x | b).tolist() == (b | x).tolist() == (a | b).tolist()
    assert (x ^ b).tolist() == (b ^ x).tolist() == (a ^ b).tolist()
    assert (x & True).tolist() == (True & x).tolist() == a.tolist()
    assert (x | True).tolist() == (True | x).tolist() == [True] * 4
    assert (~x).tolist() == (True ^ x).tolist() == (~a).tolist()
    with pytest.raises(TypeError, match="logical_and takes conditions"):
        g.tensor([1, 2]) & g.tensor([1, 2])


SPECIAL = np.array([NAN, INF, -INF, 0.0, -0.0, 1.0, -1.0, 1e300, -1e-300])
NAMED_ALIKE = (
    *("exp", "log", "log1p", "expm1", "sqrt", "rsqrt", "sin", "cos", "tanh", "sigmoid"),
    *("relu", "erf", "floor", "neg", "abs", "square"),
)


def named(name: str, x: torch.Tensor) -> torch.Tensor:
    return getattr(torch, name)(x)


UNARY: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    **{name: partial(named, name) for name in NAMED_ALIKE},
    "normal_pdf": normal_density,
    "normal_cdf": lambda x: torch.special.ndtr(x),
    "gelu": lambda x: F.gelu(x.clamp(min=-40)),
}


@pytest.mark.parametrize("op", UNARY)
def test_special_values_of_one_operand(op: str, by_torch: ByTorch) -> None:
    found = Tensor(g.apply(op, [g.tensor(SPECIAL).node])).numpy()
    (expected,) = by_torch(lambda x: [UNARY[op](x)], SPECIAL)
    expected.check(found, rtol=1e-14)


@pytest.mark.parametrize("op", ["add", "sub", "mul", "div", "maximum", "minimum", "pow"])
def test_special_values_of_two_operands(op: str, by_torch: ByTorch) -> None:
    x, y = (a.reshape(-1) for a in np.meshgrid(SPECIAL, SPECIAL))
    found = Tensor(g.apply(op, [g.tensor(x).node, g.tensor(y).node])).numpy()
    (expected,) = by_torch(lambda x, y: [getattr(torch, op)(x, y)], x, y)
    expected.check(found, rtol=1e-15)


def test_special_values_of_choices_and_reductions() -> None:
    x = g.tensor([1.0, NAN, INF])
    assert np.isnan(x.max().item()) and np.isnan(x.min().item()) and np.isnan(x.sum().item())
    assert x.argmax().item() == 1  # NaN counts as the largest, as in NumPy and PyTorch
    assert np.isnan(x.sign().numpy()).tolist() == [False, True, False]
    assert (x == x).tolist() == [True, False, True] and (x != x).tolist() == [False, True, False]
    assert (x < 2).tolist() == [True, False, False] and (x >= 1).tolist() == [True, False, True]
    assert g.where(np.array([True, False, True]), 0.0, x * 0).tolist()[::2] == [0, 0]
    assert x.clip(0, 2).tolist()[::2] == [1, 2] and np.isnan(x.clip(0, 2).numpy()[1])
    assert g.tensor([INF, -INF]).sum().numpy() != 0


@pytest.mark.parametrize("name", ["relu", "abs"])
def test_gradients_at_kinks_are_torchs(name: str, by_torch: ByTorch) -> None:
    x = np.array([0.0, -0.0, INF, -INF, 2.0, -2.0] + [NAN] * (name == "relu"))
    own = g.variable(x)

    def gradient(at: torch.Tensor) -> list[torch.Tensor]:
        return list(torch.autograd.grad(getattr(torch, name)(at.requires_grad_()).sum(), at))

    (expected,) = by_torch(gradient, x)
    expected.check(g.grad(getattr(own, name)().sum(), own).numpy())


@pytest.mark.parametrize("name", ["maximum", "minimum", "pow"])
def test_gradients_of_pairs_at_kinks_are_torchs(name: str, by_torch: ByTorch) -> None:
    values = [0.0, 1.0, -2.0, 2.0, 0.5] if name == "pow" else [0.0, 1.0, NAN, INF, -INF]
    grid = [a.reshape(-1) for a in np.meshgrid(values, values)]
    own = [g.variable(a) for a in grid]

    def gradients(*at: torch.Tensor) -> list[torch.Tensor]:
        value = getattr(torch, name)(*(x.requires_grad_() for x in at))
        return list(torch.autograd.grad(value.sum(), at))

    found = g.grad(Tensor(g.apply(name, [t.node for t in own])).sum(), own)
    for mine, theirs in zip(found, by_torch(gradients, *grid), strict=True):
        theirs.check(mine.numpy(), rtol=1e-14)


@pytest.mark.parametrize("power", [0, 1, 2, 3, 0.5, 1.5])
def test_derivatives_of_powers_at_zero(power: float, by_torch: ByTorch) -> None:
    own = g.variable(np.zeros(1))
    first = g.grad((own**power).sum(), own)

    def gradient(at: torch.Tensor) -> list[torch.Tensor]:
        return list(torch.autograd.grad((at.requires_grad_() ** power).sum(), at))

    (expected,) = by_torch(gradient, np.zeros(1))
    expected.check(first.numpy())
    if power in (1, 2, 3):
        second = g.grad(first.sum(), own)
        assert second.tolist() == [{1: 0, 2: 2, 3: 0}[int(power)]]
