"""Steps of one's own that would silently compute something else are refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import pellucid as pel
from pellucid import nn, optim
from pellucid.errors import TracingError
from pellucid.graph import Tensor
from pellucid.train.steps.step import Step
from tests.train.step_runs import RATE, X, close, linear, mse, run, slope, weights


def _once(step: Step, net: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    loss = mse(net(x), y)
    step.minimise(loss, net, optim.SGD(RATE))
    return loss


def _stale(step: Step, net: nn.Module, x: Tensor, y: Tensor) -> None:
    step.minimise(_once(step, net, x, y), net, optim.SGD(RATE))


def _half_stale(step: Step, net: nn.Module, x: Tensor, y: Tensor) -> None:
    before = net(x)
    _once(step, net, x, y)
    step.minimise(mse(before, y) + mse(net(x), y), net, optim.SGD(RATE))


def _unrelated(step: Step, net: nn.Module, x: Tensor, y: Tensor) -> None:
    step.minimise(y.mean(), net, optim.SGD(RATE))


def _nothing(step: Step, net: nn.Module, x: Tensor, y: Tensor) -> None:
    step.report(loss_of_mine=mse(net(x), y))


def _vector(step: Step, net: nn.Module, x: Tensor, y: Tensor) -> None:
    step.minimise((net(x) - y).square(), net, optim.SGD(RATE))


def _whole(step: Step, net: nn.Module, x: Tensor, y: Tensor) -> None:
    step.minimise(mse(net(x), y).cast(np.int32), net, optim.SGD(RATE))


def _foreign(step: Step, net: nn.Module, x: Tensor, y: Tensor) -> None:
    other = linear()
    step.minimise(mse(other(x), y), other, optim.SGD(RATE))


def _two_intervals(step: Step, net: nn.Module, x: Tensor, y: Tensor) -> None:
    by = optim.SGD(RATE)
    for every in (1, 2):
        step.minimise(mse(net(x), y), net, by, every=every)


def _not_an_optimizer(step: Step, net: nn.Module, x: Tensor, y: Tensor) -> None:
    step.minimise(mse(net(x), y), net, optim.SGD)  # type: ignore[arg-type]


def _no_network(step: Step, net: nn.Module, x: Tensor, y: Tensor) -> None:
    step.minimise(mse(net(x), y), net.parameters, optim.SGD(RATE))  # type: ignore[arg-type]


def _reports_a_vector(step: Step, net: nn.Module, x: Tensor, y: Tensor) -> None:
    _once(step, net, x, y)
    step.report(y=y)


def _reports_the_loss(step: Step, net: nn.Module, x: Tensor, y: Tensor) -> None:
    step.report(loss=_once(step, net, x, y))


def _reports_twice(step: Step, net: nn.Module, x: Tensor, y: Tensor) -> None:
    for _ in range(2):
        step.report(y=y.mean())
    _once(step, net, x, y)


def _reports_a_number(step: Step, net: nn.Module, x: Tensor, y: Tensor) -> None:
    _once(step, net, x, y)
    step.report(y=1.0)  # type: ignore[arg-type]


def _follows_another_shape(step: Step, net: nn.Module, x: Tensor, y: Tensor) -> None:
    _once(step, net, x, y)
    step.follow(linear(2), net)


def _assigns_another_shape(step: Step, net: nn.Module, x: Tensor, y: Tensor) -> None:
    _once(step, net, x, y)
    step.assign(net.W, y)  # type: ignore[attr-defined]


OUTSIDE = nn.Sequential(nn.Linear(3), nn.BatchNorm()).build((3,))
MISUSES: list[tuple[Callable[..., Any], type[Exception], str]] = [
    (_stale, ValueError, "computed before 'W' was updated"),
    (_half_stale, ValueError, "computed before 'W' was updated"),
    (_unrelated, ValueError, "does not depend on 'W'"),
    (_nothing, ValueError, "_step minimises nothing"),
    (_vector, ValueError, "reduce it with .mean"),
    (_whole, TypeError, "the loss is a float"),
    (_foreign, ValueError, "belongs to none of the networks"),
    (_two_intervals, ValueError, "two values of `every`"),
    (_not_an_optimizer, TypeError, "by is an optimizer"),
    (_no_network, TypeError, "over is a network"),
    (_reports_a_vector, TypeError, "scalar tensors"),
    (_reports_the_loss, ValueError, "another name"),
    (_reports_twice, ValueError, "reported twice"),
    (_reports_a_number, TypeError, "scalar tensors"),
    (_follows_another_shape, ValueError, "same structure"),
    (_assigns_another_shape, ValueError, "holds float32"),
]


@pytest.mark.parametrize(("misuse", "kind", "message"), MISUSES)
def test_misuse_is_an_error(
    misuse: Callable[..., Any], kind: type[Exception], message: str
) -> None:
    net = linear()
    before = net.W.value.copy()

    def _step(step: Step, x: Tensor, y: Tensor) -> None:
        misuse(step, net, x, y)

    with pytest.raises(kind, match=message):
        run(_step, {"": net})
    np.testing.assert_array_equal(net.W.value, before)
    close(net(X).numpy(), X @ before)


def test_statistics_of_a_network_that_is_not_trained_do_not_move_unsaid() -> None:
    net = linear()

    def step(step: Step, x: Tensor, y: Tensor) -> None:
        step.minimise(mse(net(OUTSIDE(x)), y), net, optim.SGD(RATE))

    with pytest.raises(ValueError, match=r"nn.evaluation"):
        run(step, {"net": net})


def test_what_was_computed_before_an_update_may_be_a_constant() -> None:
    """The ratio of new to old outputs, as in proximal policies."""
    net = linear()
    w = weights(net)

    def step(step: Step, x: Tensor, y: Tensor) -> None:
        old = net(x).stop_gradient()
        _once(step, net, x, y)
        step.minimise(mse(net(x), old), net, optim.SGD(RATE))

    run(step, {"": net})
    after = w - RATE * slope(w)
    close(net.W.value, after - RATE * slope(after, X, X @ w))


def test_what_python_computes_is_refused() -> None:
    """Draws of NumPy, and arrays of parameters, would be constants of the graph."""
    net = linear()
    dice = np.random.default_rng(0)

    def drawn(step: Step, x: Tensor, y: Tensor) -> None:
        noise = dice.normal(size=x.shape).astype(np.float32)
        step.minimise(mse(net(x + noise), y), net, optim.SGD(RATE))

    def copied(step: Step, x: Tensor, y: Tensor) -> None:
        size = float((net.W.value**2).sum())
        step.minimise(mse(net(x), y) + mse(net.W, pel.zeros((3, 1))) * size, net, optim.SGD(RATE))

    def evaluated(step: Step, x: Tensor, y: Tensor) -> None:
        target = pel.tensor(net(X).numpy())
        step.minimise(mse(net(x), target), net, optim.SGD(RATE))

    before = net.W.value.copy()
    for function, message in ((drawn, "dice"), (copied, "value"), (evaluated, "numpy")):
        with pytest.raises(TracingError, match=message):
            run(function, {"": net})
        np.testing.assert_array_equal(net.W.value, before)
