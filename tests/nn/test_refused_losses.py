"""What losses refuse, what they are as JSON, and functions of the user's own as losses."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import pellucid as pel
from pellucid import graph as g
from pellucid import nn
from pellucid.graph import Array, Tensor
from tests.nn.test_weighted_losses import CASES, CLASSES, COUNTS, NUMBERS, PADDED


@pytest.mark.parametrize(
    ("loss", "y", "message"),
    [
        (nn.CrossEntropy(class_weights=(1, 2)), CLASSES, r"2 class weights, the outputs \(6, 3\)"),
        (nn.CrossEntropy(), PADDED, r"classes 0 to 2 .* got target -100"),
        (nn.CrossEntropy(ignore=7), PADDED, r"got target -100"),
        (nn.Focal(class_weights=(1, 2)), CLASSES, r"Focal has 2 class weights, the outputs"),
        (nn.Focal(), CLASSES + 1, r"Focal has classes 0 to 2 .* got target 3"),
        (nn.Hinge(), CLASSES + 1, r"Hinge has classes 0 to 2 .* got target 3"),
        (nn.Hinge(), CLASSES[:5], r"one class per row, targets \(6,\) for outputs \(6, 3\)"),
        (nn.Poisson(), -COUNTS - 1, r"counts of at least 0, got a negative"),
        (nn.Poisson(), COUNTS[:2], r"one shape, got outputs \(6, 3\) and targets \(2, 3\)"),
        (nn.Quantile(levels=(0.1, 0.9)), NUMBERS[:, 0], r"outputs \(batch, 2\) and targets"),
        (nn.KLDivergence(), CLASSES, r"KLDivergence takes logits and probabilities of one"),
        (nn.CosineDistance(), NUMBERS[:, :2], r"vectors of one shape \(batch, features\), got"),
    ],
)
def test_what_does_not_fit(loss: nn.Loss, y: Array, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        loss(NUMBERS, y)


@pytest.mark.parametrize(("loss", "y"), [(nn.Focal(), NUMBERS[:, 0]), (nn.Hinge(), NUMBERS[:, 0])])
def test_classes_are_integers(loss: nn.Loss, y: Array) -> None:
    with pytest.raises(TypeError, match="takes integer classes, got targets float64"):
        loss(NUMBERS, y)


def test_what_the_data_may_not_hold_gives_nan() -> None:
    x = np.zeros((2, 3))
    assert np.isnan(nn.Focal()(x, g.variable(np.array([0, 3]))).item())
    assert np.isnan(nn.Hinge()(x, g.variable(np.array([0, 3]))).item())
    assert np.isnan(nn.Poisson()(x, g.variable(np.full((2, 3), -1.0))).item())


@pytest.mark.parametrize(
    ("make", "kind", "message"),
    [
        (lambda: nn.CrossEntropy(label_smoothing=1.0), ValueError, "label_smoothing is at least 0"),
        (lambda: nn.CrossEntropy(class_weights=(1, -1)), ValueError, "at least 0 for each class"),
        (lambda: nn.CrossEntropy(class_weights=(0, 0)), ValueError, "and more for some"),
        (lambda: nn.CrossEntropy(class_weights=(1,)), ValueError, "is 2 or more numbers, got 1"),
        (lambda: nn.CrossEntropy(class_weights="ab"), TypeError, "a number for each class"),  # type: ignore[arg-type]
        (lambda: nn.CrossEntropy(ignore=0.5), TypeError, "ignore is a class or None"),  # type: ignore[arg-type]
        (lambda: nn.BinaryCrossEntropy(class_weights=(1, 2, 3)), ValueError, "is 2 numbers, got 3"),
        (lambda: nn.Focal(gamma=-1), ValueError, "Focal gamma is at least 0, got -1"),
        (lambda: nn.BinaryFocal(alpha=1.5), ValueError, "alpha is at least 0 and at most 1"),
        (lambda: nn.Quantile(levels=0), ValueError, "levels is more than 0 and less than 1, got 0"),
        (lambda: nn.Quantile(levels=(0.5, 1.0)), ValueError, "less than 1, got"),
        (lambda: nn.Quantile(levels=()), TypeError, "a number or several, got"),
        (lambda: nn.Hinge(margin=0), ValueError, "margin is more than 0"),
        (lambda: nn.CosineDistance(epsilon=0), ValueError, "epsilon is at least 1e-12"),
    ],
)
def test_settings_out_of_range(
    make: Callable[[], nn.Loss], kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message):
        make()


@pytest.mark.parametrize("name", CASES)
def test_round_trip(name: str) -> None:
    loss = CASES[name][0]
    assert nn.loss_from_spec(nn.to_spec(loss)) == loss


def test_weights_given_as_arrays_become_plain() -> None:
    loss = nn.CrossEntropy(class_weights=np.array([1, 2], np.float32))  # type: ignore[arg-type]
    assert loss.class_weights == (1.0, 2.0)
    assert nn.loss_from_spec(nn.to_spec(loss)) == loss


# -- in training ---------------------------------------------------------------------------------


def test_any_function_of_tensors_is_a_loss() -> None:
    x = np.random.default_rng(4).normal(size=(64, 3)).astype(np.float32)
    y = (x @ np.array([1.0, -2.0, 0.5])).astype(np.float32)

    def weighted(o: Tensor, aim: Tensor) -> Tensor:
        """Squared error in which larger targets weigh more."""
        return nn.MSE()(o, aim, aim.abs())

    adam = pel.optim.Adam(0.05)
    run = pel.fit(nn.Linear(1), (x, y), None, loss=weighted, optimizer=adam, progress=False)
    start, end = run.history[0].score, run.best.score
    assert end < 0.01 * start


def test_classes_can_be_smoothed_and_weighed_in_training() -> None:
    x = np.random.default_rng(4).normal(size=(60, 2)).astype(np.float32)
    y = (x[:, 0] > 1).astype(int)
    loss = nn.CrossEntropy(label_smoothing=0.05, class_weights=nn.balanced_weights(y))
    run = pel.fit(nn.Linear(2), (x, y), None, loss=loss, epochs=3, progress=False)
    assert run.history[-1].score < run.history[0].score
