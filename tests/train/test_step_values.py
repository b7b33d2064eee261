"""Gradients, averages, modes and draws in a step of one's own."""

from __future__ import annotations

import numpy as np
import pytest

import pellucid as pel
from pellucid import nn, optim
from pellucid.graph import Array, Tensor
from pellucid.train.batches import ResidentBatches
from pellucid.train.steps.build import rehearsed
from pellucid.train.steps.step import Step
from tests.train.step_runs import RATE, ROWS, X, Y, close, linear, mse, run, slope, weights

# -- gradients inside a step ------------------------------------------------------------------------


def test_a_gradient_penalty() -> None:
    """WGAN-GP (Gulrajani et al. 2017, eq. 3) of D(x) = tanh(xA) v, by finite differences of its loss."""
    below, above = linear(3, 4, seed=1), linear(4, 1, seed=2)
    net = nn.Sequential(below, nn.Tanh(), above)
    first, last = weights(below), weights(above)

    def penalty(a: Array, v: Array) -> float:
        hidden = np.tanh(X.astype(np.float64) @ a)
        slopes = ((1 - hidden**2) * v[:, 0]) @ a.T
        return float(((np.sqrt((slopes**2).sum(1)) - 1) ** 2).mean())

    def step(step: Step, x: Tensor, y: Tensor) -> None:
        slopes = pel.grad(net(x).sum(), x)
        loss = ((slopes.square().sum(1).sqrt() - 1.0).square()).mean()
        step.report(penalty=loss)
        step.minimise(loss, net, optim.SGD(RATE))

    found = run(step, {"": net})["report.penalty"]
    assert found[0] == pytest.approx(penalty(first, last), rel=1e-5)
    for held, start, other in ((below.W, first, last), (above.W, last, first)):
        expected = np.empty_like(start)
        for i in np.ndindex(start.shape):
            both = []
            for by in (1e-6, -1e-6):
                moved = start.copy()
                moved[i] += by
                both.append(penalty(moved, other) if held is below.W else penalty(other, moved))
            expected[i] = start[i] - RATE * (both[0] - both[1]) / 2e-6
        np.testing.assert_allclose(held.value, expected, rtol=1e-4, atol=1e-5)


def test_a_gradient_of_ones_own_does_not_go_through_updates() -> None:
    net = linear()

    def step(step: Step, x: Tensor, y: Tensor) -> None:
        step.minimise(mse(net(x), y), net, optim.SGD(RATE))
        step.report(slope=pel.grad(net(x).sum(), x).sum(), w=net.W.sum())

    found = run(step, {"": net})
    assert found["report.slope"][0] == pytest.approx(ROWS * float(found["report.w"][0]), rel=1e-5)


# -- averages, teachers and targets -----------------------------------------------------------------


def test_an_average_follows_and_is_the_target() -> None:
    """A mean teacher: the target is the average's output, which moves after the update."""
    net, mean = linear(seed=1), linear(seed=2)
    w, t = weights(net), weights(mean)

    def step(step: Step, x: Tensor, y: Tensor) -> None:
        target = mean(x)
        step.minimise(mse(net(x), target.stop_gradient()), net, optim.SGD(RATE))
        step.follow(mean, net, 0.9)
        step.report(after=mse(mean(x), y))

    found = run(step, {"net": net, "mean": mean}, 3)["report.after"]
    for _ in range(3):
        w = w - RATE * slope(w, X, X @ t)
        t = 0.9 * t + 0.1 * w
    close(net.W.value, w)
    close(mean.W.value, t)
    assert found[-1] == pytest.approx(float(((X @ t - Y) ** 2).mean()), rel=1e-4)


def test_an_average_without_weights_begins_with_those_of_its_network() -> None:
    net, mean = nn.MLP([4], 1, norm="batch"), nn.MLP([4], 1, norm="batch")

    def step(step: Step, x: Tensor, y: Tensor) -> None:
        with nn.evaluation():
            target = mean(x)
        step.minimise(mse(net(x), target.stop_gradient()), net, optim.SGD(RATE))
        step.follow(mean, net, 0.9)

    rehearsed(step, {"net": net, "mean": mean}, ResidentBatches((X, Y), ROWS, 0, ROWS), 0)
    for (_, a), (_, b) in zip(net.named_parameters(), mean.named_parameters(), strict=True):
        assert a.value is not b.value
        np.testing.assert_array_equal(a.value, b.value)


