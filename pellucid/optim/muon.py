"""Muon: a momentum that is brought near the closest orthogonal matrix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod, sqrt
from typing import ClassVar, Literal

from pellucid import check
from pellucid.graph import State, Tensor, matmul
from pellucid.optim.decay import check_decay, decayed
from pellucid.optim.lengths import length, scaled
from pellucid.optim.optimizer import Optimizer, Parameters

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of the quintic aσ + bσ³ + cσ⁵, whose derivative at 0 is large (Jordan 2024)."""
EPSILON = 1e-7


@dataclass(frozen=True)
class Muon(Optimizer):
    """Momentum, orthogonalised by Newton and Schulz's iteration, for weights of two or more axes.

    m ← βm + (1 − β)g,   u = (1 − β)g + βm   (u = m without `nesterov`)
    W ← W − η (s O(u) + λW),   s = √max(1, outputs / inputs)

    O(u) has the singular vectors of u and singular values from about 0.7 to 1.2: from
    X = u / (‖u‖_F + 10⁻⁷), X ← aX + (bA + cA²)X with A = XXᵀ, a few times (Jordan et al. 2024, "Muon: An
    optimizer for hidden layers in neural networks"). A kernel of a convolution is one matrix, whose
    rows are all its axes but the last.

    Muon is for hidden layers. Embeddings, the output layer, biases and norms have another optimizer,
    see `Groups`:

        optim.Groups(optim.AdamW(), [optim.Group("hidden.*", optim.Muon(), dimensions=2)])

    learning_rate: 0.02 by default. momentum: β, at least 0 and less than 1. iterations: at least 1.
    weight_decay:  λ, at least 0, of weights alone unless `decay_all`.
    scale:         "match_rms_adamw" has s = 0.2 √max(inputs, outputs), so that AdamW's η and λ serve
                   (Liu et al. 2025, "Muon is scalable for LLM training", eq. 4).
    Slot: `muon.m`. Raises ValueError for a parameter of fewer than two axes.
    """

    learning_rate: float = 0.02
    momentum: float = 0.95
    nesterov: bool = True
    iterations: int = 5
    weight_decay: float = 0.0
    decay_all: bool = False
    scale: Literal["original", "match_rms_adamw"] = "original"

    name: ClassVar[str] = "muon"

    def __post_init__(self) -> None:
        super().__post_init__()
        check.number(self, "momentum", at_least=0, less_than=1)
        check.choice(self, "nesterov", True, False)
        check.count(self, "iterations")
        check_decay(self)
        check.choice(self, "scale", "original", "match_rms_adamw")

    def slot_names(self) -> Sequence[str]:
        """The momentum."""
        return ("m",)

    def init(self, parameters: Parameters) -> dict[str, State]:
        """The momenta; raises ValueError naming a parameter that is no matrix."""
        for path, parameter in parameters.items():
            if parameter.ndim < 2:
                raise ValueError(
                    f"Muon is for weights of two or more axes, but {path!r} has shape "
                    f"{parameter.shape}: give the others their optimizer, as in "
                    'optim.Groups(optim.AdamW(), [optim.Group("*", optim.Muon(), dimensions=2)])'
                )
        return super().init(parameters)

    def rule(
        self,
        parameter: Tensor,
        gradient: Tensor,
        slots: Mapping[str, Tensor],
        learning_rate: Tensor,
        step: Tensor,
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """The formulas of the class."""
        m = slots["m"] * self.momentum + gradient * (1.0 - self.momentum)
        update = gradient * (1.0 - self.momentum) + m * self.momentum if self.nesterov else m
        inputs, outputs = prod(parameter.shape[:-1]), parameter.shape[-1]
        change = orthogonalised(update.reshape(inputs, outputs), self.iterations)
        change = change.reshape(parameter.shape) * self._factor(inputs, outputs)
        change = decayed(change, parameter, self)
        return parameter - learning_rate * change, {"m": m}

    def _factor(self, inputs: int, outputs: int) -> float:
        """s of the class."""
        if self.scale == "original":
            return sqrt(max(1.0, outputs / max(inputs, 1)))
        return 0.2 * sqrt(max(inputs, outputs))


def orthogonalised(matrix: Tensor, iterations: int) -> Tensor:
    """U S' Vᵀ of a matrix U S Vᵀ, S' being near 1; see `Muon`."""
    a, b, c = COEFFICIENTS
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if tall else matrix  # the Gram matrix is of the shorter side
    x = scaled(x, 1.0 / (length([x]) + EPSILON))
    for _ in range(iterations):
        gram = matmul(x, x.T)
        x = x * a + matmul(gram * b + matmul(gram, gram) * c, x)
    return x.T if tall else x
