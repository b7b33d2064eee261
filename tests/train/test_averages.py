"""Averaged weights with statistics of their own, and rates that fall on plateaus."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import pellucid as pel
from pellucid import nn, optim
from pellucid.data import RowStream
from tests.by_torch import ByTorch, torch

RNG = np.random.default_rng(4)
X = RNG.normal(2.0, 3.0, (48, 4)).astype(np.float32)
Y = (X @ np.array([1.0, -1.0, 0.5, 2.0], np.float32)).astype(np.float32)


def network() -> nn.Sequential:
    return nn.Sequential(nn.Linear(6), nn.BatchNorm(), nn.Tanh(), nn.Linear(1))


def averaged(
    x: torch.Tensor, y: torch.Tensor, batches: torch.Tensor, weights: dict[str, torch.Tensor]
) -> list[torch.Tensor]:
    """What a network answers that PyTorch trained on batches and averaged from the third on."""
    twin = torch.nn.Sequential(
        torch.nn.Linear(4, 6), torch.nn.BatchNorm1d(6), torch.nn.Tanh(), torch.nn.Linear(6, 1)
    ).double()
    with torch.no_grad():
        for mine, theirs in zip(weights.values(), twin.parameters(), strict=True):
            theirs.copy_(mine.T if mine.ndim == 2 else mine)
    descent = torch.optim.SGD(twin.parameters(), lr=0.05)
    average = torch.optim.swa_utils.AveragedModel(twin)
    for step, rows in enumerate(batches):
        loss = (twin(x[rows]) - y[rows]).square().mean()
        descent.zero_grad()
        torch.autograd.backward(loss)
        descent.step()
        if step >= 3:
            average.update_parameters(twin)
    torch.optim.swa_utils.update_bn([x[i : i + 16] for i in (0, 16, 32)], average)
    average.eval()
    return [average(x)[:, 0]]


def test_averaging_is_pytorchs_with_statistics_of_its_own(by_torch: ByTorch) -> None:
    """`AveragedModel` and `update_bn` after the same steps in float64."""
    net = network()
    net.build(X[:1], seed=2)
    weights = {name: value.numpy().astype(np.float64) for name, value in net.named_parameters()}
    batches = RowStream(48, 16, 5).rows(0, 12).astype(np.int64)
    x, y = X.astype(np.float64), Y.astype(np.float64)[:, None]
    (expected,) = by_torch(averaged, x, y, batches, weights)

    run = pel.fit(
        net,
        (X, Y),
        validation=None,
        optimizer=optim.StochasticAverage(optim.SGD(0.05), start=3),
        batch_size=16,
        epochs=4,
        seed=5,
        progress=False,
    )
    assert run.best_epoch == 4
    expected.check(run.model.predict(X), rtol=2e-4, atol=2e-4)


@pytest.mark.parametrize(
    "optimizer",
    [optim.MovingAverage(optim.SGD(0.05), 0.8), optim.ScheduleFreeAdamW(0.05)],
    ids=lambda o: type(o).__name__,
)
def test_statistics_belong_to_the_weights_that_are_kept(optimizer: optim.Optimizer) -> None:
    net = network()
    pel.fit(net, (X, Y), None, optimizer=optimizer, batch_size=48, epochs=5, progress=False)
    hidden = X.astype(np.float64) @ net.state_dict()["0.W"] + net.state_dict()["0.b"]
    found = net.state_dict()
    np.testing.assert_allclose(found["1.running_mean"], hidden.mean(0), rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(found["1.running_variance"], hidden.var(0, ddof=1), rtol=1e-3)


def plateaued(schedule: optim.Schedule, **settings: Any) -> list[float]:
    """The rate in every epoch of a training that never gets better."""
    run = pel.fit(
        nn.Linear(1),
        (X, Y),
        optimizer=optim.SGD(1e-12),
        schedule=schedule,
        progress=False,
        **{"validation": (X, Y), "batch_size": 24, "epochs": 20, "patience": 4, **settings},
    )
    return [entry.learning_rate / 1e-12 for entry in run.history]


def test_the_rate_falls_on_plateaus_then_training_stops() -> None:
    found = plateaued(optim.PlateauRate(2, 0.5, times=3))
    np.testing.assert_allclose(found, [1, 1, 1, 0.5, 0.5, 0.25, 0.25, 0.125, 0.125, 0.125, 0.125])
    never = plateaued(optim.PlateauRate(2, 0.5, times=1), patience=0)
    np.testing.assert_allclose(never, [1, 1, 1] + [0.5] * 18)


def test_a_plateau_after_a_warm_up() -> None:
    found = plateaued(optim.WarmUp(2, optim.PlateauRate(3, times=1)), epochs=6)
    np.testing.assert_allclose(found, [0, 0.5, 1, 1, 0.1, 0.1, 0.1])


def test_without_validation_the_training_loss_is_watched() -> None:
    found = plateaued(optim.PlateauRate(2, times=1), validation=None, epochs=5)
    assert found[0] == 1 and found[-1] == pytest.approx(0.1)
