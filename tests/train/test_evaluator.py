"""Losses measured on rows, in chunks of any size."""

from __future__ import annotations

import numpy as np
import pytest

from pellucid import nn
from pellucid.compile import work
from pellucid.graph import Tensor
from pellucid.train import evaluator as module
from pellucid.train.evaluator import mean_loss, network_evaluator

rng = np.random.default_rng(0)


@pytest.mark.parametrize("most", [1, 100_000, 10**12])
def test_a_call_of_a_large_network_takes_few_rows(
    most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing interrupts a call, so none may take long; the results are those of one call."""
    monkeypatch.setattr(module, "_CALL_WORK", most)
    x = rng.normal(size=(50, 20)).astype(np.float32)
    y = rng.integers(0, 3, 50).astype(np.int32)
    net = nn.MLP([30], 3).build(x)
    evaluator = network_evaluator(net, nn.CrossEntropy(), (x, y), outputs=True)
    sizes = {part.size: work(part.graph) for part in evaluator._parts}
    assert all(done <= most or rows == 1 for rows, done in sizes.items())
    assert sum(part.size * part.chunks for part in evaluator._parts) == 50
    outputs, measures = evaluator.run()
    np.testing.assert_allclose(outputs[""], net(x).numpy(), rtol=1e-5, atol=1e-6)
    assert measures == {"loss": pytest.approx(float(nn.CrossEntropy()(net(x), y)), rel=1e-5)}


ROWS, CLASSES = 57, 3
LOGITS = rng.normal(size=(ROWS, CLASSES)).astype(np.float32)
CODES = rng.permutation(np.arange(ROWS) % 7 % CLASSES).astype(np.int32)
PLACES = rng.normal(size=(ROWS, 4, CLASSES)).astype(np.float32)
NUMBERS = rng.normal(size=(ROWS, 1)).astype(np.float32)
WEIGHTS = rng.random(ROWS).astype(np.float32) * np.repeat([0.0, 1.0, 5.0], 19).astype(np.float32)
SKEWED = (0.1, 1.0, 30.0)

Data = tuple[np.ndarray, ...]
CHUNKED: dict[str, tuple[nn.Loss, Data]] = {
    "class weights": (nn.CrossEntropy(class_weights=SKEWED), (LOGITS, CODES)),
    "class and row weights": (nn.CrossEntropy(class_weights=SKEWED), (LOGITS, CODES, WEIGHTS)),
    "ignored classes": (nn.CrossEntropy(ignore=1), (LOGITS, np.sort(CODES))),
    "ignored places": (
        nn.CrossEntropy(ignore=-1, class_weights=SKEWED),
        (PLACES, np.sort(rng.integers(-1, CLASSES, (ROWS, 4)).astype(np.int32), axis=0)),
    ),
    "smoothed": (nn.CrossEntropy(label_smoothing=0.1, class_weights=SKEWED), (LOGITS, CODES)),
    "two classes": (
        nn.BinaryCrossEntropy(class_weights=(1.0, 20.0)),
        (NUMBERS, np.sort(CODES > 0).astype(np.float32)),
    ),
    "weights": (nn.MeanSquaredError(), (NUMBERS, NUMBERS[::-1, 0] * 3, WEIGHTS)),
    "masks": (
        nn.MeanAbsoluteError(),
        (PLACES[..., 0], PLACES[..., 1], np.sort(rng.random((ROWS, 4)) < 0.4, axis=0)),
    ),
    "focal": (nn.Focal(class_weights=SKEWED), (LOGITS, CODES)),
    "hinge": (nn.Hinge(), (LOGITS, CODES, WEIGHTS)),
    "nothing counts": (nn.MeanSquaredError(), (NUMBERS, NUMBERS + 1, WEIGHTS * 0)),
    "a sum": (nn.CrossEntropy(class_weights=SKEWED, reduction="sum"), (LOGITS, CODES)),
}


@pytest.mark.parametrize("chunk", [1, 10, 19, 56, 57, 100])
@pytest.mark.parametrize("name", CHUNKED)
def test_the_loss_does_not_depend_on_the_chunks(name: str, chunk: int) -> None:
    """That of all rows at once, whatever each of them counts."""
    loss, data = CHUNKED[name]
    measured = mean_loss(nn.Identity(), loss, data, chunk)
    assert measured == pytest.approx(float(loss(*data)), rel=1e-5)


def test_class_weights_by_their_formula() -> None:
    """Σ w_y (−log p_y) / Σ w_y in NumPy."""
    logs = LOGITS - np.log(np.exp(LOGITS.astype(np.float64)).sum(1, keepdims=True))
    weights = np.array(SKEWED)[CODES]
    right = (-logs[np.arange(ROWS), CODES] * weights).sum() / weights.sum()
    loss = nn.CrossEntropy(class_weights=SKEWED)
    measured = mean_loss(nn.Identity(), loss, (LOGITS, CODES), 10)
    assert measured == pytest.approx(right, rel=1e-6)


def test_a_function_of_ones_own_is_a_mean_over_rows_or_weights() -> None:
    x, y, w = NUMBERS[:, 0], NUMBERS[::-1, 0] * 3, WEIGHTS

    def plain(outputs: Tensor, targets: Tensor) -> Tensor:
        return (outputs - targets).square().mean()

    def weighted(outputs: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
        return ((outputs - targets).square() * weights).sum() / weights.sum()

    measured = mean_loss(nn.Identity(), plain, (x, y), 10)
    assert measured == pytest.approx(float(((x - y) ** 2).mean()), rel=1e-5)
    measured = mean_loss(nn.Identity(), weighted, (x[19:], y[19:], w[19:]), 10)
    assert measured == pytest.approx(float(np.average((x - y)[19:] ** 2, weights=w[19:])), rel=1e-5)
