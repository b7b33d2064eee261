"""The networks that are timed, as data that every library builds its own network from.

A network is a list of layers: tuples of a name and settings. Weights are drawn here, so that all
libraries start from the same: He normal for weights, zeros for biases, ones for scales. Kernels of
convolutions are (height, width, in, out), images (batch, height, width, channels).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Layer = tuple[Any, ...]
RATE = 1e-3
ROWS = 2048
NOISE = 100
ADVERSARIAL_RATE, ADVERSARIAL_BETA1 = 2e-4, 0.5
"""Radford, Metz & Chintala 2015, section 4."""


@dataclass(frozen=True)
class Workload:
    """A network, the shape of an example, rows a step, classes, steps in a timed run, and a draw.

    draw: which data, rows and weights. predicts: a step only computes the outputs of a batch, in
    evaluation mode; its loss is compared as well. against: the layers of a discriminator, whose
    adversary the network is: from noise it makes images of the shape, and a step trains both in turn.
    """

    name: str
    layers: tuple[Layer, ...]
    shape: tuple[int, ...]
    batch: int
    classes: int
    steps: int
    draw: int = 0
    predicts: bool = False
    against: tuple[Layer, ...] = ()

    @property
    def rate(self) -> float:
        """η of Adam."""
        return ADVERSARIAL_RATE if self.against else RATE

    @property
    def beta1(self) -> float:
        """β₁ of Adam."""
        return ADVERSARIAL_BETA1 if self.against else 0.9

    def without_dropout(self) -> Workload:
        """The same without anything random, for comparing losses."""
        kept = tuple(layer for layer in self.layers if layer[0] != "dropout")
        return replace(self, layers=kept)


def _linear(*widths: int) -> tuple[Layer, ...]:
    hidden = [layer for width in widths[:-1] for layer in (("linear", width), ("relu",))]
    return (*hidden, ("linear", widths[-1]))


def _normed(width: int) -> tuple[Layer, ...]:
    return (("linear", width), ("batchnorm",), ("relu",), ("dropout", 0.5))


def _conv(features: int, size: int, stride: int = 1, pad: int = 0, groups: int = 1) -> Layer:
    return ("conv", features, size, stride, pad, groups)


def _resnet20() -> tuple[Layer, ...]:
    layers: list[Layer] = [_conv(16, 3, 1, 1), ("batchnorm",), ("relu",)]
    channels = 16
    for features in (16, 32, 64):
        for _ in range(3):
            stride = 1 if features == channels else 2
            path = (
                _conv(features, 3, stride, 1),
                ("batchnorm",),
                ("relu",),
                _conv(features, 3, 1, 1),
                ("batchnorm",),
            )
            way = () if features == channels else (("shortcut", features, stride),)
            layers += [("residual", path, way), ("relu",)]
            channels = features
    return (*layers, ("mean",), ("linear", 10))


def _mobile() -> tuple[Layer, ...]:
    layers: list[Layer] = [_conv(32, 3, 1, 1), ("batchnorm",), ("relu",)]
    channels = 32
    for features, stride in ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1)):
        layers += [_conv(channels, 3, stride, 1, channels), ("batchnorm",), ("relu",)]
        layers += [_conv(features, 1), ("batchnorm",), ("relu",)]
        channels = features
    return (*layers, ("mean",), ("linear", 10))


_RESIDUAL = ("residual", (("linear", 64), ("relu",), ("linear", 64)), ())
_CNN = (
    *(_conv(32, 3), ("relu",), ("maxpool", 2), _conv(64, 3), ("relu",), ("maxpool", 2)),
    *(("flatten",), ("linear", 128), ("relu",), ("linear", 10)),
)
# DCGAN (Radford, Metz & Chintala 2015) of images of 28 × 28.
_GENERATOR = (
    *(("linear", 7 * 7 * 128), ("reshape", 7, 7, 128), ("batchnorm",), ("relu",)),
    *(("upconv", 64, 4, 2, 1), ("batchnorm",), ("relu",), ("upconv", 1, 4, 2, 1), ("tanh",)),
)
_DISCRIMINATOR = (
    *(("downconv", 64, 4, 2, 1), ("leaky", 0.2)),
    *(("downconv", 128, 4, 2, 1), ("batchnorm",), ("leaky", 0.2), ("flatten",), ("linear", 1)),
)
WORKLOADS = {
    w.name: w
    for w in (
        Workload("mlp-small", _linear(128, 10), (64,), 32, 10, 1000),
        Workload("mlp-deep", (*([_RESIDUAL] * 10), ("linear", 10)), (64,), 32, 10, 200),
        Workload("mlp-table", _linear(256, 256, 256, 7), (54,), 256, 7, 100),
        Workload(
            "mlp-mnist",
            (("dropout", 0.2), *_normed(512), *_normed(512), ("linear", 10)),
            (784,),
            128,
            10,
            50,
        ),
        Workload("cnn-small", _CNN, (28, 28, 1), 64, 10, 10),
        Workload("resnet20", _resnet20(), (32, 32, 3), 128, 10, 2),
        Workload("lstm", (("lstm", 128), ("linear", 10)), (28, 28), 64, 10, 20),
        Workload(
            "transformer",
            (*([("transformer", 4)] * 4), ("mean",), ("linear", 10)),
            (64, 128),
            32,
            10,
            5,
        ),
        Workload("mobile", _mobile(), (32, 32, 3), 64, 10, 4),
        Workload("dcgan", _GENERATOR, (28, 28, 1), 64, 2, 5, against=_DISCRIMINATOR),
        Workload("resnet20-predict-1", _resnet20(), (32, 32, 3), 1, 10, 50, predicts=True),
        Workload("resnet20-predict-128", _resnet20(), (32, 32, 3), 128, 10, 4, predicts=True),
    )
}


def data(work: Workload) -> tuple[Array, Array]:
    """Inputs and classes of all rows; of adversaries images and noise."""
    dice = np.random.default_rng([1, work.draw])
    x = dice.normal(size=(ROWS, *work.shape)).astype(np.float32)
    if work.against:
        return np.tanh(x), dice.normal(size=(ROWS, NOISE)).astype(np.float32)
    return x, dice.integers(0, work.classes, ROWS).astype(np.int32)


def batches(work: Workload, steps: int) -> Array:
    """The rows of each step."""
    dice = np.random.default_rng([2, work.draw])
    return dice.integers(0, ROWS, (steps, work.batch)).astype(np.int32)


def weights(work: Workload) -> list[Array]:
    """Every parameter in the order of the layers."""
    dice = np.random.default_rng([3, work.draw])
    parameters: list[Array] = []
    _draw(work.layers, (NOISE,) if work.against else work.shape, dice, parameters)
    _draw(work.against, work.shape, dice, parameters)
    return [np.ascontiguousarray(w, np.float32) for w in parameters]


def _he(dice: np.random.Generator, *shape: int) -> Array:
    return np.asarray(dice.normal(size=shape) * np.sqrt(2 / prod(shape[:-1])))


def _draw(
    layers: Sequence[Layer],
    shape: tuple[int, ...],
    dice: np.random.Generator,
    parameters: list[Array],
) -> tuple[int, ...]:
    """Draw the weights of layers for inputs of a shape; returns the shape of the outputs."""
    for name, *settings in layers:
        last = shape[-1]
        if name == "linear":
            parameters += [_he(dice, last, settings[0]), np.zeros(settings[0])]
            shape = (*shape[:-1], settings[0])
        elif name == "batchnorm":
            parameters += [np.ones(last), np.zeros(last)]
        elif name == "conv":
            features, size, stride, pad, groups = settings
            parameters += [_he(dice, size, size, last // groups, features), np.zeros(features)]
            sizes = ((n + 2 * pad - size) // stride + 1 for n in shape[:2])
            shape = (*sizes, features)
        elif name in ("downconv", "upconv"):
            features, size, stride, pad = settings
            parameters.append(_he(dice, size, size, last, features))
            up = name == "upconv"
            sizes = (
                (n - 1) * stride - 2 * pad + size if up else (n + 2 * pad - size) // stride + 1
                for n in shape[:2]
            )
            shape = (*sizes, features)
        elif name == "reshape":
            shape = tuple(settings)
        elif name == "maxpool":
            shape = (shape[0] // settings[0], shape[1] // settings[0], last)
        elif name == "flatten":
            shape = (prod(shape),)
        elif name == "mean":
            shape = (last,)
        elif name == "residual":
            shape = _draw(settings[0], shape, dice, parameters)
        elif name == "lstm":
            units = settings[0]
            parameters += [_he(dice, last, 4 * units) / 2, _he(dice, units, 4 * units) / 2]
            parameters.append(np.zeros(4 * units))
            shape = (units,)
        elif name == "transformer":
            parameters += _transformer(dice, last)
    return shape


def _transformer(dice: np.random.Generator, width: int) -> list[Array]:
    """Norm, query-key-value and output with their biases, norm, and the feed-forward layers."""
    ones, zeros = np.ones(width), np.zeros(width)
    attention = [_he(dice, width, 3 * width) / 2, _he(dice, width, width) / 2]
    wide = [_he(dice, width, 4 * width) / 2, np.zeros(4 * width)]
    back = [_he(dice, 4 * width, width) / 2, zeros]
    return [ones, zeros, *attention, np.zeros(3 * width), zeros, ones, zeros, *wide, *back]
