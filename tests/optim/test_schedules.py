"""Schedules against PyTorch's, and their formulas."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import pellucid as pel
from pellucid import nn, optim
from tests.by_torch import ByTorch, torch

EPOCHS = 20


def rates(make: Callable[[torch.optim.Optimizer], Any]) -> list[float]:
    """PyTorch's rate in every epoch, for a rate of 1."""
    descent = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule = make(descent)
    found: list[float] = []
    for _ in range(EPOCHS):
        found.append(descent.param_groups[0]["lr"])
        descent.step()
        schedule.step()
    return found


@pytest.mark.parametrize(
    ("own", "theirs"),
    [
        (optim.StepRate(6), lambda o: torch.optim.lr_scheduler.StepLR(o, step_size=6, gamma=0.1)),
        (
            optim.ExponentialRate(0.9),
            lambda o: torch.optim.lr_scheduler.ExponentialLR(o, gamma=0.9),
        ),
        (
            optim.CosineRate(0.01),
            lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, T_max=EPOCHS, eta_min=0.01),
        ),
        (
            optim.CosineRestarts(3, 2),
            lambda o: torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(o, T_0=3, T_mult=2),
        ),
        (
            optim.PolynomialRate(2.0),
            lambda o: torch.optim.lr_scheduler.PolynomialLR(o, total_iters=EPOCHS, power=2.0),
        ),
        (
            optim.MilestoneRate((5, 12)),
            lambda o: torch.optim.lr_scheduler.MultiStepLR(o, milestones=[5, 12], gamma=0.1),
        ),
        (
            optim.WarmUp(4, optim.StepRate(5)),
            lambda o: torch.optim.lr_scheduler.SequentialLR(
                o,
                [
                    torch.optim.lr_scheduler.LambdaLR(o, lambda k: k / 4),
                    torch.optim.lr_scheduler.StepLR(o, step_size=5, gamma=0.1),
                ],
                milestones=[4],
            ),
        ),
        (
            optim.InverseRate(4.0),
            lambda o: torch.optim.lr_scheduler.LambdaLR(o, lambda k: 4.0 / max(k, 4.0)),
        ),
        (optim.ConstantRate(), lambda o: torch.optim.lr_scheduler.LambdaLR(o, lambda k: 1.0)),
    ],
)
def test_agrees_with_pytorch(
    own: optim.Schedule, theirs: Callable[[torch.optim.Optimizer], Any], by_torch: ByTorch
) -> None:
    mine = np.array([own.factor(epoch, EPOCHS) for epoch in range(EPOCHS)])
    (expected,) = by_torch(lambda: [rates(theirs)])
    expected.check(mine, rtol=1e-9)


def test_one_cycle_agrees_with_pytorch(by_torch: ByTorch) -> None:
    # PyTorch counts to the last step, so its training of n steps is ours of n − 1 epochs.
    def cycle(o: torch.optim.Optimizer) -> Any:
        return torch.optim.lr_scheduler.OneCycleLR(
            o, max_lr=1.0, total_steps=EPOCHS + 1, pct_start=0.3
        )

    (theirs,) = by_torch(lambda: [rates(cycle)])
    own = optim.OneCycle()
    # Its turn lies at pct · n − 1, so the comparison is of the same parts of both ways.
    turn = 0.3 * (EPOCHS + 1) - 1
    for epoch, rate in enumerate(theirs.array):
        part = epoch / turn if epoch < turn else (epoch - turn) / (EPOCHS - turn)
        at = 0.3 * part if epoch < turn else 0.3 + 0.7 * part
        assert own.factor(at * EPOCHS, EPOCHS) == pytest.approx(rate, rel=1e-9)


def test_a_warm_up_comes_before() -> None:
    warm = optim.WarmUp(4, optim.CosineRate())
    assert [warm.factor(k, EPOCHS) for k in range(4)] == [0.0, 0.25, 0.5, 0.75]
    assert warm.factor(4, EPOCHS) == 1.0
    assert warm.factor(12, EPOCHS) == pytest.approx(0.5)
    assert warm.factor(EPOCHS, EPOCHS) == pytest.approx(0.0)


