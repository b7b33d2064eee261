"""Normalisation that does not depend on the batch, channel dropout, stochastic depth and noise."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid import graph as g
from pellucid import nn
from pellucid.graph import Array
from tests.by_torch import ByTorch, F, torch
from tests.nn.peers import Peer, Weights, check_layer, check_native

RNG = np.random.default_rng(8)
IMAGES = RNG.normal(1.0, 2.0, (2, 3, 4, 6))
ROWS = RNG.normal(1.0, 2.0, (3, 6))


def channels_first(x: torch.Tensor) -> torch.Tensor:
    return x.movedim(-1, 1)


def group(groups: int) -> Peer:
    def peer(x: torch.Tensor, w: Weights) -> torch.Tensor:
        return F.group_norm(channels_first(x), groups, w["gamma"], w["beta"]).movedim(1, -1)

    return peer


def instance(x: torch.Tensor, w: Weights) -> torch.Tensor:
    y = F.instance_norm(channels_first(x), weight=w["gamma"], bias=w["beta"])
    return y.movedim(1, -1)


CASES: dict[str, tuple[Callable[[], nn.Module], Peer, Array]] = {
    "group": (lambda: nn.GroupNorm(3), group(3), IMAGES),
    "one group": (lambda: nn.GroupNorm(1), group(1), IMAGES),
    "group of rows": (lambda: nn.GroupNorm(2), group(2), ROWS),
    "instance": (nn.InstanceNorm, instance, IMAGES),
    "instance of sequences": (nn.InstanceNorm, instance, IMAGES[0]),
    "rms": (
        lambda: nn.RMSNorm(1e-3),
        lambda x, w: F.rms_norm(x, (6,), w["gamma"], 1e-3),
        IMAGES,
    ),
    "rms of rows": (nn.RMSNorm, lambda x, w: F.rms_norm(x, (6,), w["gamma"], 1e-5), ROWS),
}


@pytest.mark.parametrize("name", CASES)
def test_agrees_with_torch(name: str, by_torch: ByTorch) -> None:
    make, peer, x = CASES[name]
    check_layer(make(), peer, x, by_torch)


NATIVE: dict[str, tuple[Callable[[], nn.Module], Array]] = {
    **{name: (make, x) for name, (make, _, x) in CASES.items()},
    "channel dropout": (lambda: nn.Sequential(nn.Linear(4), nn.Dropout(0.5, True)), IMAGES),
    "paths": (lambda: nn.Residual(nn.Sequential(nn.Linear(6), nn.DropPath(0.5))), IMAGES),
    "noise": (lambda: nn.Sequential(nn.GaussianNoise(0.3), nn.Linear(2)), ROWS),
}


@pytest.mark.parametrize("name", NATIVE)
def test_runs_natively(name: str) -> None:
    make, x = NATIVE[name]
    check_native(make(), x, twice=True)


@given(st.integers(1, 4), st.integers(1, 4), st.integers(1, 5), st.integers(2, 5))
def test_groups_between_layer_and_instance(batch: int, groups: int, size: int, places: int) -> None:
    x = np.random.default_rng(places).normal(size=(batch, places, groups * size))
    whole = nn.GroupNorm(1).build(x, dtype=np.float64)(x).numpy()
    flat = x.reshape(batch, -1)
    deviation = np.sqrt(flat.var(1) + 1e-5)
    expected = (x - flat.mean(1)[:, None, None]) / deviation[:, None, None]
    np.testing.assert_allclose(whole, expected, rtol=1e-9, atol=1e-9)
    apart = nn.GroupNorm(groups * size).build(x, dtype=np.float64)(x).numpy()
    alone = nn.InstanceNorm().build(x, dtype=np.float64)(x).numpy()
    np.testing.assert_array_equal(apart, alone)


def test_parameters_are_norms_and_left_alone_by_regularisers() -> None:
    net = nn.Sequential(nn.GroupNorm(2), nn.InstanceNorm(), nn.RMSNorm()).build((3, 4))
    roles = {name: parameter.role for name, parameter in net.named_parameters()}
    assert roles == {
        "0.gamma": "norm",
        "0.beta": "norm",
        "1.gamma": "norm",
        "1.beta": "norm",
        "2.gamma": "norm",
    }


# -- draws -------------------------------------------------------------------------------------


def drawn(net: nn.Module, x: Array, step: int = 0) -> Array:
    with nn.training(seed=4, step=step):
        return net(x.astype(np.float32)).numpy()


def test_whole_channels_are_left_out() -> None:
    x = np.ones((40, 3, 4, 6))
    y = drawn(nn.Dropout(0.25, channels=True), x)
    np.testing.assert_array_equal(y, np.broadcast_to(y[:, :1, :1], y.shape))
    found = set(np.unique(y).tolist())
    assert found == {0.0, float(np.float32(1 / 0.75))}
    assert 0.15 < (y[:, 0, 0] == 0).mean() < 0.35
    np.testing.assert_array_equal(drawn(nn.Dropout(0.25, channels=True), x), y)
    assert (drawn(nn.Dropout(0.25, channels=True), x, step=1) != y).any()


def test_whole_examples_are_left_out() -> None:
    x = np.ones((200, 3, 2))
    y = drawn(nn.DropPath(0.5), x)
    assert set(np.unique(y.reshape(200, -1).std(1)).tolist()) == {0.0}
    assert set(np.unique(y).tolist()) == {0.0, 2.0}
    assert 0.35 < (y[:, 0, 0] == 0).mean() < 0.65


def test_noise_has_its_deviation() -> None:
    y = drawn(nn.GaussianNoise(0.5), np.full((4000, 3), 7.0)) - 7.0
    assert abs(y.mean()) < 0.02 and abs(y.std() - 0.5) < 0.02


@pytest.mark.parametrize(
    "layer", [nn.Dropout(0.5, channels=True), nn.DropPath(0.5), nn.GaussianNoise(1.0)]
)
def test_evaluation_changes_nothing(layer: nn.Module) -> None:
    x = g.tensor(ROWS)
    assert layer(x).node is x.node


# -- bad input ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "x", "message"),
    [
        (
            lambda: nn.GroupNorm(4),
            IMAGES,
            r"GroupNorm 'a' cannot divide 6 channels into 4 groups of one size",
        ),
        (lambda: nn.GroupNorm(6), ROWS, r"GroupNorm 'a' expects 2 values or more in each group"),
        (lambda: nn.InstanceNorm(), ROWS, r"InstanceNorm 'a' expects 2 values or more"),
        (lambda: nn.RMSNorm(), ROWS[0], r"RMSNorm 'a' expects \(batch, …, features\), got"),
        (lambda: nn.DropPath(0.1), np.array(1.0), r"DropPath 'a' expects \(batch, …\), got \(\)"),
        (lambda: nn.Dropout(0.1, True), ROWS[0], r"Dropout 'a' expects \(batch, …, channels\)"),
    ],
)
def test_what_does_not_fit(make: Callable[[], nn.Module], x: Array, message: str) -> None:
    with nn.training(), pytest.raises(ValueError, match=message):
        nn.Sequential(a=make())(x)


def test_another_number_of_channels() -> None:
    net = nn.GroupNorm(2).build((4, 4, 6))
    with pytest.raises(ValueError, match=r"GroupNorm expects \(batch, 4, 4, 6\), got .* 4, 4, 8"):
        net(np.ones((2, 4, 4, 8), np.float32))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: nn.GroupNorm(0), "GroupNorm groups is at least 1, got 0"),
        (lambda: nn.GroupNorm(2, epsilon=0), "epsilon is more than 0"),
        (lambda: nn.InstanceNorm(-1e-5), "epsilon is more than 0"),
        (lambda: nn.RMSNorm(float("nan")), "epsilon is more than 0"),
        (lambda: nn.DropPath(1.0), "DropPath rate is at least 0 and less than 1, got 1.0"),
        (lambda: nn.GaussianNoise(-1), "deviation is at least 0"),
        (lambda: nn.Dropout(0.5, channels=1), "channels is True or False"),  # type: ignore[arg-type]
    ],
)
def test_settings_out_of_range(make: Callable[[], nn.Module], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
