"""Losses against PyTorch and finite differences, their reductions, and shapes that do not fit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid import graph as g
from pellucid import nn
from pellucid.compile import Native
from pellucid.graph import Array, Graph, Reference
from tests.by_torch import ByTorch, F
from tests.nn.support import check_against_torch, check_by_differences

RNG = np.random.default_rng(3)
NUMBERS = RNG.normal(0, 2, (6, 3))
BITS = (RNG.random((6, 3)) < 0.5).astype(np.float64)
CLASSES = RNG.integers(0, 3, 6)

CASES: dict[str, tuple[nn.Loss, Any, Array]] = {
    "squared": (nn.MeanSquaredError(), lambda o, y: F.mse_loss(o, y), NUMBERS),
    "absolute": (nn.MeanAbsoluteError(), lambda o, y: F.l1_loss(o, y), NUMBERS),
    "huber": (nn.Huber(), lambda o, y: F.huber_loss(o, y), NUMBERS),
    "huber 0.3": (
        nn.Huber(delta=0.3),
        lambda o, y: F.huber_loss(o, y, delta=0.3),
        NUMBERS,
    ),
    "binary": (
        nn.BinaryCrossEntropy(),
        lambda o, y: F.binary_cross_entropy_with_logits(o, y),
        BITS,
    ),
    "classes": (nn.CrossEntropy(), lambda o, y: F.cross_entropy(o, y), CLASSES),
    "probabilities": (
        nn.CrossEntropy(),
        lambda o, y: F.cross_entropy(o, y),
        np.abs(NUMBERS) / np.abs(NUMBERS).sum(1, keepdims=True),
    ),
}


def outputs(dtype: type[np.floating]) -> Array:
    return np.random.default_rng(5).normal(0, 2, (6, 3)).astype(dtype)


def typed(targets: Array, dtype: type[np.floating]) -> Array:
    return targets.astype(dtype) if targets.dtype.kind == "f" else targets


@pytest.mark.parametrize("name", CASES)
def test_agrees_with_torch(name: str, by_torch: ByTorch) -> None:
    loss, peer, targets = CASES[name]
    for dtype, tolerance in ((np.float32, 2e-6), (np.float64, 1e-12)):
        y = typed(targets, dtype)
        check_against_torch(
            lambda o, y=y: loss(o, y),  # type: ignore[misc]
            peer,
            outputs(dtype),
            by_torch,
            rtol=tolerance,
            atol=tolerance,
            others=[y],
        )


@pytest.mark.parametrize("name", CASES)
def test_agrees_with_finite_differences(name: str) -> None:
    loss, _, targets = CASES[name]
    check_by_differences(lambda o: loss(o, targets), outputs(np.float64))


@pytest.mark.parametrize("name", CASES)
def test_runs_natively(name: str) -> None:
    """Loss, first and second gradient, the targets being data."""
    loss, _, targets = CASES[name]
    y = targets.astype(np.float32 if targets.dtype.kind == "f" else np.int32)
    feeds = {"o": outputs(np.float32), "y": y}
    o, aims = (g.placeholder(key, value.shape, value.dtype) for key, value in feeds.items())
    value = loss(o, aims)
    first = g.grad(value, o)
    second = g.grad((first * np.arange(18, dtype=np.float32).reshape(6, 3)).sum(), o)
    graph = Graph({"loss": value.node, "first": first.node, "second": second.node})
    runs = {key: array[None] for key, array in feeds.items()}
    expected = Reference().build(graph).run(1, runs)
    found = Native().build(graph, runs=2).run(1, runs)
    for key, array in expected.items():
        np.testing.assert_allclose(found[key], array, rtol=1e-5, atol=1e-6, err_msg=key)


@pytest.mark.parametrize("name", CASES)
def test_reductions(name: str) -> None:
    loss, _, targets = CASES[name]
    others = {
        reduction: type(loss)(**{**vars(loss), "reduction": reduction})
        for reduction in ("mean", "sum", "none")
    }
    o = outputs(np.float64)
    rows = others["none"](o, targets).numpy()
    assert rows.shape == (6,)
    one_by_one = [loss(o[i : i + 1], targets[i : i + 1]).item() for i in range(6)]
    np.testing.assert_allclose(rows, one_by_one, rtol=1e-12)
    assert others["sum"](o, targets).item() == pytest.approx(rows.sum(), rel=1e-12)
    assert others["mean"](o, targets).item() == pytest.approx(rows.mean(), rel=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [1e4, 1e3, 88.0])
def test_logit_losses_are_exact_at_the_ends(dtype: type[np.floating], size: float) -> None:
    x = g.variable(np.array([[size], [-size], [size], [-size]], dtype))
    y = np.array([1, 1, 0, 0])
    rows = nn.BinaryCrossEntropy("none")(x, y)
    wide = g.concatenate([-x, x], axis=1) * 0.5
    both = nn.CrossEntropy("none")(wide, y)
    for tensor in (rows, both):
        np.testing.assert_allclose(tensor.numpy(), [0, size, size, 0], rtol=1e-6, atol=1e-37)
        gradient = g.grad(tensor.sum(), x)
        np.testing.assert_allclose(gradient.numpy().ravel(), [0, -1, 1, 0], atol=1e-30)
        assert np.isfinite(g.grad(gradient.square().sum(), x).numpy()).all()


def test_small_losses_keep_their_digits() -> None:
    x = np.array([20.0, 40.0], np.float32)
    found = nn.BinaryCrossEntropy("none")(x, np.ones(2)).numpy()
    np.testing.assert_allclose(found, np.exp(-x.astype(np.float64)), rtol=1e-6)


@pytest.mark.parametrize("size", [0.0, 1e4, -1e4])
def test_number_losses_are_finite(size: float) -> None:
    for loss in (nn.MSE(), nn.MAE(), nn.Huber()):
        o = g.variable(np.array([size, 1.0], np.float32))
        value = loss(o, np.zeros(2, np.float32))
        assert np.isfinite([value.item(), *g.grad(value, o).numpy()]).all()


def test_a_column_pairs_with_a_vector() -> None:
    column, vector = np.array([[1.0], [2.0]]), np.array([0.0, 5.0])
    for loss in (nn.MeanSquaredError(), nn.MeanAbsoluteError(), nn.Huber()):
        assert loss(column, vector).item() == loss(column[:, 0], vector).item()
        assert loss(column[:, 0], vector[:, None]).item() == loss(column, vector[:, None]).item()


@settings(deadline=None)
@given(
    st.lists(st.integers(1, 4), min_size=1, max_size=3),
    st.lists(st.integers(1, 4), min_size=1, max_size=3),
)
def test_shapes_are_never_broadcast(first: list[int], second: list[int]) -> None:
    o, y = np.zeros(first, np.float32), np.zeros(second, np.float32)
    same = first == second or first == [*second, 1] or second == [*first, 1]
    if same:
        assert nn.MeanSquaredError()(o, y).item() == 0.0
    else:
        with pytest.raises(ValueError, match="MeanSquaredError takes outputs and targets of one"):
            nn.MeanSquaredError()(o, y)


def test_cross_entropy_of_sequences() -> None:
    x = RNG.normal(size=(2, 4, 5))
    y = RNG.integers(0, 5, (2, 4))
    chances = np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True)
    expected = -np.log(np.take_along_axis(chances, y[..., None], -1)).mean()
    assert nn.CrossEntropy()(x, y).item() == pytest.approx(expected, rel=1e-12)


def test_cross_entropy_with_an_impossible_class_is_finite() -> None:
    x = g.variable(np.array([[0.0, 1.0, -np.inf]], np.float32))
    value = nn.CrossEntropy()(x, np.array([1]))
    assert value.item() == pytest.approx(np.log1p(np.exp(-1.0)), rel=1e-6)
    assert np.isfinite(g.grad(value, x).numpy()).all()


@pytest.mark.parametrize("label", [-1, 3])
def test_a_wrong_class_is_seen(label: int) -> None:
    x = np.zeros((2, 3), np.float32)
    with pytest.raises(ValueError, match=f"classes 0 to 2 .* got target {label}"):
        nn.CrossEntropy()(x, np.array([1, label]))
    late = g.variable(np.array([1, label]))
    rows = nn.CrossEntropy("none")(x, late).numpy()
    assert rows[0] == pytest.approx(np.log(3))
    assert np.isnan(rows[1])


@pytest.mark.parametrize(
    ("outputs_", "targets", "error", "message"),
    [
        (np.zeros((4, 1)), np.zeros(4, int), ValueError, "one logit for two classes is Binary"),
        (np.zeros(4), np.zeros(4, int), ValueError, r"logits of shape \(batch, classes\)"),
        (np.zeros((4, 3)), np.zeros((4, 1), int), ValueError, r"one class per row, targets \(4,\)"),
        (np.zeros((4, 3)), np.zeros(5, int), ValueError, "one class per row"),
        (np.zeros((4, 3)), np.zeros(4), ValueError, "cast classes to integers"),
        (np.zeros((4, 3)), np.zeros(4, bool), TypeError, "classes as integers"),
        (np.zeros((4, 3), int), np.zeros(4, int), TypeError, "takes float outputs"),
        (np.float64(1.0), np.float64(1.0), TypeError, "takes float outputs"),
    ],
)
def test_cross_entropy_refuses(
    outputs_: Array, targets: Array, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        nn.CrossEntropy()(outputs_, targets)


def test_settings_are_checked() -> None:
    with pytest.raises(ValueError, match="Huber delta is more than 0, got 0"):
        nn.Huber(delta=0)
    with pytest.raises(ValueError, match="CrossEntropy reduction is 'mean', 'sum' or 'none'"):
        nn.CrossEntropy("average")  # type: ignore[arg-type]


def test_integer_and_bool_targets_are_numbers() -> None:
    o = np.array([0.5, -1.0], np.float32)
    expected = nn.BinaryCrossEntropy()(o, np.array([1.0, 0.0], np.float32)).item()
    for targets in (np.array([1, 0]), np.array([True, False]), np.array([1, 0], np.uint8)):
        value = nn.BinaryCrossEntropy()(o, targets)
        assert value.dtype == np.float32
        assert value.item() == expected
