"""Updates of a step of one's own, beside the same updates by hand in NumPy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import pellucid as pel
from pellucid import nn, optim
from pellucid.graph import Array, Tensor
from pellucid.train.steps.step import Step
from tests.train.step_runs import RATE, ROWS, X, Y, close, linear, mse, rng, run, slope, weights

# -- several updates in one step --------------------------------------------------------------------


def test_in_turn_the_second_loss_sees_the_updated_network() -> None:
    """A discriminator d(x) = xa and a generator g(z) = zb, least squares: d moves, then g through it."""
    d, g = linear(seed=1), linear(3, 3, seed=2)
    a, b = weights(d), weights(g)
    z, x = rng.normal(size=(ROWS, 3)).astype(np.float32), X

    def step(step: Step, real: Tensor, noise: Tensor) -> None:
        fake = g(noise)
        step.minimise(
            mse(d(real), pel.ones((ROWS, 1))) + mse(d(fake.stop_gradient()), pel.zeros((ROWS, 1))),
            d,
            optim.SGD(RATE),
        )
        step.minimise(mse(d(fake), pel.ones((ROWS, 1))), g, optim.SGD(RATE))

    run(step, {"d": d, "g": g}, 3, (x, z))
    ones = np.ones((ROWS, 1))
    for _ in range(3):
        fake = z @ b
        a = a - RATE * (slope(a, x, ones) + slope(a, fake, 0 * ones))
        b = b - RATE * 2 * z.T @ (fake @ a - ones) @ a.T / ROWS
    close(d.W.value, a)
    close(g.W.value, b)


def test_no_gradient_goes_through_an_earlier_update() -> None:
    """The same without stop_gradient: the discriminator that was moved by the fakes is a constant."""
    results = []
    for stop in (True, False):
        d, g = linear(seed=1), linear(3, 3, seed=2)

        def step(step: Step, real: Tensor, y: Tensor, stop: bool = stop, d: nn.Linear = d) -> None:
            fake = g(real)  # noqa: B023
            shown = fake.stop_gradient() if stop else fake
            step.minimise(mse(d(shown), y), d, optim.SGD(RATE))
            step.minimise(mse(d(fake), y + 1.0), g, optim.SGD(RATE))  # noqa: B023

        run(step, {"d": d, "g": g}, 2)
        results.append((d.W.value.copy(), g.W.value.copy()))
    for one, other in zip(*results, strict=True):
        np.testing.assert_array_equal(one, other)


def test_together_both_losses_see_the_first_values() -> None:
    d, g = linear(seed=1), linear(3, 3, seed=2)
    a, b = weights(d), weights(g)

    def step(step: Step, x: Tensor, y: Tensor) -> None:
        fake = g(x)
        first, second = mse(d(fake.stop_gradient()), y), mse(d(fake), y + 1.0)
        step.minimise(first, d, optim.SGD(RATE))
        step.minimise(second, g, optim.SGD(RATE))

    run(step, {"d": d, "g": g})
    fake = X @ b
    close(d.W.value, a - RATE * slope(a, fake))
    close(g.W.value, b - RATE * 2 * X.T @ (fake @ a - Y - 1) @ a.T / ROWS)


def adam(w: Array, gradients: Callable[[Array], Array], steps: int) -> Array:
    """Kingma & Ba 2014, algorithm 1."""
    m = v = np.zeros_like(w)
    for t in range(1, steps + 1):
        g = gradients(w)
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        w = w - RATE * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
    return w


def test_several_uses_of_an_optimizer_are_as_many_steps() -> None:
    """Adam's moments go on from use to use, and its bias correction counts each."""
    net, optimizer = linear(), optim.Adam(RATE)
    start = weights(net)

    def step(step: Step, x: Tensor, y: Tensor) -> None:
        for _ in range(3):
            step.minimise(mse(net(x), y), net, optimizer)

    run(step, {"": net}, 4)
    close(net.W.value, adam(start, slope, 12))


def test_every_k_updates_and_counts_one_in_k_steps() -> None:
    net, other = linear(), linear(seed=3)
    optimizer, start = optim.Adam(RATE), weights(net)

    def step(step: Step, x: Tensor, y: Tensor) -> None:
        step.minimise(mse(other(x), y), other, optim.SGD(RATE))
        step.minimise(mse(net(x), y), net, optimizer, every=3)
        step.report(w=net.W.sum())

    values = run(step, {"a": net, "b": other}, 8)["report.w"]
    close(net.W.value, adam(start, slope, 3))
    changed = np.flatnonzero(np.diff(values, prepend=start.sum().astype(np.float32)))
    np.testing.assert_array_equal(changed, [0, 3, 6])


def test_every_with_several_uses() -> None:
    net, optimizer = linear(), optim.Adam(RATE)
    start = weights(net)

    def step(step: Step, x: Tensor, y: Tensor) -> None:
        for _ in range(2):
            step.minimise(mse(net(x), y), net, optimizer, every=2)

    run(step, {"": net}, 5)
    close(net.W.value, adam(start, slope, 6))


# -- parts, ties and roles --------------------------------------------------------------------------


