"""Sequential as a container, networks as text and as tables."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pellucid import graph as g
from pellucid import nn
from pellucid.graph import Tensor
from tests.nn.networks import Own, small


def test_sequential_as_a_container() -> None:
    net = small()
    hidden = net["hidden"]
    assert isinstance(hidden, nn.Sequential)
    assert len(hidden) == 3
    assert net[0] is hidden
    assert net[-1] is net["output"]
    assert [type(layer).__name__ for layer in hidden] == ["Linear", "BatchNorm", "ReLU"]
    empty = nn.Sequential()
    x = g.tensor(np.ones((2, 2)))
    assert empty
    assert empty(x).node is x.node


@pytest.mark.parametrize(
    ("layers", "named", "message"),
    [
        ([nn.ReLU], {}, "got ReLU as layer '0': write it with brackets"),
        ([nn.functional.relu], {}, "got function as layer '0'"),
        ([[nn.ReLU()]], {}, "got list as layer '0'"),
        ([{"a.b": nn.ReLU()}], {}, "a layer's name is text without"),
        ([{"": nn.ReLU()}], {}, "a layer's name is text without"),
        ([{0: nn.ReLU()}], {}, "a layer's name is text without"),
        ([{"a": nn.ReLU()}], {"a": nn.ReLU()}, "two layers named 'a'"),
    ],
)
def test_sequential_refuses(layers: list[Any], named: Any, message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        nn.Sequential(*layers, **named)


def test_representation() -> None:
    net = nn.Sequential(nn.Linear(3, bias=False), nn.Sequential(nn.GELU("tanh")), out=nn.Linear(1))
    expected = (
        "Sequential(\n    Linear(3, bias=False),\n    Sequential(\n"
        "        GELU(approximate='tanh'),\n    ),\n    out=Linear(1),\n)"
    )
    assert repr(net) == expected
    assert repr(nn.Sequential()) == "Sequential()"
    assert repr(nn.Residual(nn.ReLU())) == "Residual(ReLU())"
    assert repr(nn.Linear(2, initializer=nn.Zeros())) == "Linear(2, initializer=Zeros())"


def test_summary() -> None:
    summary = small().summary(3)
    assert [(r.path, r.layer, r.output_shape, r.parameters) for r in summary.rows] == [
        ("hidden.0", "Linear(8)", (8,), 32),
        ("hidden.1", "BatchNorm()", (8,), 16),
        ("hidden.2", "ReLU()", (8,), 0),
        ("output", "Linear(2)", (2,), 18),
    ]
    lines = str(summary).splitlines()
    assert lines[2].split() == ["hidden.0", "Linear(8)", "(batch,", "8)", "32"]
    assert lines[-1].split() == ["total", "66"]
    own = Own().summary(3)
    assert [row.path for row in own.rows][-1] == ""
    assert own.rows[-1].parameters == 1


def test_a_subclass_keeps_its_other_layers_too() -> None:
    class Skipping(nn.Sequential):
        def __init__(self) -> None:
            super().__init__(nn.Linear(4), nn.ReLU())
            self.skip = nn.Linear(4, bias=False)

        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x) + self.skip(x)

    net = Skipping().build(3)
    assert list(net.state_dict()) == ["0.W", "0.b", "skip.W"]
