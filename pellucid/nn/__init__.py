"""Layers, losses and initialisers. Imports the graph floor only."""

from typing import TYPE_CHECKING, Any

from pellucid.hints import LAYERS, missing
from pellucid.nn import functional
from pellucid.nn import saved as _saved  # noqa: F401 (registers how networks are pickled)
from pellucid.nn.augment import (
    ColourJitter,
    CutMix,
    Cutout,
    Mixup,
    RandAugment,
    RandomAffine,
    RandomCrop,
    RandomErase,
    RandomFlip,
    SwapNoise,
)
from pellucid.nn.initialise import (
    Constant,
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    Initializer,
    LeCunNormal,
    LeCunUniform,
    Normal,
    Ones,
    Orthogonal,
    Zeros,
)
from pellucid.nn.layers.activations import (
    ELU,
    GELU,
    SELU,
    Identity,
    LeakyReLU,
    LogSoftmax,
    Mish,
    ReLU,
    ReLU6,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Step,
    Tanh,
)
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
from pellucid.nn.losses.base import Loss, mixed
from pellucid.nn.losses.class_weights import balanced_weights
from pellucid.nn.losses.classification import BinaryCrossEntropy, CrossEntropy
from pellucid.nn.losses.divergence import CosineDistance, KLDivergence
from pellucid.nn.losses.focal import BinaryFocal, Focal
from pellucid.nn.losses.hinge import Hinge
from pellucid.nn.losses.quantile import Poisson, Quantile
from pellucid.nn.losses.regression import Huber, MeanAbsoluteError, MeanSquaredError
from pellucid.nn.mode import ForwardPass, evaluation, forward_pass, is_training, training
from pellucid.nn.module import Module
from pellucid.nn.networks.convolutional import LeNet, MobileNetV2
from pellucid.nn.networks.perceptron import MLP, ResidualMLP
from pellucid.nn.networks.resnet import PaddedShortcut, ResNet, ResNetImage
from pellucid.nn.networks.transformer import FeedForward, TransformerBlock
from pellucid.nn.parameter import Buffer, Parameter
from pellucid.nn.registry import from_spec, loss_from_spec, to_spec
from pellucid.nn.summary import Summary, SummaryRow

MSE = MeanSquaredError
MAE = MeanAbsoluteError

__all__ = [
    "ELU",
    "GELU",
    "GRU",
    "LSTM",
    "MAE",
    "MLP",
    "MSE",
    "SELU",
    "AdaptiveAveragePool2d",
    "AdaptiveMaxPool2d",
    "AveragePool1d",
    "AveragePool2d",
    "BatchNorm",
    "Bilinear",
    "BinaryCrossEntropy",
    "BinaryFocal",
    "Buffer",
    "ColourJitter",
    "Columns",
    "Constant",
    "Conv1d",
    "Conv2d",
    "ConvTranspose2d",
    "CosineDistance",
    "CrossEntropy",
    "CutMix",
    "Cutout",
    "DenseConnection",
    "DropPath",
    "Dropout",
    "Embedding",
    "FeedForward",
    "Flatten",
    "Focal",
    "ForwardPass",
    "GaussianNoise",
    "GlobalAveragePool",
    "GlobalMaxPool",
    "GlorotNormal",
    "GlorotUniform",
    "GroupNorm",
    "HeNormal",
    "HeUniform",
    "Hinge",
    "Huber",
    "Identity",
    "Initializer",
    "InstanceNorm",
    "Join",
    "KLDivergence",
    "LayerNorm",
    "LeCunNormal",
    "LeCunUniform",
    "LeNet",
    "LeakyReLU",
    "LearnedPositions",
    "Linear",
    "LogSoftmax",
    "Loss",
    "MaxPool1d",
    "MaxPool2d",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "Mish",
    "Mixup",
    "MobileNetV2",
    "Module",
    "MultiHeadAttention",
    "Normal",
    "Ones",
    "Orthogonal",
    "PReLU",
    "PaddedShortcut",
    "Parallel",
    "Parameter",
    "Poisson",
    "Quantile",
    "RMSNorm",
    "RandAugment",
    "RandomAffine",
    "RandomCrop",
    "RandomErase",
    "RandomFlip",
    "ReLU",
    "ReLU6",
    "ResNet",
    "ResNetImage",
    "Reshape",
    "Residual",
    "ResidualMLP",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "SinusoidalPositions",
    "Softmax",
    "Softplus",
    "Step",
    "Sum",
    "Summary",
    "SummaryRow",
    "SwapNoise",
    "Tanh",
    "TiedLinear",
    "TransformerBlock",
    "Upsample",
    "Zeros",
    "balanced_weights",
    "evaluation",
    "forward_pass",
    "from_spec",
    "functional",
    "is_training",
    "loss_from_spec",
    "mixed",
    "to_spec",
    "training",
]


if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        raise missing("module 'pellucid.nn'", name, LAYERS)
