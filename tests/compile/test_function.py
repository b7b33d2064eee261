"""`pel.compile`: functions of tensors that run on arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import pellucid as pel
from pellucid import graph as g


def test_a_function_of_arrays() -> None:
    @pel.compile
    def smooth(x: g.Tensor, w: g.Tensor) -> g.Tensor:
        """Softened."""
        return (x @ w).tanh()

    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((7, 5)), rng.standard_normal((5, 3))
    result = smooth(x.astype(np.float32), w.astype(np.float32))
    np.testing.assert_allclose(result, np.tanh(x @ w), rtol=1e-5, atol=1e-6)
    assert type(result) is np.ndarray and result.dtype == np.float32
    assert smooth(x, w).dtype == np.float64
    assert vars(smooth)["__name__"] == "smooth" and smooth.__doc__ == "Softened."


def test_it_is_traced_once_for_each_set_of_shapes_and_types() -> None:
    traced: list[tuple[int, ...]] = []

    def double(x: g.Tensor) -> g.Tensor:
        traced.append(x.shape)
        return x * 2

    compiled = pel.compile(double)
    for shape in ((3,), (3,), (2, 2), (), (3,), (0,)):
        argument = np.ones(shape, np.float32)
        np.testing.assert_array_equal(compiled(argument), argument * 2)
    assert traced == [(3,), (2, 2), (), (0,)]
    assert compiled(np.ones(3, np.int32)).dtype == np.int32
    assert len(traced) == 5


@pytest.mark.parametrize(
    ("argument", "dtype"),
    [
        (2, "int64"),
        (2.5, "float32"),
        ([1.5, 2.5], "float32"),
        ([[1, 2], [3, 4]], "int64"),
        (np.float64(2.5), "float64"),
        (np.array(2.5), "float64"),
        (np.arange(6).reshape(2, 3).T, "int64"),
        (np.array([1, 2], ">f4"), "float32"),
        (np.array([1, 2], np.float16), "float32"),
        (np.array([1, 2], np.int8), "int32"),
    ],
)
def test_what_it_may_be_called_with(argument: Any, dtype: str) -> None:
    result = pel.compile(lambda x: x + x)(argument)
    assert result.dtype == dtype and result.shape == np.shape(argument)
    np.testing.assert_array_equal(result, np.asarray(argument) * 2)


def test_several_results() -> None:
    pair = pel.compile(lambda x: (x + 1, x.sum()))
    first, second = pair([1.0, 2.0])
    assert first.tolist() == [2, 3] and second.shape == () and second == 3
    named = pel.compile(lambda x: {"low": x.min(), "high": x.max(), "itself": x})
    result = named(np.array([3, 1, 2]))
    assert {name: value.tolist() for name, value in result.items()} == {
        "low": 1,
        "high": 3,
        "itself": [3, 1, 2],
    }


def test_states_are_read_at_each_call() -> None:
    w = g.variable(np.ones(3, np.float32), "w")
    scale = pel.compile(lambda x: x * w)
    assert scale(2.0).tolist() == [2, 2, 2]
    w.node.attrs["state"].value = np.array([1, 2, 3])
    assert scale(2.0).tolist() == [2, 4, 6]


def test_results_are_not_written_over() -> None:
    double = pel.compile(lambda x: x * 2)
    first = double([1.0])
    second = double([5.0])
    assert first.tolist() == [2] and second.tolist() == [10]


def test_it_is_the_gradient_that_is_compiled() -> None:
    def derivative(x: g.Tensor) -> g.Tensor:
        return g.grad((x.square() * 0.5 + x.sin()).sum(), [x])[0]

    x = np.linspace(-2, 2, 50)
    np.testing.assert_allclose(pel.compile(derivative)(x), x + np.cos(x), rtol=1e-13)


@pytest.mark.parametrize("result", [3.0, None, [1.0], {"y": np.ones(3)}])
def test_it_returns_tensors(result: Any) -> None:
    with pytest.raises(TypeError, match="a compiled function returns tensors"):
        pel.compile(lambda x: result)(1.0)


def test_what_no_tensor_can_hold() -> None:
    with pytest.raises(TypeError, match="a tensor cannot hold"):
        pel.compile(lambda x: x)(np.array(["a"]))
    with pytest.raises(TypeError, match="a tensor cannot hold"):
        pel.compile(lambda x: x)(None)


def test_an_error_in_the_function_is_the_functions_own() -> None:
    compiled = pel.compile(lambda x: x.reshape(7))
    with pytest.raises(ValueError, match="reshape"):
        compiled([1.0, 2.0])
    assert compiled(np.ones(7)).shape == (7,)


def test_an_input_that_nobody_feeds() -> None:
    outside = g.placeholder("noise", (), np.float32)
    with pytest.raises(ValueError, match="input 'noise', which was not fed"):
        pel.compile(lambda x: x + outside)(1.0)


def test_explaining() -> None:
    f = pel.compile(lambda x, w: (x @ w).relu())
    result = f.explain(np.ones((64, 32), np.float32), np.ones((32, 16), np.float32))
    text = str(result)
    assert "contraction" in text and "matmul → relu" in text
    assert result.flops >= 2 * 64 * 32 * 16
    assert "for k" in result.loop_ir()
    assert "define" in result.llvm() and "ret" in result.assembly()
