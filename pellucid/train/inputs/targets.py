"""What targets ask for: classes or values, a loss, and a metric to show beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid import nn
from pellucid.data.note import counted
from pellucid.errors import DataError
from pellucid.graph import Array, Tensor
from pellucid.nn.inputs import apply, taken
from pellucid.train import measures
from pellucid.train.evaluator import Data
from pellucid.train.inputs import arrays
from pellucid.train.inputs.labels import Label, classes_of, codes_of
from pellucid.train.inputs.precision import check_precision
from pellucid.train.measures import Measure
from pellucid.train.steps.build import LossFunction


@dataclass(frozen=True)
class Prepared:
    """Arrays ready to train on, and how to measure.

    classes: the label of each output where a row has one class; None for values, and for classes of
    the positions of a sequence, which are their numbers already. metric: what is measured beside the
    loss; None where the loss itself is all there is.
    """

    train: Data
    validation: Data | None
    classes: tuple[Label, ...] | None
    loss: LossFunction
    metric: Measure | None


def prepare(net: nn.Module, train: Data, held: Data | None, loss: LossFunction | None) -> Prepared:
    """Targets as the loss takes them, for a network that is built.

    Integers, conditions and texts, one a row, are classes, unless the loss is one of numbers.
    Integers in more axes are classes of positions where the outputs have one axis more.
    """
    x, y = train[:2]
    if _has_labels(y, loss):
        return _of_classes(net, train, held, loss)
    if held is not None and held[1].shape[1:] != y.shape[1:]:
        raise DataError(f"validation[1] has shape {held[1].shape}, train[1] {y.shape}.")
    outputs = _first(net, x)
    has_positions = y.dtype.kind in "iu" and outputs.ndim == y.ndim + 1 and y.ndim > 1
    if has_positions and _takes_classes(loss):
        return _of_positions(train, held, loss or nn.CrossEntropy(), outputs.shape[-1])
    values = _with_targets(train, _values(y, "train[1]"))
    check_precision(y, "train[1]")
    checked = None if held is None else _with_targets(held, _values(held[1], "validation[1]"))
    chosen = loss or nn.MeanSquaredError()
    if outputs.size == y[:1].size:
        _check_bounds(chosen, values[1])
        if checked is not None:
            _check_bounds(chosen, checked[1])
    metric = _metric(chosen, outputs.size == y[:1].size)
    return Prepared(values, checked, None, chosen, metric)


def _values(y: Array, what: str) -> Array:
    """Targets that are numbers, float32."""
    if y.dtype.kind in "UO":
        raise DataError(f"{what} holds texts of shape {y.shape}: classes are one for each row.")
    return arrays.finite(y, what)


def _check_bounds(loss: LossFunction, y: Array) -> None:
    """Raise DataError for a target that the loss has no value for, whatever it weighs.

    In training it would be NaN, and the gradient of a loss that is NaN is that times any weight.
    """
    if not isinstance(loss, nn.Loss):
        return
    low, high = loss.target_bounds
    wrong = y[(y < low) | (y > high)]
    if wrong.size:
        wanted = "of at least 0" if high == np.inf else f"from {low:g} to {high:g}"
        names = "; names of classes are integers or texts" if loss.takes_classes else ""
        raise DataError(
            f"A target is {wrong[0]:g}, but {type(loss).__name__} takes numbers {wanted}{names}."
        )


def _first(net: nn.Module, x: Any) -> Tensor:
    """The network's output for the first row."""
    return apply(net, taken(x, slice(0, 1)))


def _with_targets(data: Data, targets: Array) -> Data:
    """The same rows with targets as the loss takes them."""
    return (data[0], targets, *data[2:])


def _takes_classes(loss: LossFunction | None) -> bool:
    """Whether whole numbers are classes to a loss; a function of the user's own takes them so."""
    return loss.takes_classes if isinstance(loss, nn.Loss) else True


def _has_labels(y: Array, loss: LossFunction | None) -> bool:
    if isinstance(loss, (nn.CrossEntropy, nn.Focal)) and y.ndim == 1:
        return True
    if not arrays.are_classes(y) or _takes_classes(loss):
        return arrays.are_classes(y)
    if y.dtype.kind in "UO":
        raise DataError(f"{type(loss).__name__} takes numbers, but the targets are texts.")
    return False


def _of_classes(
    net: nn.Module, train: Data, held: Data | None, loss: LossFunction | None
) -> Prepared:
    x, y = train[:2]
    classes = classes_of(y)
    if len(classes) < 2:
        raise DataError(f"Every target is {classes[0]!r}: there is nothing to learn.")
    outputs = _first(net, x)
    width = outputs.shape[-1] if outputs.ndim == 2 else 1
    if width != len(classes) and not (width == 1 and len(classes) == 2):
        raise DataError(
            f"The network puts out {counted(width, 'value')} for each row, but the targets have "
            f"{len(classes)} classes: end the network with Linear({len(classes)})."
        )
    codes = codes_of(y, classes, "train[1]")
    checked = None
    if held is not None:
        codes_held = codes_of(_alike(held[1], y), classes, "validation[1]")
        checked = _with_targets(held, codes_held)
    usual = nn.BinaryCrossEntropy() if width == 1 else nn.CrossEntropy()
    return Prepared(
        _with_targets(train, codes), checked, classes, loss or usual, measures.accuracy()
    )


def _alike(labels: Array, others: Array) -> Array:
    """Labels that are floats in the precision of others, so that 0.1 is 0.1."""
    both = labels.dtype.kind == others.dtype.kind == "f"
    return labels.astype(others.dtype) if both else labels


def _of_positions(train: Data, held: Data | None, loss: LossFunction, count: int) -> Prepared:
    ignored = getattr(loss, "ignore", None)

    def checked(data: Data, what: str) -> Data:
        y = data[1]
        wrong = y[((y < 0) | (y >= count)) & (y != ignored)]
        if wrong.size:
            raise DataError(
                f"{what} holds the class {wrong.flat[0]}, but the network puts out "
                f"{counted(count, 'value')} for each position: its classes are 0 to {count - 1}."
            )
        return _with_targets(data, y.astype(np.int32))

    others = None if held is None else checked(held, "validation[1]")
    metric = measures.position_accuracy(ignored)
    return Prepared(checked(train, "train[1]"), others, None, loss, metric)


_NUMBERS = (nn.MeanSquaredError, nn.MeanAbsoluteError, nn.Huber, nn.Quantile)
_YES_OR_NO = (nn.BinaryCrossEntropy, nn.BinaryFocal, nn.Hinge)


def _metric(loss: LossFunction, paired: bool) -> Measure | None:
    """RMSE for numbers, accuracy for answers of yes or no, else the loss itself.

    paired: whether there is an output for each target.
    """
    if paired and isinstance(loss, _YES_OR_NO):
        return measures.yes_or_no()
    if paired and (isinstance(loss, _NUMBERS) or not isinstance(loss, nn.Loss)):
        return measures.root_mean_square()
    return None
