"""Losses between logits and classes: binary and softmax cross-entropy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pellucid.graph import Tensor, one_hot, where
from pellucid.graph.dtype import BOOL, is_float
from pellucid.nn.functional import log_softmax, softplus_parts
from pellucid.nn.loss import Loss


@dataclass(frozen=True)
class BinaryCrossEntropy(Loss):
    """−y log σ(x) − (1 − y) log(1 − σ(x)) on logits x, averaged.

    Targets are 0 or 1, or probabilities. Outputs and targets of one shape; (n, 1) pairs with (n,).
    Computed as max(x, 0) − xy + log(1 + e^−|x|), which is finite and accurate at any x.
    """

    def row_losses(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """The stable form."""
        x, y = self.paired(outputs, targets)
        positive, tail = softplus_parts(x)
        return (positive - x * y) + tail


@dataclass(frozen=True)
class CrossEntropy(Loss):
    """−log softmax(x)_y on logits x, averaged: softmax cross-entropy.

    Outputs are (batch, …, classes). Targets are integer classes 0 … classes − 1 of shape
    (batch, …), or float probabilities of the outputs' shape: −Σ_k y_k log softmax(x)_k.
    A class outside the range is an error where it can be seen when the graph is built, and makes
    the loss of its row NaN where it comes with the data, so that it cannot pass unnoticed.
    """

    def row_losses(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """−log softmax(x) at the target."""
        classes = outputs.shape[-1]
        if outputs.ndim < 2 or classes < 2:
            raise ValueError(
                "CrossEntropy takes logits of shape (batch, classes) with at least 2 classes, got "
                f"outputs {outputs.shape}; one logit for two classes is BinaryCrossEntropy's"
            )
        if is_float(targets.dtype):
            return self._soft(outputs, targets)
        if targets.dtype == BOOL:
            raise TypeError("CrossEntropy takes classes as integers, got targets of type bool")
        if targets.shape != outputs.shape[:-1]:
            raise ValueError(
                f"CrossEntropy takes one class per row, targets {outputs.shape[:-1]} for outputs "
                f"{outputs.shape}, got targets {targets.shape}"
            )
        _check_known(targets, classes)
        chosen = one_hot(targets, classes, BOOL)
        picked = where(chosen, log_softmax(outputs), 0.0).sum(-1)
        inside = (targets >= 0) & (targets < classes)
        return where(inside, -picked, float("nan"))

    def _soft(self, outputs: Tensor, targets: Tensor) -> Tensor:
        if targets.shape != outputs.shape:
            raise ValueError(
                "CrossEntropy takes integer classes, or probabilities of the outputs' shape "
                f"{outputs.shape}, got {targets.node.type}; cast classes to integers"
            )
        return -(targets.cast(outputs.dtype) * log_softmax(outputs)).sum(-1)


def _check_known(targets: Tensor, classes: int) -> None:
    """Raise ValueError for a constant target that is no class."""
    if targets.node.op != "constant" or not targets.size:
        return
    values = targets.node.attrs["value"].array
    wrong = values[(values < 0) | (values >= classes)]
    if wrong.size:
        raise ValueError(
            f"CrossEntropy has classes 0 to {classes - 1} (the outputs have {classes} logits), "
            f"got target {int(np.asarray(wrong).flat[0])}"
        )
