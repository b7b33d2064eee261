"""Layers against PyTorch and finite differences, in training and in evaluation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid import graph as g
from pellucid import nn
from pellucid.graph import Array, Graph, Tensor
from tests.by_torch import ByTorch, F, torch
from tests.nn.peers import Peer, Weights, check_native
from tests.nn.support import TorchFunction, check_against_torch, check_by_differences

RNG = np.random.default_rng(11)


def untyped(value: Any) -> Any:
    """A setting of a type that the checker would not let pass."""
    return value


def held(net: nn.Module, dtype: type[np.floating], inputs: int) -> nn.Module:
    """The network built in `dtype`, with every parameter and buffer away from where it starts."""
    net.build(inputs, dtype=dtype)
    dice = np.random.default_rng(10)
    for name, value in net.state_dict().items():
        drawn = np.asarray(dice.normal(0, 0.5, value.shape))
        dict([*net.named_parameters(), *net.named_buffers()])[name].value = (
            np.abs(drawn) + 0.5 if "variance" in name else drawn
        )
    return net


def batch_norm(x: torch.Tensor, w: Weights) -> torch.Tensor:
    statistics = w["running_mean"], w["running_variance"]
    return F.batch_norm(x, *statistics, w["gamma"], w["beta"])


CASES: dict[str, tuple[Callable[[], nn.Module], Peer]] = {
    "linear": (lambda: nn.Linear(3), lambda x, w: F.linear(x, w["W"].T, w["b"])),
    "layer norm": (nn.LayerNorm, lambda x, w: F.layer_norm(x, (4,), w["gamma"], w["beta"])),
    "batch norm": (nn.BatchNorm, batch_norm),
    "residual": (
        lambda: nn.Residual(
            nn.Sequential(nn.Linear(5), nn.Tanh()), projection=nn.Linear(5, bias=False)
        ),
        lambda x, w: torch.tanh(x @ w["block.0.W"] + w["block.0.b"]) + x @ w["projection.W"],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_agrees_with_torch(name: str, by_torch: ByTorch) -> None:
    make, peer = CASES[name]
    for dtype, tolerance in ((np.float32, 3e-5), (np.float64, 1e-12)):
        net = held(make(), dtype, 4)
        x = np.random.default_rng(11).normal(size=(6, 4)).astype(dtype)
        others = [net.state_dict()]
        check_against_torch(net, peer, x, by_torch, tolerance, tolerance, others)


@pytest.mark.parametrize("name", CASES)
def test_agrees_with_finite_differences(name: str) -> None:
    net = held(CASES[name][0](), np.float64, 4)
    check_by_differences(net, RNG.normal(size=(6, 4)))


@pytest.mark.parametrize("name", CASES)
def test_parameters_agree_with_finite_differences(name: str) -> None:
    """The gradient with respect to each parameter, of a smooth function of the output."""
    net = held(CASES[name][0](), np.float64, 4)
    x = RNG.normal(size=(6, 4))
    loss = net(x).tanh().square().mean()
    for path, parameter in net.named_parameters():
        gradient = g.grad(loss, parameter).numpy()
        start, direction = parameter.value.copy(), RNG.normal(size=parameter.shape)
        ends = []
        for sign in (1, -1):
            parameter.value = start + sign * 1e-5 * direction
            ends.append(loss.item())
        parameter.value = start
        expected = (ends[0] - ends[1]) / 2e-5
        assert (gradient * direction).sum() == pytest.approx(expected, rel=1e-6, abs=1e-9), path


@pytest.mark.parametrize("name", CASES)
def test_runs_natively(name: str) -> None:
    """In training: of batch norm the statistics of the batch, and the running ones after it."""
    check_native(CASES[name][0](), RNG.normal(size=(6, 4)), twice=True)


def test_linear_without_bias_and_with_more_axes() -> None:
    net = nn.Linear(3, bias=False)
    x = RNG.normal(size=(2, 5, 4)).astype(np.float32)
    y = net(x)
    assert list(dict(net.named_parameters())) == ["W"]
    np.testing.assert_allclose(y.numpy(), x @ net.state_dict()["W"], rtol=1e-5, atol=1e-6)


@settings(deadline=None)
@given(st.lists(st.integers(0, 4), min_size=1, max_size=3), st.integers(1, 5), st.integers(1, 5))
def test_linear_keeps_every_axis_but_the_last(lead: list[int], inputs: int, features: int) -> None:
    net = nn.Linear(features).build(inputs, dtype=np.float64)
    x = RNG.normal(size=(*lead, inputs))
    expected = x @ net.state_dict()["W"]
    np.testing.assert_allclose(net(x).numpy(), expected, rtol=1e-12, atol=1e-12)


def run_once(net: nn.Module, x: Tensor, **source: Any) -> tuple[Array, nn.ForwardPass]:
    with nn.training(**source) as forward:
        output = net(x)
    graph = Graph({"y": output.node}, forward.updates)
    g.verify(graph)
    return g.executor().build(graph).run(1)["y"][0], forward


@pytest.mark.parametrize("shape", [(8, 3), (2, 5, 4, 3)])
def test_batch_norm_in_training(shape: tuple[int, ...], by_torch: ByTorch) -> None:
    """Three batches, then the statistics, then another batch in evaluation."""
    dice = np.random.default_rng(12)
    batches = [dice.normal(2, 3, shape).astype(np.float32) for _ in range(4)]

    def peer(*rows: torch.Tensor) -> list[torch.Tensor]:
        norm = torch.nn.BatchNorm1d(3, momentum=0.3)
        outputs = [norm(x) for x in rows[:3]]
        return [*outputs, norm.running_mean, norm.running_var, norm.eval()(rows[3])]

    expected = by_torch(peer, *(x.reshape(-1, 3) for x in batches))
    own = nn.BatchNorm(momentum=0.3)
    own.build(shape[1:])
    found = [run_once(own, g.tensor(x))[0] for x in batches[:3]] + [own(batches[3]).numpy()]
    for output, wanted in zip(found, [*expected[:3], expected[5]], strict=True):
        wanted.check(output.reshape(-1, 3), rtol=1e-4, atol=1e-5)
    state = own.state_dict()
    expected[3].check(state["running_mean"], rtol=1e-5)
    expected[4].check(state["running_variance"], rtol=1e-5)


def test_batch_norm_gradients_in_training(by_torch: ByTorch) -> None:
    own = nn.BatchNorm()
    own.build(3, dtype=np.float64)

    def train(x: Tensor) -> Tensor:
        with nn.training():
            return own(x)

    x = np.random.default_rng(13).normal(size=(5, 3))
    check_by_differences(train, x)
    peer: TorchFunction = lambda x: F.batch_norm(x, None, None, training=True)  # noqa: E731
    check_against_torch(train, peer, x, by_torch, 1e-10, 1e-10)


def test_batch_norm_used_twice_moves_twice() -> None:
    norm = nn.BatchNorm(momentum=0.5).build(1)
    with nn.training() as forward:
        first, second = norm(np.array([[0.0], [2.0]], "f4")), norm(np.array([[4.0], [6.0]], "f4"))
    graph = Graph({"a": first.node, "b": second.node}, forward.updates)
    g.executor().build(graph).run(1)
    np.testing.assert_allclose(norm.state_dict()["running_mean"], [0.5 * 0.5 * 1 + 0.5 * 5])


def test_batch_norm_leaves_evaluation_alone() -> None:
    norm = nn.BatchNorm().build(2)
    before = norm.state_dict()
    x = RNG.normal(5, 1, (4, 2)).astype(np.float32)
    alone = norm(x[:1]).numpy()
    np.testing.assert_array_equal(norm(x).numpy()[:1], alone)
    assert all((before[name] == value).all() for name, value in norm.state_dict().items())


def test_batch_norm_refuses_one_row_in_training() -> None:
    norm = nn.BatchNorm().build(2)
    with (
        nn.training(),
        pytest.raises(
            ValueError, match=r"BatchNorm expects 2 rows or more .*\(GroupNorm takes one\)"
        ),
    ):
        norm(np.zeros((1, 2), np.float32))
    assert norm(np.zeros((1, 2), np.float32)).shape == (1, 2)


def test_dropout_keeps_the_mean_and_leaves_out_its_rate() -> None:
    x = g.ones((400, 100))
    for rate in (0.2, 0.5, 0.9):
        found, _ = run_once(nn.Dropout(rate), x)
        assert set(np.unique(found)) == {0.0, np.float32(1.0 / (1.0 - rate))}
        spread = 4 * np.sqrt(rate * (1 - rate) / x.size)
        assert abs((found == 0).mean() - rate) < spread


def test_dropout_in_evaluation_is_the_identity() -> None:
    x = g.tensor(RNG.normal(size=(3, 4)))
    assert nn.Dropout(0.5)(x).node is x.node
    with nn.training():
        assert nn.Dropout(0.0)(x).node is x.node


def test_dropout_draws_are_functions_of_seed_step_and_call() -> None:
    net = nn.Sequential(nn.Dropout(0.5), nn.Identity())
    x = g.ones((8, 32))
    same = [run_once(net, x, seed=1, step=4)[0] for _ in range(2)]
    np.testing.assert_array_equal(same[0], same[1])
    for source in ({"seed": 2, "step": 4}, {"seed": 1, "step": 5}):
        assert (run_once(net, x, **source)[0] != same[0]).any()
    with nn.training(seed=1, step=4):
        first, second = nn.Dropout(0.5)(x), nn.Dropout(0.5)(x)
    assert (first.numpy() != second.numpy()).any()


def test_dropout_gradient_passes_through_its_own_mask() -> None:
    x = g.variable(np.ones((5, 7), np.float32))
    with nn.training(seed=3):
        y = nn.Dropout(0.4)(x)
    np.testing.assert_array_equal(g.grad(y.sum(), x).numpy(), y.numpy())


def test_flatten() -> None:
    x = np.arange(24.0).reshape(2, 3, 4)
    np.testing.assert_array_equal(nn.Flatten()(x).numpy(), x.reshape(2, 12))
    assert nn.Flatten()(np.zeros((0, 3, 4))).shape == (0, 12)
    assert nn.Flatten()(np.zeros(5)).shape == (5, 1)


def test_residual_names_both_shapes() -> None:
    with pytest.raises(ValueError, match=r"output \(batch, 5\) .* around it \(batch, 4\)"):
        nn.Residual(nn.Linear(5))(np.zeros((2, 4)))
    with pytest.raises(TypeError, match="Residual block is a module, got a type"):
        nn.Residual(nn.ReLU)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: nn.Linear(0), "Linear features is at least 1, got 0"),
        (lambda: nn.Linear(untyped(2.5)), "Linear features is an integer of at least 1, got 2.5"),
        (lambda: nn.Linear(True), "Linear features is an integer"),
        (lambda: nn.Linear(784, untyped(256)), "the number of inputs is inferred"),
        (
            lambda: nn.Linear(3, initializer=untyped("he")),
            "Linear initializer is an Initializer, got 'he'",
        ),
        (lambda: nn.Dropout(1.0), "Dropout rate is at least 0 and less than 1, got 1.0"),
        (lambda: nn.Dropout(-0.1), "Dropout rate is at least 0"),
        (lambda: nn.Dropout(untyped("half")), "Dropout rate is a number, got 'half'"),
        (lambda: nn.BatchNorm(momentum=0), "BatchNorm momentum is more than 0 and at most 1"),
        (lambda: nn.BatchNorm(momentum=1.5), "BatchNorm momentum is more than 0 and at most 1"),
        (lambda: nn.BatchNorm(epsilon=0), "BatchNorm epsilon is more than 0"),
        (lambda: nn.LayerNorm(float("inf")), "LayerNorm epsilon is more than 0 and less than 1"),
    ],
)
def test_settings_are_checked(make: Callable[[], nn.Module], message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        make()


def test_settings_given_as_numpy_scalars() -> None:
    assert type(nn.Linear(np.int64(3)).features) is int  # type: ignore[arg-type]
    dropout = nn.Dropout(np.float64(0.5))
    assert type(dropout.rate) is float
    with nn.training():
        assert dropout(np.ones((2, 2), np.float32)).dtype == np.float32


@pytest.mark.parametrize("make", [lambda: nn.Linear(2), nn.BatchNorm, nn.LayerNorm])
def test_inputs_need_a_batch_and_their_own_width(make: Callable[[], nn.Module]) -> None:
    with pytest.raises(ValueError, match=r"expects \(batch, .*\), got \(batch\)"):
        make()(np.zeros(3))
    net = make().build(3)
    with pytest.raises(ValueError, match=r"expects \(batch, 3\), got \(batch, 4\)"):
        net(np.zeros((2, 4)))
