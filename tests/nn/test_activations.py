"""Activations against PyTorch, finite differences, and at the ends of the range."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid import graph as g
from pellucid import nn
from pellucid.graph import Array
from tests.by_torch import ByTorch, F, torch
from tests.nn.peers import check_native
from tests.nn.support import TorchFunction, check_against_torch, check_by_differences

PEERS: dict[str, tuple[nn.Module, TorchFunction]] = {
    "identity": (nn.Identity(), lambda x: x * 1.0),
    "sigmoid": (nn.Sigmoid(), lambda x: torch.sigmoid(x)),
    "tanh": (nn.Tanh(), lambda x: torch.tanh(x)),
    "relu": (nn.ReLU(), lambda x: torch.relu(x)),
    "relu6": (nn.ReLU6(), lambda x: F.relu6(x)),
    "leaky": (nn.LeakyReLU(), lambda x: F.leaky_relu(x)),
    "leaky 0.2": (nn.LeakyReLU(0.2), lambda x: F.leaky_relu(x, negative_slope=0.2)),
    "gelu": (nn.GELU(), lambda x: F.gelu(x)),
    "gelu tanh": (nn.GELU("tanh"), lambda x: F.gelu(x, approximate="tanh")),
    "silu": (nn.SiLU(), lambda x: F.silu(x)),
    "softplus": (nn.Softplus(), lambda x: F.softplus(x)),
    "elu": (nn.ELU(), lambda x: F.elu(x)),
    "elu 0.5": (nn.ELU(0.5), lambda x: F.elu(x, alpha=0.5)),
    "selu": (nn.SELU(), lambda x: torch.selu(x)),
    "mish": (nn.Mish(), lambda x: F.mish(x)),
    "softmax": (nn.Softmax(), lambda x: torch.softmax(x, dim=-1)),
    "log softmax": (nn.LogSoftmax(), lambda x: torch.log_softmax(x, dim=-1)),
    "softmax over 1": (nn.Softmax(1), lambda x: torch.softmax(x, dim=1)),
}
NAMES = sorted(PEERS)
KINKED = ["elu", "elu 0.5", "leaky", "leaky 0.2", "relu", "relu6", "selu"]


def points(dtype: type[np.floating]) -> Array:
    """Values of all sizes up to 8 in three axes, none close to a kink."""
    values = np.random.default_rng(0).normal(0, 2.5, (4, 3, 5))
    return (values + 0.01 * np.sign(values)).astype(dtype)


@pytest.mark.parametrize("name", NAMES)
def test_agrees_with_torch(name: str, by_torch: ByTorch) -> None:
    own, peer = PEERS[name]
    check_against_torch(own, peer, points(np.float32), by_torch)
    check_against_torch(own, peer, points(np.float64), by_torch, rtol=1e-11, atol=3e-8)


@pytest.mark.parametrize("name", NAMES)
def test_agrees_with_finite_differences(name: str) -> None:
    check_by_differences(PEERS[name][0], points(np.float64))


@pytest.mark.parametrize("name", NAMES)
def test_runs_natively(name: str) -> None:
    own, _ = PEERS[name]
    check_native(nn.Sequential(nn.Linear(5), own, nn.Linear(3)), points(np.float64), twice=True)


@pytest.mark.parametrize("name", [n for n in NAMES if n not in KINKED])
def test_slopes_at_zero_agree_with_torch(name: str, by_torch: ByTorch) -> None:
    own, peer = PEERS[name]
    check_against_torch(own, peer, np.zeros((2, 1, 1), np.float32), by_torch)


@pytest.mark.parametrize("name", KINKED)
def test_kinks_have_torch_slope(name: str, by_torch: ByTorch) -> None:
    own, peer = PEERS[name]
    x = g.variable(np.zeros((1, 1), np.float32))

    def slope(at: torch.Tensor) -> list[torch.Tensor]:
        return list(torch.autograd.grad(peer(at.requires_grad_()).sum(), at))

    (expected,) = by_torch(slope, np.zeros((1, 1), np.float32))
    assert g.grad(own(x).sum(), x).item() == pytest.approx(expected.item(), abs=1e-7)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", NAMES)
def test_finite_and_right_at_the_ends(
    name: str, dtype: type[np.floating], by_torch: ByTorch
) -> None:
    own, peer = PEERS[name]
    ends = [-1e4, 1e4, -1e3, 90.0, -90.0, 0.5, 750.0, -750.0]
    x = np.array(ends, dtype).reshape(2, 2, 2)
    at = g.variable(x)
    y = own(at)
    first = g.grad((y * np.arange(1.0, 9.0, dtype=dtype).reshape(2, 2, 2)).sum(), at)
    second = g.grad(first.square().sum(), at)
    for tensor in (y, first, second):
        assert np.isfinite(tensor.numpy()).all()
    (expected,) = by_torch(lambda x: [peer(x)], x)
    expected.check(y.numpy(), rtol=2e-6, atol=1e-8)


def test_softplus_keeps_its_digits_where_it_is_small() -> None:
    x = np.array([-80.0, -30.0, -1.0], np.float32)
    exact = np.log1p(np.exp(x.astype(np.float64)))
    np.testing.assert_allclose(nn.functional.softplus(g.tensor(x)).numpy(), exact, rtol=1e-6)


def test_log_softmax_keeps_its_digits_far_from_zero(by_torch: ByTorch) -> None:
    x = np.array([[1e4, 1e4 - 1.0, 1e4 - 2.0]], np.float32)
    (expected,) = by_torch(lambda x: [torch.log_softmax(x, -1)], x.astype(np.float64))
    expected.check(nn.functional.log_softmax(g.tensor(x)).numpy(), rtol=1e-6)


def test_step() -> None:
    x = g.variable(np.array([-1e4, -0.1, 0.0, 0.1, 1e4], np.float32))
    y = nn.Step()(x)
    np.testing.assert_array_equal(y.numpy(), [0, 0, 1, 1, 1])
    np.testing.assert_array_equal(g.grad(y.sum(), x).numpy(), np.zeros(5))


@settings(deadline=None)
@given(st.floats(-50, 50))
def test_tanh_is_a_sigmoid(value: float) -> None:
    x = g.tensor(np.array([value]))
    other = 2 * nn.functional.sigmoid(2 * x) - 1
    np.testing.assert_allclose(nn.functional.tanh(x).numpy(), other.numpy(), atol=1e-15)


def test_settings_are_checked() -> None:
    with pytest.raises(ValueError, match="LeakyReLU slope is at least 0, got -1"):
        nn.LeakyReLU(-1)
    with pytest.raises(ValueError, match="ELU alpha is at least 0, got nan"):
        nn.ELU(float("nan"))
    with pytest.raises(ValueError, match="GELU approximate is 'none' or 'tanh', got 'erf'"):
        nn.GELU("erf")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="LeakyReLU slope is a number, got '1'"):
        nn.LeakyReLU("1")  # type: ignore[arg-type]


def test_softmax_does_not_mix_the_batch() -> None:
    x = np.zeros((2, 3), np.float32)
    with pytest.raises(ValueError, match="Softmax over axis 0 would mix the batch"):
        nn.Softmax(0)(x)
    with pytest.raises(ValueError, match=r"LogSoftmax expects an input with an axis 2, got"):
        nn.LogSoftmax(2)(x)
