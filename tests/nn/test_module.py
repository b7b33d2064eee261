"""Modules: paths, building, first calls, and what errors say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pellucid import graph as g
from pellucid import nn
from pellucid.graph import Tensor
from tests.nn.networks import Own, small


def test_paths() -> None:
    net = small().build(3)
    assert [name for name, _ in net.named_parameters()] == [
        "hidden.0.W",
        "hidden.0.b",
        "hidden.1.gamma",
        "hidden.1.beta",
        "output.W",
        "output.b",
    ]
    assert [name for name, _ in net.named_buffers()] == [
        "hidden.1.running_mean",
        "hidden.1.running_variance",
    ]
    modules = [name for name, _ in net.named_modules()]
    assert modules == ["", "hidden", "hidden.0", "hidden.1", "hidden.2", "output"]
    assert {p.role for _, p in net.named_parameters()} == {"weight", "bias", "norm"}
    assert all(p.state.name == name for name, p in net.named_parameters())
    assert net.parameter_count() == 3 * 8 + 8 + 16 + 16 + 2
    assert net.parameter_count() == sum(p.size for p in net.parameters())


def test_a_network_of_ones_own() -> None:
    net = Own()
    x = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    y = net(x)
    assert [name for name, _ in net.named_parameters()] == [
        "scale",
        "blocks.0.W",
        "blocks.0.b",
        "blocks.1.W",
        "blocks.1.b",
        "heads.left.W",
        "heads.left.b",
        "heads.right.W",
        "heads.right.b",
    ]
    at = net.state_dict()
    hidden = x
    for i in range(2):
        hidden = np.tanh(hidden @ at[f"blocks.{i}.W"] + at[f"blocks.{i}.b"])
    out = sum(hidden @ at[f"heads.{s}.W"] + at[f"heads.{s}.b"] for s in ("left", "right"))
    np.testing.assert_allclose(y.numpy(), 2 * out, rtol=1e-5, atol=1e-6)
    gradients = g.grad(y.sum(), dict(net.named_parameters()))
    assert all(np.abs(gradient.numpy()).max() > 0 for gradient in gradients.values())
    assert repr(net).startswith("Own(\n    blocks.0=Linear(4),")


def test_draws_depend_on_seed_and_path_only() -> None:
    first = small().build(3, seed=7).state_dict()
    again = small().build(3, seed=7).state_dict()
    other = small().build(3, seed=8).state_dict()
    assert all((first[name] == again[name]).all() for name in first)
    assert (first["hidden.0.W"] != other["hidden.0.W"]).all()
    more = nn.Sequential(
        {"extra": nn.Linear(3), "hidden": small()["hidden"], "output": nn.Linear(2)}
    )
    np.testing.assert_array_equal(
        more.build(3, seed=7).state_dict()["hidden.0.W"], first["hidden.0.W"]
    )


def test_first_call_builds_with_seed_zero() -> None:
    called, built = small(), small().build(3)
    called(np.zeros((2, 3), np.float32))
    for name, value in called.state_dict().items():
        np.testing.assert_array_equal(value, built.state_dict()[name])


def test_building_again_keeps_what_is_there() -> None:
    net = small().build(3, seed=1)
    before = net.state_dict()
    net.build(3, seed=2)
    assert all((before[name] == value).all() for name, value in net.state_dict().items())


def test_build_from_an_example_and_in_float64() -> None:
    net = nn.Sequential(nn.Flatten(), nn.Linear(2)).build(np.zeros((5, 2, 3)), dtype=np.float64)
    assert net.state_dict()["1.W"].shape == (6, 2)
    assert net.state_dict()["1.W"].dtype == np.float64
    assert nn.Sequential(nn.Flatten(), nn.Linear(2)).build((2, 3)).state_dict()["1.W"].shape == (
        6,
        2,
    )
    assert nn.Linear(2).build(np.int64(3)).parameter_count() == 8  # type: ignore[arg-type]


@pytest.mark.parametrize("shape", [(None, 3), -1, (2.5,), "3", None, (True,)])
def test_build_refuses_other_shapes(shape: Any) -> None:
    with pytest.raises(ValueError, match="an input shape is made of integers"):
        nn.Linear(2).build(shape)


@pytest.mark.parametrize("seed", [-1, 0.5, None, True])
def test_build_refuses_other_seeds(seed: Any) -> None:
    with pytest.raises(ValueError, match="a seed is an integer of at least 0"):
        nn.Linear(2).build(3, seed)


def test_unbuilt_networks_say_so() -> None:
    net = small()
    for ask in (net.parameters, net.state_dict, net.parameter_count):
        with pytest.raises(ValueError, match=r"Linear 'hidden.0' has no parameters yet"):
            ask()
    with pytest.raises(AttributeError, match=r"no attribute 'W'; parameters are made by build"):
        _ = nn.Linear(2).W
    with pytest.raises(
        AttributeError, match=r"'Linear' has no attribute 'weight'; it is called W$"
    ):
        _ = nn.Linear(2).build(1).weight  # type: ignore[attr-defined]
    assert nn.ReLU().parameters() == []


def test_a_layer_that_is_never_used_has_no_parameters() -> None:
    class Spare(nn.Module):
        def __init__(self) -> None:
            self.used, self.spare = nn.Linear(2), nn.Linear(3)

        def forward(self, x: Tensor) -> Tensor:
            return self.used(x)

    assert list(Spare().build(4).state_dict()) == ["used.W", "used.b"]


def test_shape_errors_name_layer_and_shapes() -> None:
    net = nn.Sequential(hidden1=nn.Linear(128), hidden2=nn.Linear(4)).build(3)
    with pytest.raises(ValueError, match=r"^Linear 'hidden1' expects \(batch, 3\), got \(batch, 5"):
        net(np.zeros((2, 5)))
    shrunk = nn.Sequential(hidden1=nn.Linear(64), hidden2=net["hidden2"])
    message = r"^Linear 'hidden2' expects \(batch, 128\), got \(batch, 64\)"
    with pytest.raises(ValueError, match=message):
        shrunk(np.zeros((2, 3)))
    with pytest.raises(ValueError, match=r"^Linear expects \(batch, 3\)"):
        net["hidden1"](np.zeros((2, 5)))


def test_errors_inside_a_layer_are_located_once() -> None:
    class Wrong(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x @ x

    with pytest.raises(ValueError, match="matmul") as caught:
        nn.Sequential(nn.Sequential(Wrong()))(np.zeros((2, 3)))
    assert caught.value.__notes__ == ["in Wrong '0.0', with input (batch, 3)"]


def test_forward_returns_a_tensor() -> None:
    class Wrong(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return [x]  # type: ignore[return-value]

    with pytest.raises(TypeError, match="forward returned a list, not a Tensor"):
        Wrong()(np.zeros((2, 3)))
    with pytest.raises(NotImplementedError, match=r"Module has no forward"):
        nn.Module()(np.zeros((2, 3)))


def test_a_failed_call_leaves_nothing_behind() -> None:
    class Fails(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            raise ValueError("no")

    first = nn.Linear(4)
    with pytest.raises(ValueError, match="no"):
        nn.Sequential(first, nn.BatchNorm(), Fails())(np.zeros((2, 30)))
    net = nn.Sequential(first, nn.ReLU())
    assert net(np.zeros((2, 3))).shape == (2, 4)
    assert first.W.shape == (3, 4)


def test_parameters_in_a_local_layer_are_refused() -> None:
    class Local(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return nn.Linear(3)(nn.ReLU()(x))

    with pytest.raises(ValueError, match="Linear has parameters but is not part of Local"):
        Local()(np.zeros((2, 3)))


def test_layers_made_in_setup() -> None:
    class Square(nn.Module):
        def setup(self, x: Tensor) -> None:
            self.inner = nn.Linear(x.shape[-1])
            self.shift: nn.Parameter = self.parameter("shift", x.shape[1:], nn.Ones(), "bias")

        def forward(self, x: Tensor) -> Tensor:
            return self.inner(x) + self.shift

    net = nn.Sequential(Square()).build(3)
    assert sorted(net.state_dict()) == ["0.inner.W", "0.inner.b", "0.shift"]


def test_parameters_hold_floats() -> None:
    assert nn.Parameter([1.0, 2.0]).dtype == np.float32
    assert nn.Parameter(np.zeros(2)).dtype == np.float64
    with pytest.raises(TypeError, match="a parameter holds floats, got int64"):
        nn.Parameter([1, 2])
    with pytest.raises(RuntimeError, match="Linear makes its parameters while it is called"):
        nn.Linear(2).setup(g.zeros((1, 2)))
