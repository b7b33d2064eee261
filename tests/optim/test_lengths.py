"""Lengths at any size of the elements, and all that is scaled by them."""

from __future__ import annotations

import numpy as np
import pytest

from pellucid import graph as g
from pellucid import optim
from pellucid.compile import Native
from pellucid.graph import Array, Graph, Tensor
from pellucid.optim.lengths import length, lengths, scaled

SCALES = [1e-42, 1e-30, 1e-23, 1.0, 1e19, 2e37]
DOUBLE_SCALES = [1e-320, 1e-200, 1.0, 1e200, 1e307]
EXECUTORS = [g.Reference(), Native()]


def value(x: Tensor, executor: g.Executor) -> Array:
    return np.asarray(executor.build(Graph({"x": x.node})).run(1, {})["x"][0])


def pairs(dtype: type, scale: float) -> Tensor:
    return g.variable(np.array([[3.0, 5.0], [4.0, 12.0]]).astype(dtype) * dtype(scale), "x")


@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize(
    ("dtype", "scale"),
    [*((np.float32, s) for s in SCALES), *((np.float64, s) for s in DOUBLE_SCALES)],
)
def test_lengths_at_any_scale(dtype: type, scale: float, executor: g.Executor) -> None:
    x = pairs(dtype, scale)
    unit = float(dtype(scale))
    rtol = 1e-3 if scale < 1e-37 else 1e-6
    np.testing.assert_allclose(value(lengths(x, (0,)), executor), [[5 * unit, 13 * unit]], rtol)
    np.testing.assert_allclose(value(length([x[:, 0], x[:, 1]]), executor), 194**0.5 * unit, rtol)


def test_tensors_of_both_types_together() -> None:
    parts = [g.tensor(np.array([3e19], np.float32)), g.tensor(np.array([4e19]))]
    np.testing.assert_allclose(length(parts).numpy(), 5e19)
    assert length([g.tensor(np.zeros((0, 3)))]).numpy() == 0


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("bad", "right"), [(np.nan, np.nan), (np.inf, np.inf), (0.0, 0.0)])
def test_lengths_that_are_no_scale(bad: float, right: float, dtype: type) -> None:
    x = g.tensor(np.array([0.0, bad, 0.0], dtype))
    np.testing.assert_equal([float(length([x])), float(lengths(x, (0,))[0])], [right, right])


def test_a_factor_beyond_the_type() -> None:
    x = g.tensor(np.array([1e38, -2e38], np.float32))
    np.testing.assert_allclose(
        scaled(x, g.tensor(1e-50, np.float64)).numpy(), [1e-12, -2e-12], 1e-6
    )


def stepped(optimizer: optim.Optimizer, value: Array, slope: Array, count: int = 1) -> Array:
    """A parameter after steps with the same gradient."""
    w = g.variable(value.copy(), "w")
    slots = optimizer.init({"w": w})
    rate, step = g.placeholder("rate", (), np.float32), g.placeholder("step", (), np.int64)
    updates = optimizer.update({"w": w}, {"w": g.tensor(slope)}, slots, rate, step)
    program = Native().build(Graph({}, updates))
    for k in range(count):
        feeds = {"rate": np.ones(1, np.float32), "step": np.array([k])}
        names = Graph({}, updates).inputs
        program.run(1, {name: feeds[name] for name in names})
    return np.asarray(w.node.attrs["state"].value)


@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e19, 5e37])
@pytest.mark.parametrize("norm", [1e-33, 1.0])
def test_clipped_gradients_have_the_norm(scale: float, norm: float) -> None:
    slope = np.array([3 * scale, 4 * scale], np.float32)
    right = slope.astype(np.float64) * min(1.0, norm / (5 * scale))
    found = -stepped(optim.Clip(optim.SGD(1.0), norm=norm), np.zeros(2, np.float32), slope)
    np.testing.assert_allclose(found, right, rtol=1e-6)


def test_a_short_gradient_is_not_changed() -> None:
    slope = np.array([0.1, -0.3], np.float32)
    found = stepped(optim.Clip(optim.SGD(1.0), norm=0.4), np.zeros(2, np.float32), slope)
    np.testing.assert_array_equal(found, -slope)


@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e19, 5e37])
def test_columns_have_the_largest_norm(scale: float) -> None:
    w = np.array([[3.0, 0.0, 0.3], [4.0, 0.0, 0.4]]) * scale
    optimizer = optim.Regularised(optim.SGD(1.0), max_norm=scale)
    found = stepped(optimizer, w.astype(np.float32), np.zeros((2, 3), np.float32))
    np.testing.assert_allclose(found / scale, [[0.6, 0.0, 0.3], [0.8, 0.0, 0.4]], rtol=1e-6)


@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e19])
def test_lamb_steps_as_far_as_the_weights_are_long(scale: float) -> None:
    """With η = 1 the first change is the weights' length along the gradient's sign."""
    w = np.array([3.0, 4.0], np.float32) * np.float32(scale)
    found = stepped(optim.LAMB(1.0), w, np.array([1.0, -1.0], np.float32))
    np.testing.assert_allclose((w - found) / (5 * scale), [0.5**0.5, -(0.5**0.5)], rtol=1e-4)


@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e30])
def test_the_perturbation_has_its_radius(scale: float) -> None:
    """The loss is a·w + w²/2, whose gradient at w + ε is a + w + ε."""
    a = np.array([3.0, 4.0]) * scale
    w = g.variable(np.zeros(2, np.float32), "w")
    loss = (w * a.astype(np.float32)).sum() + (w.square() * 0.5).sum()
    found = optim.SharpnessAware(optim.SGD(1.0), 0.5).gradients(loss, {"w": w})["w"].numpy()
    np.testing.assert_allclose(found, a + 0.1 * np.array([3.0, 4.0]), rtol=1e-6)


def test_a_gradient_of_length_zero_perturbs_nothing() -> None:
    w = g.variable(np.zeros(2, np.float32), "w")
    found = optim.SharpnessAware(optim.SGD(1.0)).gradients(w.square().sum(), {"w": w})["w"]
    np.testing.assert_array_equal(found.numpy(), 0.0)
