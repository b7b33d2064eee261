"""The library's own parts by name, and networks as JSON and back."""

from __future__ import annotations

from typing import Any

from pellucid.errors import ModelFileError
from pellucid.nn.activations import ACTIVATIONS
from pellucid.nn.attention import MultiHeadAttention
from pellucid.nn.augment import AUGMENTATIONS
from pellucid.nn.bilinear import Bilinear
from pellucid.nn.classification import BinaryCrossEntropy, CrossEntropy
from pellucid.nn.columns import Columns
from pellucid.nn.convolution import Conv1d, Conv2d, ConvTranspose2d
from pellucid.nn.dense_connection import DenseConnection
from pellucid.nn.divergence import CosineDistance, KLDivergence
from pellucid.nn.dropout import Dropout, DropPath
from pellucid.nn.embedding import Embedding
from pellucid.nn.flatten import Flatten
from pellucid.nn.focal import BinaryFocal, Focal
from pellucid.nn.group_norm import GroupNorm, InstanceNorm
from pellucid.nn.hinge import Hinge
from pellucid.nn.initialise import INITIALIZERS
from pellucid.nn.linear import Linear
from pellucid.nn.loss import Loss
from pellucid.nn.module import Module
from pellucid.nn.noise import GaussianNoise
from pellucid.nn.norm import BatchNorm, LayerNorm
from pellucid.nn.parallel import Join, Parallel, Sum
from pellucid.nn.parameter import Parameter
from pellucid.nn.pooling import (
    AdaptiveAveragePool2d,
    AdaptiveMaxPool2d,
    AveragePool1d,
    AveragePool2d,
    GlobalAveragePool,
    GlobalMaxPool,
    MaxPool1d,
    MaxPool2d,
)
from pellucid.nn.positions import LearnedPositions, SinusoidalPositions
from pellucid.nn.prelu import PReLU
from pellucid.nn.quantile import Poisson, Quantile
from pellucid.nn.recurrent import GRU, LSTM
from pellucid.nn.regression import Huber, MeanAbsoluteError, MeanSquaredError
from pellucid.nn.reshape import Reshape
from pellucid.nn.residual import Residual
from pellucid.nn.resnet import PaddedShortcut
from pellucid.nn.rms_norm import RMSNorm
from pellucid.nn.sequential import Sequential
from pellucid.nn.tied import TiedLinear
from pellucid.nn.transformer import FeedForward, TransformerBlock
from pellucid.nn.tree import members
from pellucid.nn.upsample import Upsample
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


class _Writer(SpecWriter):
    """Writes a module that appears again as a reference to where it appeared first."""

    def __init__(self) -> None:
        self._seen: dict[int, str] = {}

    def write(self, part: Any, where: str) -> Spec:
        if PARTS.get(type(part).__name__) is not type(part):
            raise TypeError(
                f"{where} is a {type(part).__name__}, which is not one of the library's own parts: "
                "its structure cannot be stored as JSON; store its state_dict() instead"
            )
        if isinstance(part, Module):
            if id(part) in self._seen:
                return {"type": _SHARED, "with": self._seen[id(part)]}
            self._seen[id(part)] = where
        return super().write(part, where)


class _Reader(SpecReader):
    """Reads references to modules that appeared before."""

    def __init__(self) -> None:
        super().__init__(PARTS)
        self._made: dict[str, Module] = {}

    def read(self, spec: Any, where: str, expected: type[Any]) -> Any:
        if isinstance(spec, dict) and spec.get("type") == _SHARED:
            first = spec.get("with")
            if set(spec) != {"type", "with"} or not isinstance(first, str):
                raise ModelFileError(f"{where}: a shared layer names the layer it is shared with")
            if first not in self._made or not isinstance(self._made[first], expected):
                raise ModelFileError(f"{where}: there is no layer {first[:60]!r} to share before")
            return self._made[first]
        part = super().read(spec, where, expected)
        if isinstance(part, Module):
            self._made[where] = part
        return part


def to_spec(part: Module | Loss) -> Spec:
    """The settings of a network or a loss as JSON: {"type": "Linear", "features": 256, …}.

    Values are not in it: see `state_dict`. Raises TypeError naming a part that is not the library's
    own, and ValueError for a parameter that two different layers share.
    """
    if isinstance(part, Module):
        _check_sharing(part)
    return _Writer().write(part, "net" if isinstance(part, Module) else "loss")


def from_spec(spec: Any) -> Module:
    """The network that `spec` describes, without parameters until `build`.

    Raises ModelFileError saying what is wrong and where.
    """
    return _read(spec, "net", Module)  # type: ignore[no-any-return]


def loss_from_spec(spec: Any) -> Loss:
    """The loss that `spec` describes; raises ModelFileError saying what is wrong and where."""
    return _read(spec, "loss", Loss)  # type: ignore[no-any-return]


def _read(spec: Any, where: str, expected: type[Any]) -> Any:
    try:
        return _Reader().read(spec, where, expected)
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
