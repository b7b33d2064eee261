"""Decoupled weight decay: the parameters that have it, and its part of a step."""

from __future__ import annotations

from typing import Protocol

from pellucid import check
from pellucid.graph import Tensor
from pellucid.optim.optimizer import role_of


class Decaying(Protocol):
    """An optimizer with the settings of decay.

    weight_decay: λ, at least 0, of weights alone unless `decay_all`.
    """

    @property
    def weight_decay(self) -> float:
        """λ."""
        ...

    @property
    def decay_all(self) -> bool:
        """Whether biases, scales and shifts decay too."""
        ...


def check_decay(optimizer: Decaying) -> None:
    """Raise ValueError or TypeError for settings out of their range."""
    check.number(optimizer, "weight_decay", at_least=0)
    check.choice(optimizer, "decay_all", True, False)


def decays(parameter: Tensor, everything: bool) -> bool:
    """Whether a parameter decays: weights do, biases, scales and shifts only if asked."""
    return everything or role_of(parameter) == "weight"


def decayed(direction: Tensor, parameter: Tensor, optimizer: Decaying) -> Tensor:
    """direction + λW, or the direction of a parameter that does not decay."""
    if optimizer.weight_decay and decays(parameter, optimizer.decay_all):
        return direction + parameter * optimizer.weight_decay
    return direction
