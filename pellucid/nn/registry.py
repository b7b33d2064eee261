"""Parts by name, and networks as JSON and back."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from pellucid import plain, schema
from pellucid.errors import ModelFileError
from pellucid.graph import Tensor, tensor
from pellucid.nn.augment import AUGMENTATIONS
from pellucid.nn.initialise import INITIALIZERS, Initializer
from pellucid.nn.layers.activations import ACTIVATIONS
from pellucid.nn.layers.attention import MultiHeadAttention
from pellucid.nn.layers.bilinear import Bilinear
from pellucid.nn.layers.columns import Columns
from pellucid.nn.layers.convolution import Conv1d, Conv2d, ConvTranspose2d
from pellucid.nn.layers.dense_connection import DenseConnection
from pellucid.nn.layers.dropout import Dropout, DropPath
from pellucid.nn.layers.embedding import Embedding
from pellucid.nn.layers.flatten import Flatten
from pellucid.nn.layers.group_norm import GroupNorm, InstanceNorm
from pellucid.nn.layers.linear import Linear
from pellucid.nn.layers.noise import GaussianNoise
from pellucid.nn.layers.norm import BatchNorm, LayerNorm
from pellucid.nn.layers.parallel import Join, Parallel, Sum
from pellucid.nn.layers.pooling import (
    AdaptiveAveragePool2d,
    AdaptiveMaxPool2d,
    AveragePool1d,
    AveragePool2d,
    GlobalAveragePool,
    GlobalMaxPool,
    MaxPool1d,
    MaxPool2d,
)
from pellucid.nn.layers.positions import LearnedPositions, SinusoidalPositions
from pellucid.nn.layers.prelu import PReLU
from pellucid.nn.layers.recurrent import GRU, LSTM
from pellucid.nn.layers.reshape import Reshape
from pellucid.nn.layers.residual import Residual
from pellucid.nn.layers.rms_norm import RMSNorm
from pellucid.nn.layers.sequential import Sequential
from pellucid.nn.layers.tied import TiedLinear
from pellucid.nn.layers.upsample import Upsample
from pellucid.nn.losses.base import Loss
from pellucid.nn.losses.classification import BinaryCrossEntropy, CrossEntropy
from pellucid.nn.losses.divergence import CosineDistance, KLDivergence
from pellucid.nn.losses.focal import BinaryFocal, Focal
from pellucid.nn.losses.hinge import Hinge
from pellucid.nn.losses.quantile import Poisson, Quantile
from pellucid.nn.losses.regression import Huber, MeanAbsoluteError, MeanSquaredError
from pellucid.nn.module import Module
from pellucid.nn.networks.resnet import PaddedShortcut
from pellucid.nn.networks.transformer import FeedForward, TransformerBlock
from pellucid.nn.parameter import Buffer, Parameter
from pellucid.nn.tree import members
from pellucid.spec import Spec, SpecReader, SpecWriter

MODULES: tuple[type[Module], ...] = (
    *ACTIVATIONS,
    *AUGMENTATIONS,
    AdaptiveAveragePool2d,
    AdaptiveMaxPool2d,
    AveragePool1d,
    AveragePool2d,
    BatchNorm,
    Bilinear,
    Columns,
    Conv1d,
    Conv2d,
    ConvTranspose2d,
    DenseConnection,
    DropPath,
    Dropout,
    Embedding,
    FeedForward,
    Flatten,
    GRU,
    GaussianNoise,
    GlobalAveragePool,
    GlobalMaxPool,
    GroupNorm,
    InstanceNorm,
    Join,
    LSTM,
    LayerNorm,
    LearnedPositions,
    Linear,
    MaxPool1d,
    MaxPool2d,
    MultiHeadAttention,
    PReLU,
    PaddedShortcut,
    Parallel,
    RMSNorm,
    Reshape,
    Residual,
    Sequential,
    SinusoidalPositions,
    Sum,
    TiedLinear,
    TransformerBlock,
    Upsample,
)
LOSSES: tuple[type[Loss], ...] = (
    BinaryCrossEntropy,
    BinaryFocal,
    CosineDistance,
    CrossEntropy,
    Focal,
    Hinge,
    Huber,
    KLDivergence,
    MeanAbsoluteError,
    MeanSquaredError,
    Poisson,
    Quantile,
)
PARTS: dict[str, type[Any]] = {part.__name__: part for part in (*MODULES, *LOSSES, *INITIALIZERS)}
_SHARED = "Shared"
_HELD = schema.record(
    type=schema.one_of("Parameter", "Buffer"),
    dtype=schema.one_of("bool", "uint8", "int32", "int64", "float32", "float64"),
    shape=schema.items(schema.whole(0, 2**40), most=32),
    role=schema.one_of("weight", "bias", "norm"),
)
_TENSOR = schema.record(type=schema.one_of("tensor"), value=schema.anything)
_ROOM = 2**24
"""Elements of the parameters that a structure declares where no values say how many there are."""


class Writer(SpecWriter):
    """Writes a module that appears again as a reference to where it appeared first."""

    def __init__(self) -> None:
        super().__init__(PARTS)
        self._seen: dict[int, str] = {}

    def write(self, part: Any, where: str) -> Spec:
        """The spec of a part, or the reference."""
        if isinstance(part, Module):
            if id(part) in self._seen:
                return {"type": _SHARED, "with": self._seen[id(part)]}
            self._seen[id(part)] = where
        return super().write(part, where)

    def attributes(self, part: Any) -> dict[str, Any]:
        """What an object holds, but for what its first call made: that is not its structure."""
        made = {*vars(part).get("_made", ()), "_built", "_made", "_trained"}
        return {name: held for name, held in super().attributes(part).items() if name not in made}

    def special(self, value: Any, where: str, what: str) -> Any:
        """Parameters by their shapes, constant tensors by their values, and parts."""
        if isinstance(value, (Parameter, Buffer)):
            kind = "Parameter" if isinstance(value, Parameter) else "Buffer"
            role = value.role if isinstance(value, Parameter) else "weight"
            shape = list(value.shape)
            return {"type": kind, "dtype": value.dtype.name, "shape": shape, "role": role}
        if isinstance(value, Tensor) and value.node.op == "constant":
            array = value.node.attrs["value"].array
            refused = lambda _, at: super(Writer, self).special(value, at, what)  # noqa: E731
            return {"type": "tensor", "value": plain.write(array, where, refused)}
        return super().special(value, where, what)


class Reader(SpecReader):
    """Reads references to modules that appeared before.

    room: elements that parameters may have which the structure itself declares.
    """

    def __init__(self, given: Sequence[type[Any]] = (), room: int = _ROOM) -> None:
        super().__init__(PARTS, given)
        self._made: dict[str, Module] = {}
        self._room = room

    def read(self, spec: Any, where: str, expected: type[Any]) -> Any:
        """The part that `spec` describes, or the module that it refers to."""
        if isinstance(spec, dict) and spec.get("type") == _SHARED:
            first = spec.get("with")
            if set(spec) != {"type", "with"} or not isinstance(first, str):
                raise ModelFileError(f"{where}: a shared layer names the layer it is shared with")
            self.count(where)
            if first not in self._made or not isinstance(self._made[first], expected):
                raise ModelFileError(f"{where}: there is no layer {first[:60]!r} to share before")
            self._counter.leave()
            return self._made[first]
        part = super().read(spec, where, expected)
        self.begun(part, where)
        return part

    def begun(self, made: Any, where: str) -> None:
        """Know a module from now on, so that what it holds may refer to it."""
        if isinstance(made, Module):
            self._made[where] = made

    def special(self, value: Any, where: str) -> Any:
        """Parameters, which hold zeros until they get their values, constant tensors, and parts."""
        kind = value.get("type")
        if kind == "tensor":
            return tensor(plain.read(_TENSOR(value, where)["value"], where, super().special))
        if kind not in ("Parameter", "Buffer"):
            return super().special(value, where)
        found = _HELD(value, where)
        self._room -= prod(found["shape"])
        if self._room < 0:
            raise ModelFileError(f"{where}: the parameters are larger than their values")
        zeros = np.zeros(found["shape"], found["dtype"])
        return Parameter(zeros, found["role"]) if kind == "Parameter" else Buffer(zeros)


def to_spec(part: Module | Loss | Initializer) -> Spec:
    """The settings of a network or a loss as JSON: {"type": "Linear", "features": 256, …}.

    Values are not in it: see `state_dict`. A class of one's own is named, its settings are written,
    its code is not. Raises TypeError naming a setting that has no JSON form, or a class that is not
    known by its name, and ValueError for a parameter that two different layers share.
    """
    return described(part)[0]


def described(part: Module | Loss | Initializer) -> tuple[Spec, tuple[type[Any], ...]]:
    """The spec of a part, and the classes of the user's own in it."""
    if isinstance(part, Module):
        _check_sharing(part)
    return written(part)