def test_parts_of_a_network_with_an_optimizer_each() -> None:
    body, head = linear(3, 3, seed=1), linear(seed=2)
    net = nn.Sequential(body, head)
    a, b = weights(body), weights(head)

    def step(step: Step, x: Tensor, y: Tensor) -> None:
        loss = mse(net(x), y)
        step.minimise(loss, body, optim.SGD(RATE))
        step.minimise(loss, head, optim.Adam(RATE))

    run(step, {"": net})
    close(body.W.value, a - RATE * 2 * X.T @ (X @ a @ b - Y) @ b.T / ROWS)
    close(head.W.value, adam(b, lambda w: slope(w, X @ a), 1))


def test_a_layer_that_two_networks_share_is_updated_in_turn() -> None:
    shared, heads = linear(3, 3, seed=1), [linear(seed=2), linear(seed=3)]
    nets = [nn.Sequential(shared, head) for head in heads]
    s, (a, b) = weights(shared), map(weights, heads)

    def step(step: Step, x: Tensor, y: Tensor) -> None:
        for net in nets:
            step.minimise(mse(net(x), y), net, optim.SGD(RATE))

    run(step, {"one": nets[0], "two": nets[1]})
    for head in (a, b):
        after = s - RATE * 2 * X.T @ (X @ s @ head - Y) @ head.T / ROWS
        head -= RATE * slope(head, X @ s)
        s = after
    close(shared.W.value, s)
    close(heads[0].W.value, a)
    close(heads[1].W.value, b)


@pytest.mark.parametrize("again", [False, True])
def test_decay_leaves_biases_alone(again: bool) -> None:
    """Parameters keep their roles, at a first update of a step and at a second."""
    net = nn.Linear(2).build((3,))
    net.b.value[:] = 1.0
    w = weights(net)
    optimizer = optim.AdamW(RATE, weight_decay=0.5)

    def step(step: Step, x: Tensor, y: Tensor) -> None:
        for _ in range(1 + again):
            step.minimise((net(x) * 0.0).sum(), net, optimizer)

    run(step, {"": net})
    close(net.W.value, w * (1 - RATE * 0.5) ** (1 + again))
    np.testing.assert_array_equal(net.b.value, 1.0)


# -- other optimizers -------------------------------------------------------------------------------


def unit(g: Array) -> Array:
    return np.asarray(g / np.sqrt((g**2).sum()))


def sharpness_aware(w: Array) -> Array:
    return np.asarray(w - RATE * slope(w + 0.05 * unit(slope(w))))


def clipped(w: Array) -> Array:
    return np.asarray(w - RATE * 0.01 * unit(slope(w)))


@pytest.mark.parametrize(
    ("optimizer", "rule"),
    [
        (optim.SharpnessAware(optim.SGD(RATE)), sharpness_aware),
        (optim.Clip(optim.SGD(RATE), norm=0.01), clipped),
        (optim.Groups(optim.SGD(RATE), (optim.Group("*.b", None),)), lambda w: w - RATE * slope(w)),
    ],
    ids=["sharpness-aware", "clip", "groups"],
)
def test_optimizers_around_others_twice_a_step(
    optimizer: optim.Optimizer, rule: Callable[[Array], Array]
) -> None:
    layer = nn.Linear(1).build((3,))
    net = nn.Sequential(layer).build((3,))
    expected = weights(net)
    over = net if isinstance(optimizer, optim.Groups) else layer

    def step(step: Step, x: Tensor, y: Tensor) -> None:
        for _ in range(2):
            step.minimise(mse(x @ layer.W, y) + (layer.b * 0.0).sum(), over, optimizer)

    run(step, {"": net}, 2)
    for _ in range(4):
        expected = rule(expected)
    close(layer.W.value, expected)


def test_sharpness_aware_leaves_what_was_updated_before_alone() -> None:
    """The second network's perturbation does not reach the first one's update, which came of it."""
    d, g = linear(seed=1), linear(3, 3, seed=2)
    a, b = weights(d), weights(g)

    def step(step: Step, x: Tensor, y: Tensor) -> None:
        fake = g(x)
        step.minimise(mse(d(fake), y), d, optim.SGD(RATE))
        step.minimise(mse(d(fake), y), g, optim.SharpnessAware(optim.SGD(RATE)))

    run(step, {"d": d, "g": g})
    a = a - RATE * slope(a, X @ b)

    def through(b: Array) -> Array:
        return np.asarray(2 * X.T @ (X @ b @ a - Y) @ a.T / ROWS)

    close(d.W.value, a)
    close(g.W.value, b - RATE * through(b + 0.05 * unit(through(b))))


def test_schedule_free_and_lookahead_in_turn() -> None:
    one, two = linear(seed=1), linear(seed=2)
    starts = weights(one), weights(two)
    free = optim.ScheduleFreeSGD(RATE, beta=0.9)
    ahead = optim.Lookahead(optim.SGD(RATE), 2, 0.5)

    def step(step: Step, x: Tensor, y: Tensor) -> None:
        step.minimise(mse(one(x), y), one, free)
        step.minimise(mse(two(x), y), two, ahead)

    run(step, {"one": one, "two": two}, 4)
    y = z = x = starts[0]
    for t in range(1, 5):
        z = z - RATE * slope(y)
        x = x + (z - x) / t
        y = 0.1 * z + 0.9 * x
    close(one.W.value, y)
    slow = fast = starts[1]
    for t in range(1, 5):
        fast = fast - RATE * slope(fast)
        if t % 2 == 0:
            slow = fast = slow + 0.5 * (fast - slow)
    close(two.W.value, fast)
