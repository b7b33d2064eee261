"""Smoothing, weights and masks, and the losses beside squared error and cross-entropy."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid import graph as g
from pellucid import nn
from pellucid.compile import Native
from pellucid.graph import Array, Graph, Reference
from tests.by_torch import ByTorch, F, torch
from tests.nn.support import check_against_torch, check_by_differences

RNG = np.random.default_rng(4)
NUMBERS = RNG.normal(0, 2, (6, 3))
COUNTS = RNG.integers(0, 5, (6, 3)).astype(np.float64)
BITS = (RNG.random((6, 3)) < 0.5).astype(np.float64)
CLASSES = np.array([0, 2, 1, 1, 0, 2])
PADDED = np.array([0, 2, -100, 1, 0, -100])
SHARES = np.abs(NUMBERS) / np.abs(NUMBERS).sum(1, keepdims=True)
WEIGHTS = (0.5, 2.0, 1.0)

Peer = Callable[["torch.Tensor", "torch.Tensor"], "torch.Tensor"]


def cross_entropy(**settings: Any) -> Peer:
    def peer(o: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        weight = settings.get("weight")
        own = {**settings, "weight": None if weight is None else torch.tensor(weight).to(o)}
        return F.cross_entropy(o, y, **own)

    return peer


def smooth_binary(o: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return F.binary_cross_entropy_with_logits(o, y * 0.8 + 0.1)


def weighted_binary(o: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Two classes, as the softmax cross-entropy of the logits 0 and o."""
    both = torch.stack([torch.zeros_like(o), o], -1).reshape(-1, 2)
    return F.cross_entropy(both, y.long().reshape(-1), torch.tensor([0.5, 3.0], dtype=o.dtype))