def test_running_statistics_move_at_each_call_and_evaluation_sees_them() -> None:
    norm = nn.BatchNorm().build((3,))
    net = nn.Sequential(norm)

    def step(step: Step, x: Tensor, y: Tensor) -> None:
        loss = mse(net(x), y) + mse(net(x * 2.0), y)
        with nn.evaluation():
            step.report(seen=net(x * 0.0).sum())
        step.minimise(loss, net, optim.SGD(RATE), every=2)

    found = run(step, {"": net})["report.seen"]
    mean, variance = np.zeros(3), np.ones(3)
    for x in (X.astype(np.float64), 2 * X.astype(np.float64)):
        mean = 0.9 * mean + 0.1 * x.mean(0)
        variance = 0.9 * variance + 0.1 * x.var(0, ddof=1)
    close(norm.running_mean.value, mean)
    close(norm.running_variance.value, variance)
    expected = ROWS * (-mean / np.sqrt(variance + 1e-5)).sum()
    assert found[0] == pytest.approx(expected, rel=1e-4)


def test_a_teacher_in_evaluation_mode_keeps_its_statistics_and_draws_nothing() -> None:
    teacher = nn.MLP([8], 1, norm="batch", dropout=0.5).build((3,))
    for _, buffer in teacher.named_buffers():
        buffer.value += 0.25
    before = {path: b.value.copy() for path, b in teacher.named_buffers()}
    expected = teacher(X).numpy()
    net = linear()

    def step(step: Step, x: Tensor, y: Tensor) -> None:
        with nn.evaluation():
            target = teacher(x).stop_gradient()
        step.report(target=(target * pel.tensor(np.arange(ROWS, dtype=np.float32)[:, None])).sum())
        step.minimise(mse(net(x), target), net, optim.SGD(RATE))

    batches = ResidentBatches((X, Y), ROWS, 0, ROWS)
    rows = batches.stream.rows(0, 2)
    found = run(step, {"net": net}, 2)["report.target"]
    for value, order in zip(found, rows, strict=True):
        assert value == pytest.approx(float(np.arange(ROWS) @ expected[order, 0]), rel=1e-4)
    for path, buffer in teacher.named_buffers():
        np.testing.assert_array_equal(buffer.value, before[path])


class Counter(nn.Module):
    """Linear, with a buffer that a step writes."""

    def __init__(self) -> None:
        self.linear = nn.Linear(1)

    def setup(self, x: Tensor) -> None:
        self.count = self.buffer("count", np.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x)


def test_assign_to_a_buffer_is_read_from_there_on() -> None:
    net = Counter().build((3,))

    def step(step: Step, x: Tensor, y: Tensor) -> None:
        step.assign(net.count, net.count + 1.0)
        step.assign(net.count, net.count * 2.0)
        step.minimise(mse(net(x), y), net, optim.SGD(RATE))
        step.report(count=net.count)

    found = run(step, {"": net}, 3)["report.count"]
    np.testing.assert_array_equal(found, [2, 6, 14])
    assert net.count.value == 14


def test_assign_to_a_parameter_clips_it() -> None:
    """WGAN's weight clipping, after the update."""
    net = linear()
    start = weights(net)

    def step(step: Step, x: Tensor, y: Tensor) -> None:
        step.minimise(mse(net(x), y), net, optim.SGD(RATE))
        step.assign(net.W, net.W.clip(-0.05, 0.05))

    run(step, {"": net})
    close(net.W.value, np.clip(start - RATE * slope(start), -0.05, 0.05))


# -- draws ------------------------------------------------------------------------------------------


def test_draws_are_new_in_each_step_and_in_each_call() -> None:
    net = linear()

    def step(step: Step, x: Tensor, y: Tensor) -> None:
        a, b = step.normal((50,)), step.normal((50,))
        with nn.training() as again:
            c = again.normal((50,))
        step.report(a=a.mean(), b=b.mean(), c=c.mean(), u=step.uniform((50,)).mean())
        step.report(n=pel.where(step.bernoulli((50,), 0.3), 1.0, 0.0).mean())
        step.minimise(mse(net(x), y), net, optim.SGD(RATE))

    found = run(step, {"": net}, 40)
    drawn = np.concatenate([found[f"report.{name}"] for name in "abc"])
    assert len(set(drawn.tolist())) == 120
    assert abs(drawn.mean()) < 4 / np.sqrt(120 * 50)
    assert abs(found["report.u"].mean() - 0.5) < 4 / np.sqrt(12 * 40 * 50)
    assert abs(found["report.n"].mean() - 0.3) < 4 * np.sqrt(0.21 / (40 * 50))
