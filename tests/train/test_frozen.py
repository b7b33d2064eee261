"""What would be the same in every step, though it is meant to change, is an error before training."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import pellucid as pel
from pellucid import graph as g
from pellucid import nn, optim
from pellucid.errors import PellucidError, TracingError
from pellucid.graph import Tensor
from pellucid.graph.retrace import difference
from pellucid.train.steps.supervised import supervised_step

rng = np.random.default_rng(0)
X = rng.normal(size=(20, 3)).astype(np.float32)
Y = (X[:, 0] > 0).astype(np.int32)
FAR_AWAY = np.random.default_rng(1)

Body = Callable[["Net", Tensor], Any]


class Net(nn.Module):
    """A linear layer, and what a test does with its output."""

    def __init__(self, body: Body) -> None:
        self.layer = nn.Linear(2)
        self.body = body
        self.rng = np.random.default_rng(2)
        self.legacy: list[Any] = [np.random.RandomState(3), random.Random(4)]
        self.norm: nn.Module | None = None
        self.calls = 0

    def forward(self, x: Tensor) -> Tensor:
        """The layer, then the body."""
        found: Tensor = self.body(self, self.layer(x))
        return found

    def count(self) -> int:
        """How often it was called."""
        self.calls += 1
        return self.calls


def step(net: nn.Module, loss: Any = None, optimizer: optim.Optimizer | None = None) -> Any:
    """The training step of a network on a little data."""
    parts = (loss or nn.CrossEntropy(), optimizer or optim.SGD(0.1))
    return supervised_step(net, *parts, (X, Y), 4, 0)


FROZEN: dict[str, Body] = {
    "numpy": lambda net, y: y + np.random.normal(size=2),  # noqa: NPY002
    "numpy, a condition": lambda net, y: -y if np.random.random() < 2 else y,  # noqa: NPY002
    "random": lambda net, y: y * random.random(),
    "a generator of the network": lambda net, y: y * (1.0 if net.rng.random() < 2 else 2.0),
    "a generator in a list": lambda net, y: y + net.legacy[0].normal(size=2),
    "Python's in a list": lambda net, y: y * net.legacy[1].random(),
    "a generator of the module": lambda net, y: y * (1.0 if FAR_AWAY.random() < 2 else 2.0),
    "a generator without a seed": lambda net, y: y + np.random.default_rng().normal(size=2),
    "a large constant": lambda net, y: y + np.random.default_rng().normal(size=(999, 2))[0],
    "urandom": lambda net, y: y + float(os.urandom(1)[0] + 256 * os.urandom(1)[0]),
    "a clock": lambda net, y: y * float(time.perf_counter_ns() % 1_000_003),
    "a counter": lambda net, y: y + net.count(),
    "a state": lambda net, y: y + g.variable(np.random.default_rng().normal(size=2)),
    "a shape": lambda net, y: y.reshape(1, *y.shape)[0] if net.count() % 2 else y,
}


@pytest.mark.parametrize("name", FROZEN)
def test_what_changes_from_call_to_call_is_refused(name: str) -> None:
    net = Net(FROZEN[name]).build((3,))
    with pytest.raises(TracingError, match="the same in every step") as told:
        step(net)
    assert "nn.GaussianNoise" in str(told.value)
    assert issubclass(TracingError, (PellucidError, ValueError))


def test_the_error_says_where_and_from_what() -> None:
    net = Net(FROZEN["numpy"]).build((3,))
    with pytest.raises(TracingError, match=r"in Net draws random numbers from numpy\.random"):
        step(net)
    inner = nn.Sequential(first=nn.Linear(3), own=net)
    with pytest.raises(TracingError, match=r"in Net 'own' draws random numbers from numpy"):
        step(inner)


def test_fit_refuses_it() -> None:
    with pytest.raises(TracingError, match=r"draws random numbers from numpy\.random"):
        pel.fit(Net(FROZEN["numpy"]), (X, Y), None, epochs=1, progress=False)


KEPT: dict[str, Body] = {
    "nothing": lambda net, y: y,
    "a constant": lambda net, y: y + 1.0,
    "a large constant": lambda net, y: y + np.arange(999.0)[:2] + np.sin(np.arange(999.0))[5],
    "a seeded generator": lambda net, y: y + np.random.default_rng(0).normal(size=(99, 2))[0],
    "a constant that is not a number": lambda net, y: y + np.full(100, np.nan)[:2],
    "noise of the pass": lambda net, y: nn.GaussianNoise()(nn.Dropout()(y)),
    "its own draws": lambda net, y: y + nn.forward_pass().normal(y.shape),  # type: ignore[union-attr]
    "a new state": lambda net, y: y + g.variable(np.ones(2, np.float32)),
    "running statistics": lambda net, y: net.norm(y) if net.norm else y,
}


@pytest.mark.parametrize("name", KEPT)
def test_what_stays_is_built(name: str) -> None:
    before = random.getstate(), np.random.get_state(legacy=False)["state"]["pos"]  # noqa: NPY002
    net = Net(KEPT[name])
    if name == "running statistics":
        net.norm = nn.BatchNorm()
    step(net.build((3,)) if name != "its own draws" else net)
    after = random.getstate(), np.random.get_state(legacy=False)["state"]["pos"]  # noqa: NPY002
    assert before == after


class Drawn(nn.Module):
    """A layer that draws its parameter with NumPy when it is made."""

    def setup(self, x: Tensor) -> None:
        """W."""
        self.W = nn.Parameter(np.random.normal(size=(x.shape[-1], 2)).astype("f4"))  # noqa: NPY002

    def forward(self, x: Tensor) -> Tensor:
        """XW."""
        return x @ self.W


def test_parameters_may_be_drawn_when_they_are_made() -> None:
    assert step(Drawn()).layers


def noisy(outputs: Tensor, targets: Tensor) -> Tensor:
    """A loss that draws."""
    return nn.CrossEntropy()(outputs * random.random(), targets)


class Noisy(nn.CrossEntropy):
    """A loss of one's own that draws."""

    def row_losses(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Changed rows."""
        return super().row_losses(outputs + np.random.normal(), targets)  # noqa: NPY002


class NoisyDescent(optim.GradientDescent):
    """A step with noise of NumPy."""

    def rule(self, parameter: Tensor, gradient: Tensor, *rest: Any) -> Any:
        """A changed gradient."""
        return super().rule(parameter, gradient + np.random.normal(), *rest)  # noqa: NPY002


def test_losses_and_optimizers_are_asked_too() -> None:
    net = nn.Linear(2).build((3,))
    for loss in (noisy, Noisy()):
        with pytest.raises(TracingError, match=r"draws random numbers from (numpy\.)?random"):
            step(net, loss)
    for optimizer in (NoisyDescent(0.1), optim.Clip(NoisyDescent(0.1), norm=1.0)):
        with pytest.raises(TracingError, match=r"draws random numbers from numpy\.random"):
            step(net, None, optimizer)


def test_networks_of_the_library_are_built_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    forward = nn.Linear.forward

    def counted(self: nn.Linear, x: Tensor) -> Tensor:
        calls.append(1)
        return forward(self, x)

    monkeypatch.setattr(nn.Linear, "forward", counted)
    net = nn.MLP([4], 2).build((3,))
    calls.clear()
    step(net)
    assert len(calls) == 2


def test_a_compiled_function_does_not_draw() -> None:
    drawing = pel.compile(lambda x: x + np.random.normal(size=3))  # noqa: NPY002
    with pytest.raises(TracingError, match=r"numpy\.random"):
        drawing(np.zeros(3))
    held = np.random.default_rng(0)
    with pytest.raises(TracingError, match="the generator 'held'"):
        pel.compile(lambda x: x * held.random())(np.zeros(3))
    layer = Drawn()
    assert pel.compile(lambda x: layer(x))(np.zeros((1, 3), np.float32)).shape == (1, 2)


def test_equal_graphs_have_no_difference() -> None:
    def built(value: float) -> Tensor:
        return (g.variable(np.ones(3)) * np.full(100, value)[:3]).exp().sum()

    assert difference([built(1.0).node], [built(1.0).node]) is None
    found = difference([built(1.0).node], [built(2.0).node])
    assert found is not None and found.op == "constant"
    assert difference([built(1.0).node], [built(1.0).node] * 2) is not None
    assert difference([built(0.0).node], [built(-0.0).node]) is not None


def test_what_is_drawn_in_evaluation_alone_is_refused() -> None:
    """Training does not see it, and each epoch and each prediction would have the same draw."""

    def body(net: Net, y: Tensor) -> Tensor:
        return y if nn.is_training() else y * random.random()

    with pytest.raises(TracingError, match="draws random numbers from random"):
        pel.fit(Net(body), (X, Y), None, epochs=1, progress=False)
    net = Net(lambda net, y: y)
    model = pel.fit(net, (X, Y), None, epochs=1, progress=False).model
    net.body = body
    with pytest.raises(TracingError, match="draws random numbers from random"):
        model.predict(X)