@pytest.mark.parametrize(
    ("schedule", "message"),
    [
        (optim.WarmUp(3, optim.CosineRate()), "warm-up over 3 epochs does not end in a training"),
        (
            optim.WarmUp(2, optim.StepRate(1)),
            "StepRate divides .* does not come in a training of 1",
        ),
        (optim.CosineRestarts(4), "first wave of 4 epochs, which does not end in a training of 3"),
        (optim.StepRate(3), "StepRate divides the rate every 3 epochs, which does not come"),
        (optim.MilestoneRate((1, 3)), "MilestoneRate divides the rate after epoch 3"),
        (optim.InverseRate(5), "InverseRate keeps the rate for 5 epochs"),
        (optim.PlateauRate(3), "PlateauRate waits for 3 epochs"),
    ],
)
def test_a_schedule_that_never_ends(schedule: optim.Schedule, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        pel.fit(nn.Linear(2), _data(), epochs=3, schedule=schedule, progress=False)


@pytest.mark.parametrize(
    "make",
    [
        lambda: optim.StepRate(0),
        lambda: optim.StepRate(3, 1.0),
        lambda: optim.ExponentialRate(1.0),
        lambda: optim.InverseRate(0),
        lambda: optim.CosineRate(1.0),
        lambda: optim.CosineRestarts(0),
        lambda: optim.OneCycle(rise=1.0),
        lambda: optim.OneCycle(start=1.0),
        lambda: optim.PolynomialRate(0),
        lambda: optim.WarmUp(0),
        lambda: optim.MilestoneRate(()),
        lambda: optim.MilestoneRate((3, 3)),
        lambda: optim.MilestoneRate((0, 3)),
        lambda: optim.MilestoneRate((3,), 1.0),
        lambda: optim.PlateauRate(0),
        lambda: optim.PlateauRate(times=0),
    ],
)
def test_settings_out_of_range(make: Callable[[], optim.Schedule]) -> None:
    with pytest.raises((ValueError, TypeError), match="is"):
        make()


def _data() -> tuple[Any, Any]:
    x = np.random.default_rng(0).normal(size=(64, 4)).astype(np.float32)
    return x, (x[:, 0] > 0).astype(int)


def test_fit_follows_a_schedule() -> None:
    run = pel.fit(
        nn.Linear(2),
        _data(),
        optimizer=optim.SGD(0.4),
        schedule=optim.StepRate(2),
        epochs=6,
        patience=0,
        progress=False,
    )
    found = [entry.learning_rate for entry in run.history]
    np.testing.assert_allclose(found, [0.4, 0.4, 0.04, 0.04, 0.004, 0.004, 0.0004])


@pytest.mark.parametrize(
    "optimizer",
    [
        optim.MovingAverage(optim.SGD(0.5), 0.9),
        optim.StochasticAverage(optim.SGD(0.5), 10),
        optim.ScheduleFreeSGD(1.0),
        optim.SharpnessAware(optim.Adam(0.05)),
        optim.Prodigy(),
        optim.LBFGS(0.3),
        optim.Groups(optim.Adam(0.05), (optim.Group("*b", optim.SGD(0.1)),)),
    ],
    ids=lambda o: type(o).__name__,
)
def test_fit_takes_every_kind_of_optimizer(optimizer: optim.Optimizer, tmp_path: Any) -> None:
    run = pel.fit(
        nn.Sequential(nn.Linear(8), nn.Tanh(), nn.Linear(2)),
        _data(),
        optimizer=optimizer,
        batch_size=64 if isinstance(optimizer, optim.LBFGS) else 16,
        epochs=30,
        patience=0,
        out=tmp_path / "run",
        progress=False,
        measure_train=True,
    )
    losses = [entry.measures["train.loss"] for entry in run.history]
    assert losses[run.best_epoch] < losses[0]
    again = pel.Model.load(tmp_path / "run" / "model.safetensors")
    x = _data()[0]
    np.testing.assert_array_equal(again.predict_proba(x), run.model.predict_proba(x))
