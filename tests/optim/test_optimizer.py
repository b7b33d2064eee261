"""Optimizers: their formulas in the open, slots, settings, specs, and what errors say."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid import graph as g
from pellucid import nn, optim
from pellucid.errors import ModelFileError
from pellucid.graph import Array, Graph, Tensor
from pellucid.parts import library


def untyped(value: Any) -> Any:
    """A setting of a type that the checker would not let pass."""
    return value


def one_step(
    optimizer: optim.Optimizer, parameter: Tensor, gradient: Array, rate: float, steps: int = 1
) -> tuple[Array, dict[str, Array]]:
    """The parameter and slots after some steps with a gradient that stays the same."""
    parameters = {"W": parameter}
    slots = optimizer.init(parameters)
    step = g.placeholder("step", (), np.int64)
    updates = optimizer.update(parameters, {"W": g.tensor(gradient)}, slots, g.tensor(rate), step)
    graph = Graph({}, updates)
    g.verify(graph)
    g.executor().build(graph).run(steps, {"step": np.arange(steps)})
    return parameter.numpy(), {name: state.value for name, state in slots.items()}


@settings(deadline=None)
@given(st.floats(0.0, 0.99), st.floats(1e-4, 1.0), st.integers(1, 5))
def test_momentum_is_the_formula(beta: float, rate: float, steps: int) -> None:
    gradient = np.array([1.0, -2.0])
    W, m = np.array([0.5, 0.25]), np.zeros(2)
    eta = np.float64(np.float32(rate))
    found, slots = one_step(optim.SGD(momentum=beta), g.variable(W), gradient, rate, steps)
    for _ in range(steps):
        m = beta * m + gradient
        W = W - eta * m
    np.testing.assert_array_equal(found, W)
    assert set(slots) == ({"sgd.m/W"} if beta else set())


def test_adam_is_algorithm_1() -> None:
    gradient = np.array([0.3, -4.0])
    W, m, v = np.array([0.5, 0.25]), np.zeros(2), np.zeros(2)
    found, slots = one_step(optim.Adam(), g.variable(W), gradient, 0.5, 7)
    for t in range(1, 8):
        m, v = 0.9 * m + 0.1 * gradient, 0.999 * v + 0.001 * gradient**2
        W = W - 0.5 * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
    np.testing.assert_allclose(found, W, rtol=1e-12)
    np.testing.assert_allclose(slots["adam.m/W"], m, rtol=1e-12)
    np.testing.assert_allclose(slots["adam.v/W"], v, rtol=1e-12)


@pytest.mark.parametrize("step", [0, 1, 1000, 2**40])
def test_adam_correction_keeps_its_digits(step: int) -> None:
    """In float32 the first steps are as long as the rate, whatever the gradient's size."""
    for beta2 in (0.999, 0.999999):
        parameter = {"W": g.variable(np.zeros(2, np.float32))}
        optimizer = optim.Adam(beta2=beta2)
        slots = optimizer.init(parameter)
        t = min(step, 10**9) + 1.0
        gradient = np.array([1e-3, 50.0])
        slots["adam.m/W"].value = -np.expm1(t * np.log(0.9)) * gradient
        slots["adam.v/W"].value = -np.expm1(t * np.log(beta2)) * gradient**2
        updates = optimizer.update(
            parameter,
            {"W": g.tensor(gradient.astype(np.float32))},
            slots,
            g.tensor(0.5),
            g.tensor(step + 1),
        )
        found = Tensor(updates[parameter["W"].node.attrs["state"]]).numpy()
        np.testing.assert_allclose(found, [-0.5, -0.5], rtol=2e-5)


def test_decay_leaves_biases_and_norms_alone() -> None:
    net = nn.Sequential(nn.Linear(3), nn.LayerNorm()).build(2)
    parameters = dict(net.named_parameters())
    for parameter in parameters.values():
        parameter.value[:] = 1.0
    for decay_all, expected in ((False, {"0.W"}), (True, set(parameters))):
        optimizer = optim.AdamW(weight_decay=0.5, decay_all=decay_all)
        updates = optimizer.update(
            parameters,
            {path: g.zeros(p.shape) for path, p in parameters.items()},
            optimizer.init(parameters),
            g.tensor(0.1),
            g.tensor(0),
        )
        after = {path: Tensor(updates[p.state]).numpy() for path, p in parameters.items()}
        assert {path for path, value in after.items() if (value != 1).all()} == expected
        np.testing.assert_allclose(after["0.W"], 0.95)


