"""Mixup, CutMix and SwapNoise: inputs and targets that go together."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

import pellucid as pel
from pellucid import graph as g
from pellucid import nn
from pellucid.graph import Array, Tensor
from pellucid.nn.augment.mix import quantiles
from tests.by_torch import ByTorch, F, torch
from tests.nn.peers import check_native

RNG = np.random.default_rng(13)
LOGITS = RNG.normal(size=(6, 3))
CLASSES = np.array([0, 1, 2, 2, 1, 0])


def one_hot_rows(shape: tuple[int, ...]) -> Array:
    """Row i is 1 in channel i: what a mixed row is made of can be read from it."""
    count = shape[0]
    return np.broadcast_to(
        np.eye(count).reshape(count, *(1,) * (len(shape) - 1), count), (*shape, count)
    )


@pytest.mark.parametrize("alpha", [0.1, 0.2, 0.5, 1.0, 2.0, 8.0])
def test_quantiles_are_those_of_beta(alpha: float) -> None:
    expected = stats.beta(alpha, alpha).ppf(np.arange(1025) / 1024)
    np.testing.assert_allclose(quantiles(alpha), expected, atol=2e-5)


@pytest.mark.parametrize("alpha", [1e-3, 1e4])
def test_quantiles_stay_in_range_and_order(alpha: float) -> None:
    found = quantiles(alpha)
    assert (np.diff(found) >= 0).all() and 0 <= found[0] and found[-1] <= 1
    middle = found[256:769]
    assert (np.abs(middle - 0.5).max() < 0.01) if alpha > 1 else (found[500] < 0.01)


@pytest.mark.parametrize("alpha", [0.2, 1.0])
def test_shares_are_beta(alpha: float) -> None:
    x = one_hot_rows((2000,))[:, :1] * 0 + np.arange(2000)[:, None] % 2
    with nn.training(seed=1, step=0) as seen:
        nn.Mixup(alpha)(x)
    share = seen.mixed[0][1].numpy()
    assert stats.kstest(share, stats.beta(alpha, alpha).cdf).pvalue > 0.01


def mixed_by(layer: nn.Module, x: Array) -> tuple[Array, Array]:
    """What the layer makes of x, and the matrix of shares that the pass keeps for losses."""
    with nn.training(seed=2, step=5) as seen:
        y = layer(x).numpy()
    shares = np.zeros((len(x), len(x)))
    for rows, share in seen.mixed:
        places = np.arange(len(x)) if rows is None else rows.numpy()
        np.add.at(shares, (np.arange(len(x)), places), share.numpy())
    return y, shares


def test_mixup_keeps_what_rows_are_made_of() -> None:
    y, shares = mixed_by(nn.Mixup(1.0), one_hot_rows((6, 2, 3)))
    assert (np.count_nonzero(shares, axis=1) == 2).all()
    np.testing.assert_allclose(y, np.broadcast_to(shares[:, None, None], y.shape), atol=1e-6)


def test_cutmix_keeps_the_area_of_the_box() -> None:
    y, shares = mixed_by(nn.CutMix(), one_hot_rows((8, 9, 11)))
    assert set(np.unique(y).tolist()) == {0.0, 1.0}
    np.testing.assert_allclose(y.mean((1, 2)), shares, atol=1e-6)
    assert 0.2 < shares.diagonal().mean() < 0.95


def test_mixing_twice_mixes_what_is_mixed() -> None:
    net = nn.Sequential(nn.Mixup(1.0), nn.CutMix(), nn.Mixup(0.5))
    y, shares = mixed_by(net, one_hot_rows((5, 7, 6)))
    np.testing.assert_allclose(shares.sum(1), 1, atol=1e-6)
    np.testing.assert_allclose(y.mean((1, 2)), shares, atol=1e-6)


@pytest.mark.parametrize("weights", [None, np.array([1.0, 0, 2, 1, 1, 3])])
def test_losses_are_those_of_mixed_targets(weights: Array | None, by_torch: ByTorch) -> None:
    with nn.training(seed=2, step=5) as seen:
        nn.Mixup(1.0)(LOGITS)
        found = nn.CrossEntropy()(LOGITS, CLASSES, weights).item()
    shares = np.zeros((6, 6))
    for rows, share in seen.mixed:
        shares[np.arange(6), np.arange(6) if rows is None else rows.numpy()] += share.numpy()
    probabilities = shares @ np.eye(3)[CLASSES]
    (each,) = by_torch(
        lambda o, y: [F.cross_entropy(o, y, reduction="none")], LOGITS, probabilities
    )
    expected = np.average(each.array, weights=weights)
    assert found == pytest.approx(expected, rel=1e-6)
    plain = nn.CrossEntropy()(LOGITS, CLASSES, weights).item()
    assert plain != pytest.approx(found, rel=1e-3)


def test_class_weights_are_mixed_with_their_classes(by_torch: ByTorch) -> None:
    loss = nn.CrossEntropy(class_weights=(1.0, 2.0, 5.0))
    with nn.training(seed=2, step=5) as seen:
        nn.Mixup(1.0)(LOGITS)
        found = loss(LOGITS, CLASSES).item()
    (logs,) = by_torch(lambda o: [torch.log_softmax(o, -1)], LOGITS)
    top = bottom = 0.0
    for rows, share in seen.mixed:
        aims = CLASSES if rows is None else CLASSES[rows.numpy()]
        scale = np.array([1.0, 2.0, 5.0])[aims] * share.numpy()
        top -= (scale * logs.array[np.arange(6), aims]).sum()
        bottom += scale.sum()
    assert found == pytest.approx(top / bottom, rel=1e-6)


def test_a_function_of_ones_own_can_be_mixed() -> None:
    def rows(o: Tensor, y: Tensor) -> Tensor:
        return (o[:, 0] - y).square()

    y = g.tensor(np.arange(6.0))
    with nn.training(seed=2, step=5):
        nn.Mixup(1.0)(LOGITS)
        own, library = nn.mixed(rows)(g.tensor(LOGITS), y), nn.MSE()(LOGITS[:, :1], y)
    assert own.item() == pytest.approx(library.item(), rel=1e-12)
    assert nn.mixed(rows)(g.tensor(LOGITS), y).item() != pytest.approx(own.item(), rel=1e-3)


def test_training_with_mixed_rows() -> None:
    x = RNG.normal(size=(80, 4)).astype(np.float32)
    y = (x[:, 0] + x[:, 1] > 0).astype(int)
    net = nn.Sequential(nn.Mixup(0.2), nn.SwapNoise(0.05), nn.Linear(8), nn.ReLU(), nn.Linear(2))
    adam = pel.optim.Adam(0.02)
    run = pel.fit(net, (x, y), None, optimizer=adam, epochs=20, progress=False)
    assert (run.model.predict(x) == y).mean() > 0.9


# -- tables ----------------------------------------------------------------------------------------


def test_swapped_values_come_from_their_column() -> None:
    x = np.arange(4000.0).reshape(1000, 4)
    with nn.training(seed=6, step=0):
        y = nn.SwapNoise(0.25)(x).numpy()
    np.testing.assert_array_equal(y % 4, x % 4)
    changed = y != x
    assert abs(changed.mean() - 0.25) < 0.03
    rows = (y[changed] // 4).astype(int)
    assert stats.kstest(rows / 1000, "uniform").pvalue > 0.01
    assert nn.SwapNoise(0.25)(x).numpy() is not y
    np.testing.assert_array_equal(nn.SwapNoise(0.25)(x).numpy(), x)


def test_swap_noise_runs_natively() -> None:
    check_native(nn.Sequential(nn.SwapNoise(0.5), nn.Linear(3)), RNG.normal(size=(7, 5)))


# -- bad input -------------------------------------------------------------------------------------


def test_what_does_not_fit() -> None:
    with pytest.raises(ValueError, match=r"SwapNoise 'a' expects \(batch, features\), got"):
        nn.Sequential(a=nn.SwapNoise())(np.ones((2, 3, 4)))
    with pytest.raises(ValueError, match=r"Mixup 'a' expects \(batch, …, features\), got"):
        nn.Sequential(a=nn.Mixup())(np.ones(3))
    with pytest.raises(TypeError, match=r"Mixup takes floats, got int64"):
        nn.Mixup()(np.ones((2, 3), np.int64))
    for make in (nn.Mixup, nn.CutMix):
        with pytest.raises(ValueError, match="alpha is more than 0, got 0"):
            make(0)
    with pytest.raises(ValueError, match="rate is at least 0 and less than 1"):
        nn.SwapNoise(1)
