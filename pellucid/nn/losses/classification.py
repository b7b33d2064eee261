"""Losses between logits and classes: binary and softmax cross-entropy."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral
from typing import ClassVar

import numpy as np

from pellucid import check
from pellucid.graph import Tensor, one_hot, tensor, where
from pellucid.graph.dtype import BOOL, is_float
from pellucid.nn.functional import log_softmax, softplus_parts
from pellucid.nn.losses.base import Loss, limited
from pellucid.nn.losses.class_weights import check_class_weights


@dataclass(frozen=True)
class BinaryCrossEntropy(Loss):
    """−y log σ(x) − (1 − y) log(1 − σ(x)) on logits x, averaged.

    Targets are 0 or 1, or probabilities. Any other raises ValueError where it is known, and makes the
    loss NaN where it comes with the data. Outputs and targets of one shape; (n, 1) pairs
    with (n,).
    Computed as max(x, 0) − xy + log(1 + e^−|x|), which is finite and accurate at any x.

    label_smoothing: ε: y becomes y (1 − ε) + ε/2 (Szegedy et al. 2016), at least 0, less than 1.
    class_weights:   of class 0 and of class 1; the mean divides by the weights of the targets.
    """

    takes_classes: ClassVar[bool] = True
    target_bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)

    label_smoothing: float = 0.0
    class_weights: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check.number(self, "label_smoothing", at_least=0, less_than=1)
        check_class_weights(self, 2)

    def row_losses(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """The stable form."""
        x, y = self.paired(outputs, limited(self, targets))
        if self.label_smoothing:
            y = y * (1.0 - self.label_smoothing) + 0.5 * self.label_smoothing
        positive, tail = softplus_parts(x)
        if self.class_weights is None:
            return (positive - x * y) + tail
        no, yes = self.class_weights
        # −log σ(x) = softplus(x) − x and −log(1 − σ(x)) = softplus(x).
        return ((positive - x) + tail) * y * yes + (positive + tail) * (1.0 - y) * no

    def counts(self, outputs: Tensor, targets: Tensor) -> Tensor | None:
        """The weight of each target."""
        if self.class_weights is None:
            return None
        _, y = self.paired(outputs, targets)
        no, yes = self.class_weights
        return y * yes + (1.0 - y) * no


@dataclass(frozen=True)
class CrossEntropy(Loss):
    """−log softmax(x)_y on logits x, averaged: softmax cross-entropy.

    Outputs are (batch, …, classes). Targets are integer classes 0 … classes − 1 of shape
    (batch, …), or float probabilities of the outputs' shape: −Σ_k y_k log softmax(x)_k.
    A known class outside the range raises ValueError; one that comes with the data makes the loss
    of its row NaN.

    label_smoothing: ε: the target is 1 − ε on its class and ε/K on each (Szegedy et al. 2016,
                     section 7), at least 0 and less than 1.
    class_weights:   w: −Σ_k w_k y_k log softmax(x)_k. The mean divides by Σ w_y over the rows when
                     targets are classes, and by the number of rows when they are probabilities, as
                     in PyTorch. See `balanced_weights`.
    ignore:          a class whose rows count for nothing, such as padding; None for none.
    """

    takes_classes: ClassVar[bool] = True
    target_bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)

    label_smoothing: float = 0.0
    class_weights: tuple[float, ...] | None = None
    ignore: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check.number(self, "label_smoothing", at_least=0, less_than=1)
        check_class_weights(self)
        if self.ignore is not None:
            if isinstance(self.ignore, bool) or not isinstance(self.ignore, Integral):
                raise TypeError(
                    f"CrossEntropy ignore is a class or None, got {check.brief(self.ignore)}"
                )
            ignore = check.integer("CrossEntropy ignore", self.ignore, at_least=-(2**63))
            object.__setattr__(self, "ignore", ignore)

    def row_losses(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """−log softmax(x) at the target."""
        check_logits(self, outputs, targets)
        logs = log_softmax(outputs)
        if self.class_weights is not None:
            logs = logs * self._class_weights(outputs)
        smooth = self.label_smoothing
        if is_float(targets.dtype):
            y = limited(self, targets).cast(outputs.dtype)
            if smooth:
                y = y * (1.0 - smooth) + smooth / outputs.shape[-1]
            return -(y * logs).sum(-1)
        picked = picked_class(self, logs, targets, self.ignore)
        if smooth:
            picked = picked * (1.0 - smooth) + logs.mean(-1) * smooth
        return -picked if self.ignore is None else where(targets == self.ignore, 0.0, -picked)

    def counts(self, outputs: Tensor, targets: Tensor) -> Tensor | None:
        """The weight of each row's class, 0 for one that is ignored."""
        if is_float(targets.dtype) or (self.class_weights is None and self.ignore is None):
            return None
        weights = tensor(1.0, outputs.dtype).broadcast_to(targets.shape)
        if self.class_weights is not None:
            chosen = one_hot(targets, outputs.shape[-1], BOOL)
            weights = where(chosen, self._class_weights(outputs), 0.0).sum(-1)
        return weights if self.ignore is None else where(targets == self.ignore, 0.0, weights)

    def _class_weights(self, outputs: Tensor) -> Tensor:
        weights = tensor(np.asarray(self.class_weights), outputs.dtype)
        if weights.shape[0] != outputs.shape[-1]:
            raise ValueError(
                f"CrossEntropy has {weights.shape[0]} class weights, the outputs "
                f"{outputs.shape} have {outputs.shape[-1]} classes"
            )
        return weights


def check_logits(loss: Loss, outputs: Tensor, targets: Tensor) -> None:
    """Raise unless outputs are logits of 2 classes or more and targets fit them."""
    name = type(loss).__name__
    if outputs.ndim < 2 or outputs.shape[-1] < 2:
        raise ValueError(
            f"{name} takes logits of shape (batch, classes) with at least 2 classes, got "
            f"outputs {outputs.shape}; one logit for two classes is BinaryCrossEntropy's"
        )
    if is_float(targets.dtype):
        if targets.shape != outputs.shape:
            raise ValueError(
                f"{name} takes integer classes, or probabilities of the outputs' shape "
                f"{outputs.shape}, got {targets.node.type}; cast classes to integers"
            )
        return
    if targets.dtype == BOOL:
        raise TypeError(f"{name} takes classes as integers, got targets of type bool")
    if targets.shape != outputs.shape[:-1]:
        raise ValueError(
            f"{name} takes one class per row, targets {outputs.shape[:-1]} for outputs "
            f"{outputs.shape}, got targets {targets.shape}"
        )


def picked_class(loss: Loss, values: Tensor, targets: Tensor, ignore: int | None = None) -> Tensor:
    """The value of each row at its class; NaN for a class outside the range.

    Raises ValueError for one outside that is known, and is not the one to ignore.
    """
    classes = values.shape[-1]
    _check_known(loss, targets, classes, ignore)
    chosen = one_hot(targets, classes, BOOL)
    inside = (targets >= 0) & (targets < classes)
    return where(inside, where(chosen, values, 0.0).sum(-1), float("nan"))


def _check_known(loss: Loss, targets: Tensor, classes: int, ignore: int | None) -> None:
    if targets.node.op != "constant" or not targets.size:
        return
    values = targets.node.attrs["value"].array
    wrong = values[((values < 0) | (values >= classes)) & (values != ignore)]
    if wrong.size:
        raise ValueError(
            f"{type(loss).__name__} has classes 0 to {classes - 1} (the outputs have {classes} "
            f"logits), got target {int(np.asarray(wrong).flat[0])}"
        )
