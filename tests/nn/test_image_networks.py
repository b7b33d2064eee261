"""Ready networks for images: their sizes as published, and that they train."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pellucid import nn
from tests.by_torch import ByTorch
from tests.nn.peers import check_layer, shaken
from tests.nn.test_convolution import trained
from tests.nn.twins import InTraining, twin


@pytest.mark.parametrize(
    ("make", "shape", "parameters"),
    [
        # He et al. 2015, table 6: 0.27, 0.46, 0.66, 0.85 and 1.7 million.
        (lambda: nn.ResNet(20), (32, 32, 3), 269_722),
        (lambda: nn.ResNet(32), (32, 32, 3), 464_154),
        (lambda: nn.ResNet(44), (32, 32, 3), 658_586),
        (lambda: nn.ResNet(56), (32, 32, 3), 853_018),
        (lambda: nn.ResNet(110), (32, 32, 3), 1_727_962),
        # torchvision's resnet18, 34, 50 and mobilenet_v2.
        (lambda: nn.ResNetImage(18), (64, 64, 3), 11_689_512),
        (lambda: nn.ResNetImage(34), (64, 64, 3), 21_797_672),
        (lambda: nn.ResNetImage(50), (64, 64, 3), 25_557_032),
        (lambda: nn.MobileNetV2(), (64, 64, 3), 3_504_872),
        (lambda: nn.LeNet(), (28, 28, 1), 61_706),
    ],
)
def test_sizes_are_the_published_ones(
    make: Callable[[], nn.Module], shape: Any, parameters: int
) -> None:
    assert make().summary(shape).parameters == parameters


def test_the_plain_twin_has_the_same_layers() -> None:
    # Where the shortcut projects, the twin lacks those convolutions alone.
    sizes = [nn.ResNet(20, residual=kind).summary((16, 16, 3)).parameters for kind in (True, False)]
    assert sizes[0] == sizes[1]
    spec = str(nn.to_spec(nn.ResNet(20, residual=False)))
    assert "Residual" not in spec and "Residual" in str(nn.to_spec(nn.ResNet(20)))


@pytest.mark.parametrize(
    ("make", "side", "channels"),
    [
        (lambda: nn.ResNet(8, 3), 8, 3),
        (lambda: nn.ResNet(8, 3, shortcut="project"), 8, 3),
        (lambda: nn.LeNet(3), 28, 1),
        (lambda: nn.LeNet(3, classic=True), 28, 1),
    ],
)
def test_they_train_alike_by_both_executors(
    make: Callable[[], nn.Module], side: int, channels: int
) -> None:
    dice = np.random.default_rng(0)
    x = dice.normal(size=(8, side, side, channels)).astype(np.float32)
    trained(make(), x, dice.integers(0, 3, 8).astype(np.int32))


@pytest.mark.parametrize(
    ("make", "shape"),
    [
        (lambda: nn.ResNet(8, 3), (4, 6, 6, 3)),
        (lambda: nn.ResNet(8, 3, residual=False), (4, 6, 6, 3)),
        (lambda: nn.ResNet(8, 3, shortcut="project"), (4, 7, 6, 3)),
        (lambda: nn.LeNet(3), (2, 28, 28, 1)),
        (lambda: nn.LeNet(3, classic=True), (2, 28, 28, 1)),
    ],
)
def test_they_are_pytorchs_to_the_second_derivative(
    make: Callable[[], nn.Module], shape: Any, by_torch: ByTorch
) -> None:
    """Each layer of the same structure by PyTorch, in training, for the inputs and every weight."""
    net = make()
    x = np.random.default_rng(1).normal(size=shape)
    check_layer(InTraining(net), twin(net, "net"), x, by_torch, 1e-6)


@pytest.mark.parametrize(
    ("make", "side"),
    [
        (lambda: nn.MobileNetV2(3, width=0.25, small_images=True, dropout=0.0), 8),
        (lambda: nn.MobileNetV2(3, width=0.25, dropout=0.0), 33),
    ],
)
def test_mobile_nets_give_pytorchs_outputs(
    make: Callable[[], nn.Module], side: int, by_torch: ByTorch
) -> None:
    net = make()
    x = np.random.default_rng(2).normal(size=(4, side, side, 3))
    shaken(InTraining(net), x)
    weights = {f"net.{n}": p.value for n, p in net.named_parameters()}
    (expected,) = by_torch(lambda x, w: [twin(net, "net")(x, w)], x, weights)
    expected.check(InTraining(net)(x).numpy(), 1e-6, 1e-6 * expected.largest)


@pytest.mark.parametrize(
    ("make", "part"),
    [
        (lambda: nn.ResNet(21), "6 n"),
        (lambda: nn.ResNet(20, shortcut="none"), "shortcut"),  # type: ignore[arg-type]
        (lambda: nn.ResNetImage(19), "18, 34 or 50"),  # type: ignore[arg-type]
        (lambda: nn.MobileNetV2(width=0), "width"),
        (lambda: nn.PaddedShortcut(0), "features"),
    ],
)
def test_settings_out_of_range(make: Callable[[], Any], part: str) -> None:
    with pytest.raises(ValueError, match=part):
        make()


def test_a_shortcut_takes_every_second_place_and_adds_zeros() -> None:
    x = np.arange(2 * 4 * 4 * 3, dtype=np.float32).reshape(2, 4, 4, 3)
    y = nn.PaddedShortcut(5, 2)(x).numpy()
    np.testing.assert_array_equal(y[..., :3], x[:, ::2, ::2])
    assert y.shape == (2, 2, 2, 5) and not y[..., 3:].any()
