"""The state of a network: reading, loading, sharing and copying it."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from pellucid import nn
from tests.nn.networks import small


def test_state_dict_is_a_copy_and_loads() -> None:
    net, other = small().build(3, seed=1), small().build(3, seed=2)
    before = net.state_dict()
    before["output.b"][:] = 9.0
    assert (net.state_dict()["output.b"] == 0).all()
    other.load_state_dict(before)
    x = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    net.load_state_dict(before)
    np.testing.assert_array_equal(net(x).numpy(), other(x).numpy())


def test_loading_is_all_or_nothing() -> None:
    net = small().build(3)
    before = net.state_dict()
    wrong = {name: value + 1 for name, value in before.items()}
    wrong["extra"] = wrong.pop("output.b")
    wrong["output.W"] = np.zeros((3, 2), np.float32)
    wrong["hidden.0.b"] = np.zeros(8, np.int64)
    with pytest.raises(ValueError, match="do not fit the network") as caught:
        net.load_state_dict(wrong)
    for part in (
        "output.b is missing",
        "extra is unexpected",
        "output.W has shape (8, 2), got (3, 2)",
        "hidden.0.b holds float32, got int64",
    ):
        assert part in str(caught.value)
    assert all((before[name] == value).all() for name, value in net.state_dict().items())


def test_building_from_values_draws_nothing() -> None:
    net = small().build(3, seed=5)
    values = net.state_dict()
    again = small().build(3, values=values)
    assert all((values[name] == value).all() for name, value in again.state_dict().items())
    huge = nn.Sequential(hidden=nn.Linear(10**12))
    with pytest.raises(ValueError, match=r"'hidden.W' has shape \(3, 1000000000000\), got"):
        huge.build(3, values={"hidden.W": np.zeros((3, 8)), "hidden.b": np.zeros(8)})
    with pytest.raises(ValueError, match=r"parameter 'hidden.0.b' is missing"):
        small().build(3, values={"hidden.0.W": values["hidden.0.W"]})
    with pytest.raises(ValueError, match="extra is unexpected"):
        small().build(3, values={**values, "extra": np.zeros(1)})
    with pytest.raises(ValueError, match=r"running_mean is missing"):
        small().build(3, values={n: v for n, v in values.items() if "mean" not in n})


def test_a_parameter_set_before_is_kept() -> None:
    W = nn.Parameter(np.ones((3, 2), np.float32))
    layer = nn.Linear(2)
    layer.W = W
    assert layer.build(3).W is W
    other = nn.Linear(2)
    other.W = W
    with pytest.raises(ValueError, match=r"W was set with shape \(3, 2\), this input needs \(4, 2"):
        other.build(4)


def test_shared_parameters_count_once() -> None:
    layer = nn.Linear(3)
    net = nn.Sequential(layer, nn.Tanh(), layer).build(3)
    assert list(net.state_dict()) == ["0.W", "0.b"]
    assert net.parameter_count() == 12
    assert sum(row.parameters for row in net.summary(3).rows) == 12
    first, second = nn.Linear(3), nn.Linear(3)
    tied = nn.Sequential(first, second)
    first.build(3)
    second.W = first.W
    tied.build(3)
    assert list(tied.state_dict()) == ["0.W", "0.b", "1.b"]


def test_copies_are_separate() -> None:
    layer = nn.Linear(3)
    net = nn.Sequential(layer, nn.BatchNorm(), layer).build(3, seed=1)
    twin = copy.deepcopy(net)
    assert twin.parameter_count() == net.parameter_count()
    twin.parameters()[0].value[:] = 0.0
    assert np.abs(net.state_dict()["0.W"]).max() > 0
    assert np.abs(twin(np.ones((2, 3))).numpy()).max() == 0.0
    assert copy.deepcopy(small()).build(3).parameter_count() == 66