def written(part: Module | Loss | Initializer) -> tuple[Spec, tuple[type[Any], ...]]:
    """The same, whatever parameters two layers share."""
    writer = Writer()
    return writer.write(part, _name(type(part))), tuple(writer.own)


def _name(kind: type[Any]) -> str:
    bases = {"net": Module, "loss": Loss}
    return next((name for name, base in bases.items() if issubclass(kind, base)), "initializer")


def from_spec(spec: Any, parts: Sequence[type[Any]] = (), room: int = _ROOM) -> Module:
    """The network that `spec` describes, without parameters until `build`.

    parts: classes of one's own that are not defined where the network was made, but here.
    room:  elements of parameters that classes of one's own make in their constructors, at most.

    Raises ModelFileError saying what is wrong and where.
    """
    return part_from_spec(spec, Module, parts, room)  # type: ignore[no-any-return]


def loss_from_spec(spec: Any, parts: Sequence[type[Any]] = ()) -> Loss:
    """The loss that `spec` describes; raises ModelFileError saying what is wrong and where."""
    return part_from_spec(spec, Loss, parts)  # type: ignore[no-any-return]


def part_from_spec(
    spec: Any, expected: type[Any], parts: Sequence[type[Any]] = (), room: int = _ROOM
) -> Any:
    """The part of the expected class that `spec` describes."""
    where = _name(expected)
    try:
        return Reader(parts, room).read(spec, where, expected)
    except RecursionError:
        raise ModelFileError(f"{where}: the structure is nested too deeply") from None


def _check_sharing(net: Module) -> None:
    owners: dict[int, str] = {}
    for path, module in net.named_modules():
        for name, held in members(module, Parameter):
            if owners.setdefault(id(held), path) != path:
                raise ValueError(
                    f"layers {owners[id(held)]!r} and {path!r} share the parameter {name!r}, which "
                    "JSON cannot hold; use one layer in both places instead"
                )
