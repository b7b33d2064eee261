"""Structure as JSON: round trips, and files that say something else."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid import nn
from pellucid.errors import ModelFileError
from pellucid.graph import Tensor
from pellucid.nn.registry import FAMILIES
from pellucid.parts import library

PARTS = library(*FAMILIES)

INITIALIZERS = st.sampled_from(
    [None, nn.HeNormal(slope=0.25), nn.Orthogonal(2.0), nn.Constant(-1.5), nn.LeCunUniform()]
)
LAYERS = st.one_of(
    st.builds(nn.Linear, st.integers(1, 9), st.booleans(), INITIALIZERS),
    st.builds(nn.Dropout, st.floats(0, 0.99)),
    st.builds(nn.LeakyReLU, st.floats(0, 5)),
    st.builds(nn.GELU, st.sampled_from(["none", "tanh"])),
    st.builds(nn.BatchNorm, st.floats(0.01, 1.0), st.floats(1e-8, 1.0)),
    st.builds(nn.Softmax, st.sampled_from([1, -1])),
    st.builds(nn.ELU),
    st.builds(nn.Flatten),
    st.builds(nn.GroupNorm, st.integers(1, 9), st.floats(1e-8, 1.0)),
    st.builds(nn.Dropout, st.floats(0, 0.99), st.booleans()),
    st.builds(nn.Embedding, st.integers(3, 9), st.integers(1, 9), st.sampled_from([None, 2])),
    st.builds(nn.LSTM, st.integers(1, 9), st.sampled_from(["sequence", "last"]), st.booleans()),
    st.builds(nn.TransformerBlock, st.integers(1, 9), st.integers(1, 9), st.floats(0, 0.9)),
    st.builds(nn.Columns, st.integers(-9, 9), st.sampled_from([None, 3, -1])),
    st.builds(nn.Upsample, st.integers(1, 4), st.sampled_from(["nearest", "linear"])),
)
NAMES = st.text(min_size=1, max_size=5).filter(lambda name: not set(name) & set(".#/"))
NETS = st.recursive(
    LAYERS,
    lambda inner: st.one_of(
        st.dictionaries(NAMES, inner, max_size=3).map(nn.Sequential),
        st.builds(nn.Residual, inner, inner),
        st.builds(nn.DenseConnection, inner),
        st.builds(nn.Bilinear, st.integers(1, 9), inner, st.none(), st.booleans(), INITIALIZERS),
        st.dictionaries(NAMES, inner, max_size=3).map(nn.Parallel),
        st.lists(inner, max_size=3).map(lambda branches: nn.Sum(*branches)),
        st.lists(inner, max_size=3).map(lambda layers: nn.Sequential(*layers)),
    ),
    max_leaves=8,
)


def through_json(net: nn.Module) -> nn.Module:
    return nn.from_spec(json.loads(json.dumps(net.to_spec(), sort_keys=True, allow_nan=False)))


@settings(deadline=None)
@given(NETS)
def test_round_trip(net: nn.Module) -> None:
    again = through_json(net)
    assert repr(again) == repr(net)
    assert again.to_spec() == net.to_spec()
    assert [path for path, _ in again.named_modules()] == [path for path, _ in net.named_modules()]


def test_values_and_structure_give_the_same_network() -> None:
    net = nn.Sequential(nn.Linear(5), nn.BatchNorm(), nn.ReLU(), nn.Residual(nn.Linear(5)))
    net.build(3, seed=2)
    x = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    again = through_json(net).build(3, values=net.state_dict())
    np.testing.assert_array_equal(again(x).numpy(), net(x).numpy())


def test_what_a_spec_looks_like() -> None:
    assert nn.Linear(256).to_spec() == {
        "type": "Linear",
        "features": 256,
        "bias": True,
        "initializer": None,
    }
    assert nn.Sequential(a=nn.ReLU()).to_spec() == {
        "type": "Sequential",
        "layers": [["a", {"type": "ReLU"}]],
    }


def test_every_module_and_loss_has_a_spec() -> None:
    needs: dict[str, dict[str, Any]] = {
        "Bilinear": {"features": 2},
        "Columns": {"start": 0},
        "Conv1d": {"features": 2},
        "Conv2d": {"features": 2, "kernel_size": (3, 2), "padding": "same"},
        "ConvTranspose2d": {"features": 2, "stride": 2, "output_padding": 1},
        "DenseConnection": {"block": nn.ReLU()},
        "Embedding": {"count": 3, "features": 2},
        "GRU": {"units": 3},
        "LSTM": {"units": 3},
        "Linear": {"features": 3},
        "MultiHeadAttention": {"heads": 2},
        "PaddedShortcut": {"features": 4, "stride": 2},
        "Reshape": {"shape": (2, -1)},
        "Residual": {"block": nn.ReLU()},
        "TiedLinear": {"layer": nn.Linear(2)},
        "TransformerBlock": {"heads": 2},
    }
    for kind in library(nn.Module).values():
        made = kind(**needs.get(kind.__name__, {}))
        assert type(through_json(made)) is kind
    for loss in library(nn.Loss).values():
        given_loss = loss(reduction="sum")
        assert nn.loss_from_spec(nn.to_spec(given_loss)) == given_loss
    public = [getattr(nn, name) for name in nn.__all__]
    for thing in public:
        if isinstance(thing, type) and issubclass(thing, (nn.Module, nn.Loss, nn.Initializer)):
            base = thing in (nn.Module, nn.Loss, nn.Initializer)
            assert base or PARTS[thing.__name__] is thing


def test_shared_layers_stay_shared() -> None:
    layer = nn.Linear(3)
    net = nn.Sequential(layer, nn.Tanh(), nn.Residual(layer))
    again = through_json(net)
    assert isinstance(again, nn.Sequential)
    assert isinstance(again[2], nn.Residual)
    assert again[2].block is again[0]
    assert again.build(3).parameter_count() == 12


def test_shared_parameters_of_two_layers_are_refused() -> None:
    first, second = nn.Linear(3).build(3), nn.Linear(3)
    second.W = first.W
    with pytest.raises(ValueError, match="layers '0' and '1' share the parameter 'W'"):
        nn.Sequential(first, second).to_spec()


class Mine(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x


class Own(nn.Loss):
    """A loss of one's own."""


