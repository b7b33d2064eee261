"""Training and evaluation, random draws, and the activations that a pass keeps."""

from __future__ import annotations

import numpy as np
import pytest

from pellucid import graph as g
from pellucid import nn
from pellucid.graph import Tensor
from tests.nn.networks import small


def test_modes() -> None:
    assert not nn.is_training()
    assert nn.forward_pass() is None
    with nn.training() as outer:
        assert nn.is_training()
        with nn.evaluation() as inner:
            assert not nn.is_training()
            assert nn.forward_pass() is inner
        assert nn.forward_pass() is outer
    with pytest.raises(RuntimeError, match="stop"), nn.training():
        raise RuntimeError("stop")
    assert not nn.is_training()


def test_modes_take_int64_scalars() -> None:
    with nn.training(seed=g.placeholder("seed", (), np.int64), step=3) as forward:
        assert forward.step.item() == 3
    for wrong in (g.zeros((2,), np.int64), g.zeros((), np.float32)):
        with pytest.raises(TypeError, match="step is an int64 scalar"), nn.training(step=wrong):
            pass


def test_activations_are_kept_by_path() -> None:
    net = small().build(3)
    x = np.ones((2, 3), np.float32)
    with nn.evaluation() as seen:
        y = net(x)
        net(x)
    paths = ["hidden.0", "hidden.1", "hidden.2", "hidden", "output", ""]
    assert list(seen.activations) == [*paths, *(f"{path}#2" for path in paths)]
    assert seen.activations[""].node is y.node
    np.testing.assert_array_equal(
        seen.activations["hidden.2"].numpy(), np.maximum(seen.activations["hidden.1"].numpy(), 0)
    )


def test_own_random_layers_draw_afresh() -> None:
    class Noise(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            current = nn.forward_pass()
            if current is None or not current.training:
                return x
            return x + current.normal(x.shape) * 0.1 + current.uniform(x.shape)

    net = nn.Sequential(Noise(), Noise())
    x = g.zeros((4, 5))
    np.testing.assert_array_equal(net(x).numpy(), np.zeros((4, 5)))
    with nn.training(seed=1) as forward:
        net(x)
    first, total = (forward.activations[path].numpy() for path in ("0", "1"))
    assert (np.abs(total - 2 * first) > 1e-6).all()


def test_a_module_that_is_called_again_and_again_is_numbered() -> None:
    layer = nn.ReLU()
    net = nn.Sequential(*[layer] * 4)
    with nn.evaluation() as seen:
        net(np.ones((1, 2), np.float32))
    assert list(seen.activations) == ["0", "0#2", "0#3", "0#4", ""]
