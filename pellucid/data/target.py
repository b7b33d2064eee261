"""Encoding of the target for training, and decoding of network outputs."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.data.class_scores import NO_CLASS, most_probable_class, probabilities
from pellucid.data.coerce import as_number, as_text
from pellucid.data.column import BooleanColumn, Column, NumberColumn
from pellucid.data.note import counted, quoted
from pellucid.data.statistics import mean_and_std
from pellucid.data.task import Label, Task, class_codes, class_labels
from pellucid.errors import DataError, NotFiniteError

MOST_RESPONSES = 10
"""The most classes, commonest first, with an indicator in the response for encoders."""


@dataclass(frozen=True)
class NumberTarget:
    """A number y, encoded as (y - mean) / scale, with the mean and standard deviation in training.

    `whole`: whether it was written as whole numbers. Predictions are not rounded.
    """

    column: str
    task: Task
    mean: float
    scale: float
    whole: bool

    def encode(self, column: Column) -> NDArray[np.float32]:
        """Standardised values, float32, shape (n,); missing ones raise `DataError`."""
        values = as_number(column, []).values.astype(np.float64)
        _refuse_missing(column.name, np.isnan(values))
        return ((values - self.mean) / self.scale).astype(np.float32)

    def decode(self, outputs: NDArray[Any]) -> NDArray[np.float64]:
        """Values in the target's own unit, float64, shape (n,), from outputs (n,) or (n, 1)."""
        return np.asarray(outputs, np.float64).reshape(len(outputs)) * self.scale + self.mean

    def response(self, encoded: NDArray[Any]) -> NDArray[np.float64]:
        """The response for learning encoders: standardised values, shape (n, 1)."""
        return np.asarray(encoded, np.float64)[:, None]


@dataclass(frozen=True)
class ClassTarget:
    """A class, encoded as its index in the ascending `labels`; `counts` are those of training rows."""

    column: str
    task: Task
    labels: tuple[Label, ...]
    counts: tuple[int, ...]

    def encode(self, column: Column) -> NDArray[np.int32]:
        """Class codes, int32, shape (n,); missing and unknown classes raise `DataError`."""
        _refuse_missing(column.name, column.missing())
        codes = class_codes(self._as_label_type(column), self.labels)
        unknown = codes < 0
        if unknown.any():
            texts = as_text(column.take(unknown))
            names = [level for level, n in zip(texts.levels, texts.counts(), strict=True) if n]
            count = int(unknown.sum())
            raise DataError(
                f"{counted(count, 'row')} of '{column.name}' {'has' if count == 1 else 'have'} a class "
                f"that was not in training: {quoted(names)}. Leave out such rows, or train with them."
            )
        return codes

    def decode(self, outputs: NDArray[Any]) -> NDArray[Any]:
        """The most probable label of each row, shape (n,), of the type that labels have in the data.

        Outputs that determine no class, such as NaN, raise `NotFiniteError`.
        """
        codes = most_probable_class(self.probabilities(outputs))
        if (codes == NO_CLASS).any():
            row = int(np.argmax(codes == NO_CLASS))
            raise NotFiniteError(f"The outputs for row {row} are no numbers: it has no class.")
        return np.asarray(self.label_array()[codes])

    def label_array(self) -> NDArray[Any]:
        """The labels as an array, texts as Python texts."""
        texts = isinstance(self.labels[0], str)
        return np.array(self.labels, object if texts else None)

    def probabilities(self, outputs: NDArray[Any]) -> NDArray[np.float64]:
        """Probabilities of the classes, float64, shape (n, classes), from logits.

        With two classes the logits may be those of the second class alone, (n,) or (n, 1).
        """
        logits = np.reshape(outputs, (len(outputs), -1))
        classes = len(self.labels)
        if logits.shape[1] != classes and not (logits.shape[1] == 1 and classes == 2):
            raise ValueError(f"outputs should have {classes} columns, got {outputs.shape}")
        return probabilities(logits)

    def response(self, encoded: NDArray[Any]) -> NDArray[np.float64]:
        """The response for learning encoders: indicators of the commonest classes, shape (n, m)."""
        common = np.argsort(self.counts, kind="stable")[::-1][:MOST_RESPONSES]
        return np.stack([encoded == code for code in common], axis=1).astype(np.float64)

    def _as_label_type(self, column: Column) -> Column:
        """The column with the type of the labels: 1 and "1", true and "true" are the same class."""
        if isinstance(self.labels[0], str):
            return as_text(column)
        if isinstance(self.labels[0], bool):
            return column if isinstance(column, BooleanColumn) else as_number(column, [])
        return as_number(column, [])


Target = NumberTarget | ClassTarget


def learn_target(column: Column, task: Task, all_rows: Column | None = None) -> Target:
    """The encoder of the target, fitted to its training rows, of which none may be missing.

    all_rows: the target of all rows of the table, by default `column`. Its values are the classes, as
    the training rows may lack a rare one.
    """
    _refuse_missing(column.name, column.missing())
    if task.is_classification:
        labels = class_labels(column if all_rows is None else all_rows)
        counts = np.bincount(class_codes(column, labels), minlength=len(labels))
        if np.count_nonzero(counts) < 2:
            raise DataError(f"The training rows hold a single class of '{column.name}'.")
        return ClassTarget(column.name, task, labels, tuple(int(count) for count in counts))
    if not isinstance(column, NumberColumn):
        raise DataError(f"The target '{column.name}' holds no numbers.")
    values = column.values.astype(np.float64)
    mean, scale = mean_and_std(values)
    return NumberTarget(column.name, task, mean, scale if scale > 0 else 1.0, column.whole)


def _refuse_missing(name: str, missing: NDArray[np.bool_]) -> None:
    if missing.any():
        count = int(missing.sum())
        verb = "has" if count == 1 else "have"
        text = f"{counted(count, 'row')} {verb} no usable value of the target '{name}'."
        raise DataError(text)