class ReLU(nn.Module):
    """Of the same name as one of the library's own."""

    def forward(self, x: Tensor) -> Tensor:
        return -x


@pytest.mark.parametrize("own", [Mine(), ReLU()])
def test_a_module_of_ones_own_is_named(own: nn.Module) -> None:
    spec = nn.Sequential(a=own).to_spec()
    name = f"tests.nn.test_spec:{type(own).__name__}"
    assert spec == {"type": "Sequential", "layers": [["a", {"type": name, "attributes": []}]]}
    assert type(through_json(own)) is type(own)


LINEAR: dict[str, Any] = {"type": "Linear", "features": 3}
DEEP: Any = {"type": "ReLU"}
for _ in range(5000):
    DEEP = {"type": "Sequential", "layers": [["0", DEEP]]}


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (None, 'net: expected an object with a "type", got None'),
        ([], 'expected an object with a "type"'),
        ({}, 'expected an object with a "type"'),
        ({"type": ["Linear"]}, 'expected an object with a "type"'),
        ({"type": "os.system"}, "net: unknown type 'os.system'"),
        ({"type": "Module"}, "unknown type 'Module'"),
        ({"type": "HeNormal"}, "net: expected a Module, got 'HeNormal'"),
        ({"type": "MeanSquaredError"}, "net: expected a Module"),
        ({"type": "Linear"}, "net: Linear lacks its setting 'features'"),
        ({**LINEAR, "_built": True}, "Linear has no setting '_built'"),
        ({**LINEAR, "W": [1]}, "Linear has no setting 'W'"),
        ({**LINEAR, "features": "3"}, "net.features: expected a value of type int, got '3'"),
        ({**LINEAR, "features": True}, "net.features: expected a value of type int, got True"),
        ({**LINEAR, "features": 3.0}, "net.features: expected a value of type int"),
        ({**LINEAR, "features": 0}, "net: Linear features is at least 1, got 0"),
        ({**LINEAR, "bias": 1}, "net.bias: expected a value of type bool, got 1"),
        ({**LINEAR, "initializer": {"type": "ReLU"}}, "net.initializer: expected a Initializer"),
        ({**LINEAR, "initializer": "HeNormal"}, "net.initializer: expected an object"),
        ({"type": "Dropout", "rate": float("nan")}, "net.rate: expected a finite number"),
        ({"type": "Dropout", "rate": 10**400}, "net.rate: expected a finite number"),
        ({"type": "Dropout", "rate": 1}, "net: Dropout rate is at least 0 and less than 1"),
        ({"type": "GELU", "approximate": "erf"}, "expected one of 'none', 'tanh', got 'erf'"),
        ({"type": "GELU", "approximate": []}, "expected one of 'none', 'tanh', got"),
        ({"type": "Sequential"}, "Sequential lacks its setting 'layers'"),
        ({"type": "Sequential", "layers": {}}, "expected a list of .name, value. pairs"),
        ({"type": "Sequential", "layers": [["0"]]}, "expected a list of .name, value. pairs"),
        ({"type": "Sequential", "layers": [[0, LINEAR]]}, "expected a list of .name, value. pairs"),
        (
            {"type": "Sequential", "layers": [["a", LINEAR]] * 2},
            "net.layers: a name is given twice",
        ),
        ({"type": "Sequential", "layers": [["a.b", LINEAR]]}, "a layer's name is text without"),
        ({"type": "Sequential", "layers": [["a", {}]]}, r"net.layers.a: expected an object"),
        ({"type": "Residual", "block": None}, "net.block: expected an object"),
        ({"type": "Shared", "with": "net"}, "there is no layer 'net' to share"),
        ({"type": "Shared", "with": 3}, "a shared layer names the layer"),
        ({"type": "Shared", "with": "net", "more": 1}, "a shared layer names the layer"),
        (DEEP, "nested too deeply"),
    ],
)
def test_other_specs_are_refused(spec: Any, message: str) -> None:
    with pytest.raises(ModelFileError, match=message):
        nn.from_spec(spec)


JSON = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-3, 3),
        st.floats(),
        st.sampled_from([*PARTS, "Shared", "net", "layers", "none"]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(["type", "layers", "features", "block", "rate", "with", "axis"]),
            inner,
            max_size=4,
        ),
        inner.map(lambda value: {"type": "Sequential", "layers": [["0", value]]}),
        inner.map(lambda value: {"type": "Residual", "block": value}),
    ),
    max_leaves=10,
)


@settings(deadline=None)
@given(JSON)
def test_any_json_is_a_network_or_refused(value: Any) -> None:
    try:
        net = nn.from_spec(value)
    except ModelFileError:
        return
    assert isinstance(net, nn.Module)


def test_a_loss_is_no_network_and_the_other_way_round() -> None:
    with pytest.raises(ModelFileError, match="loss: expected a Loss, got 'ReLU'"):
        nn.loss_from_spec({"type": "ReLU"})
    own = nn.loss_from_spec(nn.to_spec(Own(reduction="sum")))
    assert type(own) is Own and own.reduction == "sum"
