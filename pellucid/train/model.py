"""A trained network with what it needs to be used: preparation, classes, structure."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from pellucid import nn
from pellucid.data import Note, Preparation, Table, read_table
from pellucid.errors import DataError, ModelFileError
from pellucid.graph import Array
from pellucid.train import container, metrics
from pellucid.train.step import Evaluator

Label = str | int | float | bool


class Model:
    """A network that predicts.

    net:         the network, built.
    input_shape: the shape of one input, without the batch axis.
    classes:     for a classification the label of each output, in order; None for a regression.
    preparation: for a model of a table, what turns tables into inputs; None for one of arrays.
    details:     plain JSON about how it was trained (metrics, choices); free of clock times.
    """

    def __init__(
        self,
        net: nn.Module,
        input_shape: tuple[int, ...],
        classes: tuple[Label, ...] | None = None,
        preparation: Preparation | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        self.net = net
        self.input_shape = input_shape
        self.classes = classes
        self.preparation = preparation
        self.details: dict[str, Any] = dict(details or {})

    @property
    def is_classification(self) -> bool:
        """Whether it predicts classes."""
        return self.classes is not None

    # -- prediction -----------------------------------------------------------------------------

    def outputs(self, data: Any, notes: list[Note] | None = None) -> Array:
        """What the network puts out: logits (n, classes) or values, before any decoding."""
        x = self._inputs(data, notes)
        if len(x) == 0:
            raise DataError("There are no rows to predict.")
        return Evaluator(self.net, None, (x, x)).run()[0]

    def predict(self, data: Any, notes: list[Note] | None = None) -> Array:
        """Labels or values, shape (n,), for an array (n, …) or, if it was trained on one, a table.

        A table is a path, a data frame, a mapping of columns or a `Table`. Raises DataError if the
        data do not fit the model; `notes` receives what was noticed in a table.
        """
        outputs = self.outputs(data, notes)
        if self.preparation is not None:
            return np.asarray(self.preparation.decode(outputs))
        if self.classes is not None:
            return np.asarray(np.array(self.classes)[self._codes(outputs)])
        return outputs[:, 0] if outputs.ndim == 2 and outputs.shape[1] == 1 else outputs

    def predict_proba(self, data: Any, notes: list[Note] | None = None) -> Array:
        """Class probabilities, float64, shape (n, classes), in the order of `classes`."""
        outputs = self.outputs(data, notes)
        if self.classes is None:
            raise TypeError("a regression has no class probabilities")
        if self.preparation is not None:
            return np.asarray(self.preparation.probabilities(outputs))
        return probabilities(outputs)

    def evaluate(self, data: Any, target: Array | None = None) -> dict[str, float | None]:
        """Metrics on a table with its target column, or on an array with `target`."""
        if self.preparation is None:
            if target is None:
                raise ValueError("evaluate takes the targets of an array: evaluate(X, y)")
            if self.classes is None:
                return metrics.regression(np.asarray(target).reshape(-1), self.predict(data))
            return metrics.classification(self.codes_of(target), self.predict_proba(data))
        table = read_table(data)
        if self.preparation.labels:
            codes = self.preparation.target(table)
            return metrics.classification(codes, self.predict_proba(table))
        truth = table.column(self.preparation.target_name)
        values = self.preparation.goal.decode(self.preparation.goal.encode(truth))
        return metrics.regression(values, self.predict(table))

    def codes_of(self, labels: Any) -> Array:
        """The place of each label in `classes`; raises DataError for one that is not there."""
        place = {label: code for code, label in enumerate(self.classes or ())}
        unknown = [label for label in np.asarray(labels).tolist() if label not in place]
        if unknown:
            raise DataError(f"The class {unknown[0]!r} did not occur in training.")
        return np.array([place[label] for label in np.asarray(labels).tolist()], np.int32)

    def _codes(self, outputs: Array) -> Array:
        return np.asarray(probabilities(outputs).argmax(axis=1))

    def _inputs(self, data: Any, notes: list[Note] | None) -> Array:
        if self.preparation is not None:
            table = data if isinstance(data, Table) else read_table(data)
            return self.preparation.features(table, notes)
        x = np.ascontiguousarray(data, np.float32)
        if x.shape[1:] != self.input_shape:
            raise DataError(
                f"The model takes inputs of shape (n, {', '.join(map(str, self.input_shape))}), "
                f"got {x.shape}."
            )
        return x

    # -- files ----------------------------------------------------------------------------------

    def save(self, path: str | Path) -> None:
        """Write one file that holds everything, atomically; the same model gives the same bytes."""
        container.write(Path(path), self.net.state_dict(), self.to_json(), "model")

    def to_json(self) -> dict[str, Any]:
        """Everything but the arrays, as plain JSON values."""
        prepared = None if self.preparation is None else self.preparation.to_json()
        return {
            "net": self.net.to_spec(),
            "input_shape": list(self.input_shape),
            "classes": None if self.classes is None else list(self.classes),
            "preparation": prepared,
            "details": self.details,
        }

    @classmethod
    def load(cls, path: str | Path) -> Model:
        """Read a model file, running no code; raises ModelFileError naming what is wrong."""
        arrays, content = container.read(Path(path), "model")
        return cls.from_parts(arrays, content, str(path))

    @classmethod
    def from_parts(
        cls, arrays: Mapping[str, Array], content: Mapping[str, Any], name: str
    ) -> Model:
        """The model that `to_json` and `state_dict` describe."""
        shape = content.get("input_shape")
        if not isinstance(shape, list) or not all(type(n) is int and n > 0 for n in shape):
            raise ModelFileError(f"{name} does not say what inputs its network takes.")
        net = nn.from_spec(content.get("net"))
        try:
            net.build(shape, values=arrays)
        except (ValueError, TypeError) as error:
            raise ModelFileError(f"{name}: {error}") from error
        prepared = content.get("preparation")
        preparation = None if prepared is None else Preparation.from_json(prepared)
        classes = content.get("classes")
        labels = None if classes is None else tuple(classes)
        return cls(net, tuple(shape), labels, preparation, content.get("details") or {})


def probabilities(outputs: Array) -> Array:
    """Softmax of logits (n, C); for one logit (n,) or (n, 1) its sigmoid as the second class."""
    logits = np.asarray(outputs, np.float64)
    if logits.ndim == 1 or logits.shape[1] == 1:
        logits = np.stack([np.zeros(len(logits)), logits.reshape(-1)], axis=1)
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True))