def test_slots_start_at_zero_in_the_type_of_their_parameter() -> None:
    parameters = {"a.W": g.variable(np.ones((2, 3))), "b": g.variable(np.ones(4, np.float32))}
    slots = optim.Adam().init(parameters)
    assert list(slots) == ["adam.m/a.W", "adam.v/a.W", "adam.m/b", "adam.v/b"]
    assert [state.name for state in slots.values()] == list(slots)
    assert slots["adam.v/a.W"].value.shape == (2, 3)
    assert slots["adam.v/a.W"].value.dtype == np.float64
    assert slots["adam.m/b"].value.dtype == np.float32
    assert all((state.value == 0).all() for state in slots.values())
    assert optim.SGD().init(parameters) == {}


def test_a_rate_of_another_type_is_cast() -> None:
    parameter = g.variable(np.ones(2))
    after, _ = one_step(optim.Adam(), parameter, np.ones(2), 0.25)
    np.testing.assert_allclose(after, 0.75, rtol=1e-7)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: optim.SGD(0), "GradientDescent learning_rate is more than 0, got 0"),
        (lambda: optim.SGD(float("nan")), "GradientDescent learning_rate is more than 0, got nan"),
        (
            lambda: optim.SGD(untyped("fast")),
            "GradientDescent learning_rate is a number, got 'fast'",
        ),
        (lambda: optim.SGD(momentum=1.0), "momentum is at least 0 and less than 1, got 1.0"),
        (lambda: optim.SGD(momentum=-0.1), "momentum is at least 0 and less than 1"),
        (lambda: optim.SGD(nesterov=True), "nesterov needs a momentum of more than 0"),
        (lambda: optim.SGD(momentum=0.9, nesterov=untyped(1)), "nesterov is True or False, got 1"),
        (lambda: optim.Adam(-1.0), "Adam learning_rate is more than 0, got -1.0"),
        (lambda: optim.Adam(beta1=1.0), "Adam beta1 is at least 0 and less than 1, got 1.0"),
        (lambda: optim.Adam(beta2=-0.5), "Adam beta2 is at least 0 and less than 1"),
        (lambda: optim.Adam(epsilon=0), "Adam epsilon is more than 0, got 0"),
        (lambda: optim.AdamW(weight_decay=-1), "AdamW weight_decay is at least 0, got -1"),
        (
            lambda: optim.AdamW(decay_all=untyped("yes")),
            "AdamW decay_all is True or False, got 'yes'",
        ),
    ],
)
def test_settings_are_checked(make: Any, message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        make()


def test_settings_given_as_numpy_scalars_change_no_type() -> None:
    optimizer = optim.Adam(
        np.float64(0.1), beta1=np.float64(0.5), epsilon=untyped(np.float32(1e-3))
    )
    assert type(optimizer.beta1) is float
    after, _ = one_step(optimizer, g.variable(np.ones(2, np.float32)), np.ones(2, "f4"), 0.1)
    assert after.dtype == np.float32


def arguments() -> dict[str, Any]:
    parameters = {"W": g.variable(np.ones(2, np.float32))}
    return {
        "parameters": parameters,
        "gradients": {"W": g.zeros((2,))},
        "slots": optim.Adam().init(parameters),
        "learning_rate": g.tensor(0.1),
        "step": g.tensor(0),
    }


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"gradients": {}}, "Adam: gradients do not match the parameters: 'W' is missing"),
        ({"gradients": {"W": g.zeros((2,)), "b": g.zeros(())}}, "'b' is unexpected"),
        ({"gradients": {"W": g.zeros((3,))}}, r"the gradient of 'W' is float32\[3\]"),
        ({"gradients": {"W": g.zeros((2,), np.float64)}}, r"gradient of 'W' is float64\[2\]"),
        ({"slots": {}}, "Adam: slots do not match the parameters: 'adam.m/W' is missing"),
        ({"learning_rate": g.zeros((1,))}, "Adam: learning_rate is a scalar tensor"),
        ({"step": g.zeros((2,), np.int64)}, "Adam: step is a scalar tensor"),
    ],
)
def test_what_does_not_fit_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        optim.Adam().update(**{**arguments(), **change})


