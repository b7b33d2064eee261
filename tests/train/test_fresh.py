"""A network that is trained again: it says so, or begins anew with the same bytes as a new one."""

from __future__ import annotations

import copy
import warnings
from typing import Any

import numpy as np
import pytest

import pellucid as pel
from pellucid import nn, optim
from pellucid.errors import PellucidWarning

DICE = np.random.default_rng(1)
X = DICE.normal(size=(40, 6, 4)).astype(np.float32)
FLAT = X[:, 0]
Y = (FLAT[:, 0] > 0).astype(int)


def fitted(net: nn.Module, x: Any = FLAT, **settings: Any) -> pel.Run:
    return pel.fit(net, (x, Y), epochs=2, progress=False, **{"seed": 3, **settings})


def networks() -> list[tuple[nn.Module, Any]]:
    shared = nn.Linear(4)
    return [
        (nn.MLP([8], 2, norm="batch", dropout=0.3), FLAT),
        (nn.Sequential(nn.LSTM(5), nn.Columns(0, 3), nn.Flatten(), nn.Linear(2)), X),
        (nn.Sequential(shared, nn.ReLU(), shared, nn.LayerNorm(), nn.Linear(2)), FLAT),
        (nn.Sequential(nn.TransformerBlock(2, 8), nn.Flatten(), nn.PReLU(), nn.Linear(2)), X),
    ]


@pytest.mark.parametrize("place", range(4))
def test_fresh_gives_the_bytes_of_a_new_network(place: int) -> None:
    net, x = networks()[place]
    fitted(net, x, seed=8)
    again = fitted(net, x, fresh=True)
    other, _ = networks()[place]
    new = fitted(other, x)
    assert again.history == new.history
    for path, value in other.state_dict().items():
        np.testing.assert_array_equal(net.state_dict()[path], value)
    assert again.reasons == new.reasons


def test_a_warning_names_the_line_that_called_fit() -> None:
    net = nn.Linear(2)
    said = str(pel.fit(net, (FLAT, Y), epochs=1, progress=False))
    assert said.startswith("Trained for 1 epoch, then stopped: it reached the 1-epoch limit.")
    targets = [None, *Y[1:].tolist()]
    with pytest.warns(PellucidWarning) as given:
        run = pel.fit(net, (FLAT, targets), epochs=1, progress=False)
    with pytest.warns(PellucidWarning) as measured:
        run.model.evaluate(FLAT, targets)
    assert (len(given), len(measured)) == (2, 1)
    assert {warning.filename for warning in [*given, *measured]} == {__file__}


def test_going_on_is_told() -> None:
    net = nn.Linear(2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        first = fitted(net)
    weights = net.state_dict()
    with pytest.warns(PellucidWarning, match="training goes on from its weights: fresh=True draws"):
        second = fitted(net, optimizer=optim.SGD(1e-12))
    np.testing.assert_allclose(net.state_dict()["W"], weights["W"], rtol=1e-6)
    assert [choice.name for choice in first.reasons].count("weights") == 0
    assert [choice.value for choice in second.reasons if choice.name == "weights"] == [
        "those that the network had"
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted(net, fresh=False)
        fitted(net, fresh=True)
        fitted(nn.Sequential(body=net, output=nn.Linear(2)))  # transfer, on purpose
        built = nn.Linear(2).build(4, seed=5)
        assert "weights" in [choice.name for choice in fitted(built).reasons]


def test_a_copy_of_a_trained_network_is_trained() -> None:
    net = nn.Linear(2)
    fitted(net)
    twin = copy.deepcopy(net)
    with pytest.warns(PellucidWarning, match="goes on"):
        fitted(twin)
    assert fitted(twin, fresh=True).history == fitted(nn.Linear(2)).history


def test_what_was_set_by_hand_cannot_be_drawn_again() -> None:
    net = nn.Linear(2)
    net.W = nn.Parameter(np.ones((4, 2), np.float32))
    net.build(4)
    with pytest.raises(ValueError, match=r"W was set by hand.*make the network anew"):
        fitted(net, fresh=True)
    assert net.parameter_count() == 10
    with pytest.raises(TypeError, match="fresh is True, False or None, got 'yes'"):
        fitted(nn.Linear(2), fresh="yes")


def test_forgetting_and_building_is_building() -> None:
    net = nn.MLP([5], 2, norm="batch").build(4, seed=1)
    values = net.state_dict()
    assert net.forget() is net
    with pytest.raises(ValueError, match="no parameters yet"):
        net.state_dict()
    net.build(4, seed=1)
    for path, value in net.state_dict().items():
        np.testing.assert_array_equal(value, values[path])