def focal(gamma: float, weights: tuple[float, ...] | None = None) -> Peer:
    def peer(o: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        p = torch.softmax(o, -1).gather(1, y[:, None])[:, 0]
        alpha = 1.0 if weights is None else torch.tensor(weights, dtype=o.dtype)[y]
        return (-alpha * (1 - p) ** gamma * p.log()).mean()

    return peer


def binary_focal(gamma: float, alpha: float | None) -> Peer:
    def peer(o: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        p = torch.sigmoid(o)
        own = y * p + (1 - y) * (1 - p)
        scale = 1.0 if alpha is None else y * alpha + (1 - y) * (1 - alpha)
        return (-scale * (1 - own) ** gamma * own.log()).mean()

    return peer


def pinball(q: float) -> Peer:
    def peer(o: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        e = y - o
        return torch.where(e > 0, q * e, (q - 1) * e).mean()

    return peer


def pinballs(o: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    parts = [pinball(q)(o[:, i], y[:, 0]) for i, q in enumerate((0.1, 0.5, 0.9))]
    return torch.stack(parts).mean()


def kl(o: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return F.kl_div(F.log_softmax(o, -1), y, reduction="batchmean")


def hinge(power: int) -> Peer:
    return lambda o, y: (1.5 - (2 * y - 1) * o).clamp(min=0).pow(power).mean()


CASES: dict[str, tuple[nn.Loss, Peer, Array]] = {
    "smooth": (
        nn.CrossEntropy(label_smoothing=0.1),
        cross_entropy(label_smoothing=0.1),
        CLASSES,
    ),
    "weighted": (nn.CrossEntropy(class_weights=WEIGHTS), cross_entropy(weight=WEIGHTS), CLASSES),
    "smooth, weighted, padded": (
        nn.CrossEntropy(label_smoothing=0.2, class_weights=WEIGHTS, ignore=-100),
        cross_entropy(label_smoothing=0.2, weight=WEIGHTS),
        PADDED,
    ),
    "padded": (nn.CrossEntropy(ignore=-100), cross_entropy(), PADDED),
    "smooth, weighted probabilities": (
        nn.CrossEntropy(label_smoothing=0.2, class_weights=WEIGHTS),
        cross_entropy(label_smoothing=0.2, weight=WEIGHTS),
        SHARES,
    ),
    "summed": (
        nn.CrossEntropy("sum", label_smoothing=0.2, class_weights=WEIGHTS, ignore=-100),
        cross_entropy(label_smoothing=0.2, weight=WEIGHTS, reduction="sum"),
        PADDED,
    ),
    "smooth binary": (nn.BinaryCrossEntropy(label_smoothing=0.2), smooth_binary, BITS),
    "weighted binary": (nn.BinaryCrossEntropy(class_weights=(0.5, 3.0)), weighted_binary, BITS),
    "focal": (nn.Focal(), focal(2.0), CLASSES),
    "focal 0.5, weighted": (
        nn.Focal(gamma=0.5, class_weights=WEIGHTS),
        focal(0.5, WEIGHTS),
        CLASSES,
    ),
    "focal 0": (nn.Focal(gamma=0), focal(0.0), CLASSES),
    "binary focal": (nn.BinaryFocal(alpha=0.25), binary_focal(2.0, 0.25), BITS),
    "binary focal 0.5": (nn.BinaryFocal(gamma=0.5), binary_focal(0.5, None), BITS),
    "poisson": (nn.Poisson(), lambda o, y: F.poisson_nll_loss(o, y), COUNTS),
    "quantile": (nn.Quantile(levels=0.9), pinball(0.9), NUMBERS),
    "quantiles": (nn.Quantile(levels=(0.1, 0.5, 0.9)), pinballs, NUMBERS[:, :1]),
    "hinge": (nn.Hinge(margin=1.5), hinge(1), BITS),
    "squared hinge": (nn.Hinge(margin=1.5, squared=True), hinge(2), BITS),
    "hinge of classes": (nn.Hinge(), lambda o, y: F.multi_margin_loss(o, y), CLASSES),
    "squared hinge of classes": (
        nn.Hinge(margin=0.7, squared=True),
        lambda o, y: F.multi_margin_loss(o, y, p=2, margin=0.7),
        CLASSES,
    ),
    "kl": (nn.KLDivergence(), kl, SHARES),
    "cosine": (
        nn.CosineDistance(),
        lambda o, y: F.cosine_embedding_loss(o, y, torch.ones(6, dtype=o.dtype)),
        NUMBERS,
    ),
}


def outputs(dtype: type[np.floating]) -> Array:
    return np.random.default_rng(5).normal(0, 2, (6, 3)).astype(dtype)


@pytest.mark.parametrize("name", CASES)
def test_agrees_with_torch(name: str, by_torch: ByTorch) -> None:
    loss, peer, targets = CASES[name]
    for dtype, tolerance in ((np.float32, 5e-6), (np.float64, 1e-9)):
        y = targets.astype(dtype) if targets.dtype.kind == "f" else targets
        x = outputs(dtype)
        if "of classes" not in name:
            check_against_torch(
                lambda o, y=y: loss(o, y),  # type: ignore[misc]
                peer,
                x,
                by_torch,
                rtol=tolerance,
                atol=tolerance,
                others=[y],
            )
            continue
        # PyTorch has no second derivative of its multi_margin_loss.
        at = g.variable(x)
        own = loss(at, y)
        value, gradient = by_torch(partial(with_gradient, peer), x, y)
        value.check(own.numpy(), rtol=tolerance)
        gradient.check(g.grad(own, at).numpy(), rtol=tolerance, atol=tolerance)


def with_gradient(peer: Peer, o: torch.Tensor, y: torch.Tensor) -> list[torch.Tensor]:
    loss = peer(o.requires_grad_(), y)
    return [loss, *torch.autograd.grad(loss, o)]


@pytest.mark.parametrize("name", CASES)
def test_agrees_with_finite_differences(name: str) -> None:
    loss, _, targets = CASES[name]
    check_by_differences(lambda o: loss(o, targets), outputs(np.float64))


@pytest.mark.parametrize("name", CASES)
def test_runs_natively(name: str) -> None:
    """Loss, first and second gradient with weights, the targets being data."""
    loss, _, targets = CASES[name]
    y = targets.astype(np.float32 if targets.dtype.kind == "f" else np.int32)
    feeds = {"o": outputs(np.float32), "y": y, "w": np.array([1, 0, 2, 0.5, 1, 3], np.float32)}
    o, aims, w = (g.placeholder(key, value.shape, value.dtype) for key, value in feeds.items())
    value = loss(o, aims, w)
    first = g.grad(value, o)
    second = g.grad((first * np.arange(18, dtype=np.float32).reshape(6, 3)).sum(), o)
    graph = Graph({"loss": value.node, "first": first.node, "second": second.node})
    runs = {key: array[None] for key, array in feeds.items()}
    expected = Reference().build(graph).run(1, runs)
    found = Native().build(graph, runs=2).run(1, runs)
    for key, array in expected.items():
        np.testing.assert_allclose(found[key], array, rtol=1e-5, atol=1e-6, err_msg=key)


# -- weights and masks ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", CASES)
def test_whole_weights_are_repeated_rows(name: str) -> None:
    loss, _, targets = CASES[name]
    times = np.array([1, 0, 2, 1, 3, 1])
    x, rows = outputs(np.float64), np.repeat(np.arange(6), times)
    for reduction in ("mean", "sum"):
        one = type(loss)(**{**vars(loss), "reduction": reduction})
        weighted = one(x, targets, times.astype(np.float64)).item()
        assert weighted == pytest.approx(one(x[rows], targets[rows]).item(), rel=1e-12)


def test_weights_of_single_losses_are_a_mask() -> None:
    mask = RNG.random((6, 3)) < 0.5
    x = outputs(np.float64)
    found = nn.MSE()(x, NUMBERS, mask).item()
    assert found == pytest.approx(((x - NUMBERS)[mask] ** 2).mean(), rel=1e-12)
    rows = nn.MSE("none")(x, NUMBERS, mask).numpy()
    np.testing.assert_allclose(rows, (np.where(mask, x - NUMBERS, 0) ** 2).mean(1), rtol=1e-12)


def test_places_of_sequences_are_masked(by_torch: ByTorch) -> None:
    dice = np.random.default_rng(6)
    logits, classes = dice.normal(size=(2, 4, 3)), dice.integers(0, 3, (2, 4))
    mask = np.array([[1, 1, 0, 0], [1, 1, 1, 1]], bool)
    found = nn.CrossEntropy()(logits, classes, mask).item()
    (expected,) = by_torch(lambda o, y: [F.cross_entropy(o, y)], logits[mask], classes[mask])
    assert found == pytest.approx(expected.item(), rel=1e-12)


def test_what_has_no_weight_is_not_looked_at() -> None:
    x = g.variable(outputs(np.float32))
    y = g.variable(np.array([0, 1, 2, 9, 0, 1]))
    loss = nn.CrossEntropy()(x, y, np.array([1, 1, 1, 0, 1, 1]))
    assert np.isfinite(loss.item()) and (g.grad(loss, x).numpy()[3] == 0).all()
    assert np.isnan(nn.CrossEntropy()(x, y).item())


def test_no_weight_at_all_is_no_loss() -> None:
    x = g.variable(outputs(np.float32))
    loss = nn.MSE()(x, NUMBERS, np.zeros(6))
    assert loss.item() == 0 and (g.grad(loss, x).numpy() == 0).all()
    assert nn.CrossEntropy(ignore=1)(x, np.ones(6, np.int64)).item() == 0


def test_negative_weights() -> None:
    with pytest.raises(ValueError, match=r"MeanSquaredError takes weights of at least 0, got -1"):
        nn.MSE()(NUMBERS, NUMBERS, np.array([1, 1, -1, 1, 1, 1]))
    for bad in (-1.0, np.nan):
        known_later = g.variable(np.array([1, 1, bad, 1, 1, 1]))
        assert np.isnan(nn.MSE()(NUMBERS, NUMBERS, known_later).item())


def test_weights_of_another_shape() -> None:
    with pytest.raises(ValueError, match=r"weights of shape \(6,\) or \(6, 3\), got \(6, 1\)"):
        nn.MSE()(NUMBERS, NUMBERS, np.ones((6, 1)))


@given(st.lists(st.integers(0, 3), min_size=4, max_size=30).map(lambda rest: [0, 1, 2, 3, *rest]))
def test_balanced_weights_count_classes_alike(classes: list[int]) -> None:
    weights = np.array(nn.balanced_weights(classes))
    totals = np.bincount(classes) * weights
    np.testing.assert_allclose(totals, len(classes) / 4)


def test_balanced_weights_are_scikit_learns() -> None:
    from sklearn.utils.class_weight import compute_class_weight

    expected = compute_class_weight("balanced", classes=np.arange(3), y=[0, 0, 0, 1, 2, 2])
    np.testing.assert_allclose(nn.balanced_weights(np.array([0, 0, 0, 1, 2, 2])), expected)


@pytest.mark.parametrize(
    ("classes", "count", "kind", "message"),
    [
        ([0, 2], None, ValueError, "class 1 does not occur"),
        ([0, 1], 3, ValueError, "class 2 does not occur"),
        ([0, 3], 3, ValueError, "classes are 0 to 3 − 1, got 0 to 3"),
        ([-1, 1], None, ValueError, "got -1 to 1"),
        ([0.0, 1.0], None, TypeError, "a list of integers"),
        ([], None, TypeError, "a list of integers"),
    ],
)
def test_classes_that_cannot_be_balanced(
    classes: Any, count: int | None, kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message):
        nn.balanced_weights(classes, count)


# -- the ends ------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1e4, 100.0, 0.0])
@pytest.mark.parametrize(
    "loss",
    [
        nn.BinaryCrossEntropy(label_smoothing=0.1, class_weights=(1.0, 2.0)),
        nn.BinaryFocal(),
        nn.BinaryFocal(gamma=0.5),
        nn.Hinge(squared=True),
    ],
)
def test_finite_at_the_ends(loss: nn.Loss, size: float) -> None:
    x = g.variable(np.array([size, -size, size, -size], np.float32))
    value = loss(x, np.array([1, 1, 0, 0]))
    first = g.grad(value, x)
    second = g.grad((first * 2.0).sum(), x)
    assert all(np.isfinite(t.numpy()).all() for t in (value, first, second))


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0])
def test_focal_is_finite_when_sure(gamma: float) -> None:
    x = g.variable(np.array([[1e4, -1e4], [-1e4, 1e4]], np.float32))
    value = nn.Focal("none", gamma=gamma)(x, np.array([0, 0]))
    np.testing.assert_allclose(value.numpy(), [0, 2e4])
    gradient = g.grad(value.sum(), x).numpy()
    np.testing.assert_allclose(gradient, [[0, 0], [-1, 1]], atol=1e-6)


def test_vectors_without_length() -> None:
    x = g.variable(np.zeros((1, 3)))
    value = nn.CosineDistance()(x, np.ones((1, 3)))
    assert value.item() == 1.0 and np.isfinite(g.grad(value, x).numpy()).all()


def test_divergence_of_equals_is_zero_and_of_zeros_finite() -> None:
    y = np.array([[0.0, 1.0, 0.0], [0.2, 0.3, 0.5]])
    logits = np.log(np.maximum(y, 1e-300))
    assert nn.KLDivergence()(logits, y).item() == pytest.approx(0, abs=1e-12)
