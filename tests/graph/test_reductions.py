"""Reductions over any axes, of any type, against NumPy and PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pellucid import graph as g
from pellucid.graph import Array
from tests.by_torch import ByTorch, torch
from tests.graph.support import check_gradients

NUMBERS = st.sampled_from(["float64", "int32", "int64", "uint8", "bool"])


@st.composite
def reductions(draw: st.DrawFn) -> tuple[Array, Any, bool]:
    """(array, axes, keepdims)."""
    shape = draw(hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4))
    dtype = np.dtype(draw(NUMBERS))
    x = np.random.default_rng(draw(st.integers(0, 99))).integers(-5, 250, shape).astype(dtype)
    if not shape or draw(st.booleans()):
        return x, None, draw(st.booleans())
    axes = draw(st.lists(st.integers(0, len(shape) - 1), unique=True))
    signs = [axis - len(shape) * draw(st.booleans()) for axis in axes]
    return x, signs[0] if len(signs) == 1 and draw(st.booleans()) else tuple(signs), True


@given(reductions())
def test_against_numpy(drawn: tuple[Array, Any, bool]) -> None:
    x, axes, keep = drawn
    own = g.tensor(x)
    total = own.sum(axes, keep)
    assert total.dtype == (x.dtype if x.dtype.kind == "f" else np.int64)
    np.testing.assert_array_equal(total.numpy(), x.sum(axes, keepdims=keep))
    np.testing.assert_array_equal(own.any(axes, keep).numpy(), x.any(axes, keepdims=keep))
    np.testing.assert_array_equal(own.all(axes, keep).numpy(), x.all(axes, keepdims=keep))
    count = x.size // max(total.size, 1)
    if not count:
        return
    for name in ("max", "min"):
        found = getattr(own, name)(axes, keep)
        assert found.dtype == x.dtype
        np.testing.assert_array_equal(found.numpy(), getattr(x, name)(axes, keepdims=keep))
    for name in ("mean", "var", "std"):
        found = getattr(own, name)(axes, keep)
        expected = getattr(x.astype(float), name)(axes, keepdims=keep)
        tolerance = 1e-12 if x.dtype == np.float64 else 1e-5
        np.testing.assert_allclose(found.numpy(), expected, rtol=tolerance, atol=tolerance)


def test_keepdims_off() -> None:
    x = g.ones((2, 3, 4))
    assert x.sum((0, 2)).shape == (3,) and x.sum((0, 2), keepdims=True).shape == (1, 3, 1)
    assert x.sum(()).shape == (2, 3, 4)
    assert x.argmax(1).shape == (2, 4) and x.argmax(1, keepdims=True).shape == (2, 1, 4)


def test_integer_minimum_at_the_ends_of_the_type() -> None:
    low, high = np.iinfo(np.int32).min, np.iinfo(np.int32).max
    x = g.tensor(np.array([0, low, high, 5], np.int32))
    assert x.min().item() == low and x.argmin().item() == 1 and x.max().item() == high
    assert g.tensor(np.array([7, 255, 9], np.uint8)).min().item() == 7
    assert g.tensor(np.array([7, 0, 9], np.uint8)).argmin().item() == 1


def test_sums_of_narrow_integers_do_not_wrap() -> None:
    assert g.tensor(np.full(1000, 255, np.uint8)).sum().item() == 255_000
    assert g.tensor(np.full(3, 2**31 - 1, np.int32)).sum().item() == 3 * (2**31 - 1)


def test_ddof() -> None:
    x = np.array([1.0, 2, 4, 8])
    assert g.tensor(x).var(ddof=1).item() == pytest.approx(x.var(ddof=1), rel=1e-15)
    assert g.tensor(x).std(ddof=1).item() == pytest.approx(x.std(ddof=1), rel=1e-15)
    assert np.isnan(g.tensor([1.0]).var(ddof=1).item())


def test_of_nothing() -> None:
    empty = g.zeros((0, 3))
    assert empty.sum(0).tolist() == [0, 0, 0] and np.isnan(empty.mean(0).numpy()).all()
    assert empty.max(1).shape == (0,) and empty.argmax(1).shape == (0,)
    for reduce in (empty.max, empty.min, empty.argmax, empty.argmin):
        with pytest.raises(ValueError, match=r"over an empty axis of float32\[0, 3\]"):
            reduce(0)


@pytest.mark.parametrize(
    ("axes", "text"), [(2, "axis 2 does not exist"), (-3, "axis -3"), ((0, -2), "twice")]
)
def test_axes_that_are_not_there(axes: Any, text: str) -> None:
    with pytest.raises(ValueError, match=rf"{text}.*|.*{text}") as raised:
        g.zeros((2, 3)).sum(axes)
    assert "(2, 3)" in str(raised.value)


@pytest.mark.parametrize("values", [[1.0, 3, 3, 2], [0.0, 0, 0], [5.0], [1.0, np.nan, 2]])
def test_equal_largest_share_the_gradient_as_in_torch(
    values: list[float], by_torch: ByTorch
) -> None:
    own = g.variable(np.array(values))

    def gradient(at: torch.Tensor) -> list[torch.Tensor]:
        return list(torch.autograd.grad(torch.amax(at.requires_grad_(), 0) * 3, at))

    (expected,) = by_torch(gradient, np.array(values))
    expected.check(g.grad(own.max() * 3, own).numpy())
    expected.check(g.grad((-own).min() * -3, own).numpy())


@pytest.mark.parametrize("axes", [None, 0, 1, (0, 2)])
def test_gradients(axes: Any) -> None:
    x = np.random.default_rng(0).permutation(24).reshape(2, 3, 4) * 0.3
    for name in ("mean", "var", "std", "min"):
        check_gradients(lambda t, name=name: getattr(t, name)(axes), [x])


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_softmax_family(axis: int, by_torch: ByTorch) -> None:
    x = np.random.default_rng(3).standard_normal((4, 5))
    for own in (g.softmax, g.log_softmax, g.logsumexp):
        for scale in (1.0, 1e4):
            (expected,) = by_torch(
                lambda x, own=own: [getattr(torch, own.__name__)(x, axis)], x * scale
            )
            expected.check(own(g.tensor(x * scale), axis).numpy(), rtol=1e-12)
        check_gradients(lambda t, own=own: own(t, axis), [x])
    kept = g.logsumexp(g.tensor(x), axis, keepdims=True)
    assert kept.shape == np.max(x, axis, keepdims=True).shape


def test_logsumexp_of_infinities_as_torch(by_torch: ByTorch) -> None:
    x = np.array([[np.inf, 0], [-np.inf, -np.inf], [-np.inf, 2], [np.nan, 1], [np.inf, -np.inf]])
    (expected,) = by_torch(lambda x: [torch.logsumexp(x, 1)], x)
    expected.check(g.logsumexp(g.tensor(x), 1).numpy())


def test_one_hot() -> None:
    hot = g.one_hot(np.array([[0, 2], [3, -1]]), 3)
    assert hot.tolist() == [[[1, 0, 0], [0, 0, 1]], [[0, 0, 0], [0, 0, 0]]]
    assert hot.dtype == np.float32 and g.one_hot(np.array(1), 2, bool).tolist() == [False, True]
    with pytest.raises(TypeError, match="one_hot takes integers"):
        g.one_hot(np.array([0.0]), 3)
