"""Ready networks of linear layers: MLP and ResidualMLP."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from pellucid import check
from pellucid.nn.layers.activations import (
    GELU,
    SELU,
    Identity,
    LeakyReLU,
    Mish,
    ReLU,
    Sigmoid,
    SiLU,
    Tanh,
)
from pellucid.nn.layers.dropout import Dropout
from pellucid.nn.layers.linear import Linear
from pellucid.nn.layers.norm import BatchNorm, LayerNorm
from pellucid.nn.layers.residual import Residual
from pellucid.nn.layers.rms_norm import RMSNorm
from pellucid.nn.layers.sequential import Sequential
from pellucid.nn.module import Module

_ACTIVATIONS: dict[str, type[Module]] = {
    "relu": ReLU,
    "gelu": GELU,
    "silu": SiLU,
    "mish": Mish,
    "leaky_relu": LeakyReLU,
    "selu": SELU,
    "tanh": Tanh,
    "sigmoid": Sigmoid,
    "linear": Identity,
}
_NORMS: dict[str, type[Module]] = {"batch": BatchNorm, "layer": LayerNorm, "rms": RMSNorm}

MOST_LAYERS = 10_000
"""Layers that a network made by a function has at most."""

Activation = Literal[
    "relu", "gelu", "silu", "mish", "leaky_relu", "selu", "tanh", "sigmoid", "linear"
]
Norm = Literal["batch", "layer", "rms"]


def MLP(  # noqa: N802
    widths: Sequence[int],
    outputs: int,
    *,
    activation: Activation = "relu",
    norm: Norm | None = None,
    dropout: float = 0.0,
    input_dropout: float = 0.0,
) -> Sequential:
    """A multilayer perceptron: for each width Linear, norm, activation, dropout; then Linear.

    widths:        of the hidden layers; none gives a linear model.
    outputs:       values put out: 1, or one for each class.
    activation:    by name; "linear" for none, which makes the whole network linear.
    norm:          "batch", "layer" or "rms" before each activation, None for none.
    dropout:       the part of hidden units left out in training (Srivastava et al. 2014: .2 to .5).
    input_dropout: the part of the inputs left out in training (0 to .2).

    The layers are named `hidden.0`, `hidden.1`, … and `output`. Raises ValueError for an unknown
    name or a setting out of its range, TypeError for widths that are no sequence.
    """
    if not isinstance(widths, (list, tuple, range, np.ndarray)):
        raise TypeError(
            f"MLP widths is a sequence of widths, such as [64, 64], got {check.brief(widths)}"
        )
    counts = [
        check.integer("MLP widths: Linear features", n) for n in check.items("MLP widths", widths)
    ]
    check.integer("MLP outputs", outputs)
    check.real("MLP dropout: Dropout rate", dropout, at_least=0, less_than=1)
    check.real("MLP input_dropout: Dropout rate", input_dropout, at_least=0, less_than=1)
    parts: list[Module] = []
    if input_dropout:
        parts.append(Dropout(input_dropout))
    for width in counts:
        parts.append(Linear(width))
        parts += _norm(norm)
        parts.append(_named("activation", activation, _ACTIVATIONS))
        parts += [Dropout(dropout)] if dropout else []
    return Sequential(hidden=Sequential(*parts), output=Linear(outputs))


def ResidualMLP(  # noqa: N802
    width: int,
    blocks: int,
    outputs: int,
    *,
    inner: int | None = None,
    activation: Activation = "relu",
    norm: Norm | None = "batch",
    dropout: float = 0.0,
) -> Sequential:
    """x ← x + Linear(dropout(activation(Linear(norm(x))))), `blocks` times, between linear layers.

    The residual network for tables of Gorishniy et al. 2021 ("ResNet", section 3.2): a first Linear
    to `width`, the blocks, then norm, activation and the output.

    width:      of the path that the blocks add to.
    inner:      width inside a block; None is 2 · width.
    activation, norm, dropout, outputs: as in `MLP`; dropout is inside the blocks.

    The layers are named `input`, `blocks.0`, …, `head` and `output`.
    """
    check.integer("ResidualMLP blocks", blocks, at_least=0, at_most=MOST_LAYERS)
    check.integer("ResidualMLP width", width)
    check.integer("ResidualMLP outputs", outputs)
    check.integer("ResidualMLP inner", 2 * width if inner is None else inner)
    check.real("ResidualMLP dropout: Dropout rate", dropout, at_least=0, less_than=1)
    made = [
        Residual(
            Sequential(
                *_norm(norm),
                Linear(2 * width if inner is None else inner),
                _named("activation", activation, _ACTIVATIONS),
                *([Dropout(dropout)] if dropout else []),
                Linear(width),
            )
        )
        for _ in range(blocks)
    ]
    return Sequential(
        input=Linear(width),
        blocks=Sequential(*made),
        head=Sequential(*_norm(norm), _named("activation", activation, _ACTIVATIONS)),
        output=Linear(outputs),
    )


def _norm(name: str | None) -> list[Module]:
    return [] if name is None else [_named("norm", name, _NORMS)]


def _named(what: str, name: str, table: dict[str, type[Module]]) -> Module:
    if not isinstance(name, str) or name not in table:
        raise ValueError(f"{what} is one of {', '.join(map(repr, table))}, got {check.brief(name)}")
    return table[name]()
