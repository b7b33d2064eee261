"""Layers, losses and initialisers. Imports the graph floor only."""

from pellucid.nn import functional
from pellucid.nn.activations import (
    ELU,
    GELU,
    SELU,
    Identity,
    LeakyReLU,
    LogSoftmax,
    Mish,
    ReLU,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Step,
    Tanh,
)
from pellucid.nn.classification import BinaryCrossEntropy, CrossEntropy
from pellucid.nn.dropout import Dropout
from pellucid.nn.flatten import Flatten
from pellucid.nn.initialise import (
    Constant,
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    Initializer,
    LeCunNormal,
    LeCunUniform,
    Ones,
    Orthogonal,
    Zeros,
)
from pellucid.nn.linear import Linear
from pellucid.nn.loss import Loss
from pellucid.nn.mode import ForwardPass, evaluation, forward_pass, is_training, training
from pellucid.nn.module import Module
from pellucid.nn.norm import BatchNorm, LayerNorm
from pellucid.nn.parameter import Buffer, Parameter
from pellucid.nn.registry import from_spec, loss_from_spec, to_spec
from pellucid.nn.regression import Huber, MeanAbsoluteError, MeanSquaredError
from pellucid.nn.residual import Residual
from pellucid.nn.sequential import Sequential
from pellucid.nn.summary import Summary, SummaryRow

MSE = MeanSquaredError
MAE = MeanAbsoluteError

__all__ = [
    "ELU",
    "GELU",
    "MAE",
    "MSE",
    "SELU",
    "BatchNorm",
    "BinaryCrossEntropy",
    "Buffer",
    "Constant",
    "CrossEntropy",
    "Dropout",
    "Flatten",
    "ForwardPass",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Huber",
    "Identity",
    "Initializer",
    "LayerNorm",
    "LeCunNormal",
    "LeCunUniform",
    "LeakyReLU",
    "Linear",
    "LogSoftmax",
    "Loss",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "Mish",
    "Module",
    "Ones",
    "Orthogonal",
    "Parameter",
    "ReLU",
    "Residual",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Step",
    "Summary",
    "SummaryRow",
    "Tanh",
    "Zeros",
    "evaluation",
    "forward_pass",
    "from_spec",
    "functional",
    "is_training",
    "loss_from_spec",
    "to_spec",
    "training",
]