def test_other_slots_and_parameters_are_refused() -> None:
    given_ = arguments()
    given_["slots"]["adam.m/W"] = g.State(np.zeros(3, np.float32), "adam.m/W")
    with pytest.raises(ValueError, match="slot 'm' of 'W' has another shape"):
        optim.Adam().update(**given_)
    with pytest.raises(TypeError, match="'W' is computed by 'add': it is no parameter"):
        optim.Adam().init({"W": g.variable(1.0) + 1.0})
    twice = g.variable(np.ones(2, np.float32))
    both = {"a": twice, "b": twice}
    with pytest.raises(ValueError, match="GradientDescent: 'b' is given twice"):
        optim.SGD().update(both, both, {}, g.tensor(0.1), g.tensor(0))


@settings(deadline=None)
@given(
    st.one_of(
        st.builds(optim.Adam, st.floats(1e-6, 1), st.floats(0, 0.99), st.floats(0, 0.99)),
        st.builds(optim.AdamW, weight_decay=st.floats(0, 1), decay_all=st.booleans()),
        st.builds(optim.SGD, st.floats(1e-6, 1), st.floats(0.1, 0.99), st.booleans()),
    )
)
def test_specs_round_trip(optimizer: optim.Optimizer) -> None:
    spec = json.loads(json.dumps(optim.to_spec(optimizer), allow_nan=False))
    assert optim.from_spec(spec) == optimizer


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"type": "Optimizer", "learning_rate": 1}, "optimizer: unknown type 'Optimizer'"),
        ({"type": "Adam", "beta1": 2}, "optimizer: Adam beta1 is at least 0 and less than 1"),
        ({"type": "Adam", "name": "sgd"}, "optimizer: Adam has no setting 'name'"),
        ({"type": "Adam", "beta1": "0.9"}, "optimizer.beta1: expected a finite number, got '0.9'"),
    ],
)
def test_other_specs_are_refused(spec: Any, message: str) -> None:
    with pytest.raises(ModelFileError, match=message):
        optim.from_spec(spec)


class Mine(optim.Adam):
    """Of one's own."""


class MyRate(optim.ConstantRate):
    """Of one's own."""


def test_what_is_of_ones_own_is_named() -> None:
    for own in (optim.Clip(Mine(0.5), norm=1.0), Mine(beta1=0.25)):
        again = optim.from_spec(json.loads(json.dumps(optim.to_spec(own))))
        assert again == own and type(again) is type(own)
    assert type(optim.schedule_from_spec(optim.to_spec(optim.WarmUp(2, MyRate())))) is optim.WarmUp
    assert optim.to_spec(MyRate()) == {"type": f"{__name__}:MyRate", "attributes": []}


def test_every_schedule_has_a_spec() -> None:
    kinds = library(optim.Schedule).values()
    for kind in kinds:
        given = kind(at=(1.0, 2.0)) if kind is optim.MilestoneRate else kind()
        again = optim.schedule_from_spec(json.loads(json.dumps(optim.to_spec(given))))
        assert again == given and type(again) is kind
    public = [getattr(optim, name) for name in optim.__all__]
    named = {kind for kind in public if isinstance(kind, type) and issubclass(kind, optim.Schedule)}
    assert named == {optim.Schedule, *kinds}


def test_plain_descent_reaches_the_minimum_of_a_network_with_every_layer() -> None:
    """The whole step as one graph: forward, backward, optimizer, running statistics."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(64, 3)).astype(np.float32)
    y = (x[:, 0] * x[:, 1] > 0).astype(np.int64)
    net = nn.Sequential(
        nn.Linear(32), nn.BatchNorm(), nn.ReLU(), nn.Dropout(0.1), nn.Linear(2)
    ).build(3)
    step = g.placeholder("step", (), np.int64)
    with nn.training(seed=1, step=step) as forward:
        loss = nn.CrossEntropy()(net(x), y)
    parameters = dict(net.named_parameters())
    optimizer = optim.SGD(momentum=0.9)
    updates = optimizer.update(
        parameters, g.grad(loss, parameters), optimizer.init(parameters), g.tensor(0.1), step
    )
    graph = Graph({"loss": loss.node}, {**forward.updates, **updates})
    g.verify(graph)
    losses = g.executor().build(graph).run(150, {"step": np.arange(150)})["loss"]
    assert losses[-10:].mean() < 0.25 * losses[0]
    assert (net(x).numpy().argmax(1) == y).mean() > 0.9
