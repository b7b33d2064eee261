"""What a model file holds to compare the model with: baselines, and hashes of training rows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid import schema
from pellucid.data.note import Note
from pellucid.data.table import Table
from pellucid.errors import ModelFileError
from pellucid.graph import Array
from pellucid.train.scores.linear import LinearModel
from pellucid.train.scores.seen import MOST_HASHES, SeenRows

PREFIX = "reference/"
_ROWS = f"{PREFIX}rows"
_JSON = schema.record(
    constant=schema.items(schema.number(), least=2),
    linear_rows=schema.items(schema.whole(1)),
    training_rows=schema.whole(1),
    rows=schema.record(
        limit=schema.whole(0, 2**32), key=schema.whole(0, 2**48), repeated=schema.number(0.0)
    ),
)


@dataclass(frozen=True, eq=False)
class Reference:
    """The baselines of a model, and its training rows.

    constant: the frequencies of the classes in training, or the mean and the median. linear: for each
    network the linear model of its rows. training_rows: those of a network.
    """

    constant: tuple[float, ...]
    linear: tuple[LinearModel, ...]
    training_rows: int
    rows: SeenRows

    def arrays(self) -> dict[str, Array]:
        """The arrays, by their names in a model file."""
        linear = {f"{PREFIX}linear/{n}": each.weights for n, each in enumerate(self.linear)}
        return linear | {_ROWS: self.rows.hashes}

    def to_json(self) -> dict[str, Any]:
        """All but the arrays as plain JSON values."""
        return {
            "constant": list(self.constant),
            "linear_rows": [each.rows for each in self.linear],
            "training_rows": self.training_rows,
            "rows": self.rows.to_json(),
        }

    def note_on(self, table: Table, names: Sequence[str]) -> Note | None:
        """A note if rows of the table, compared in these columns, were trained on.

        A new row repeats one of training with about the share of repeated rows in training (Good
        1953). Only if the rows repeat more often, by two standard errors, is there a note.
        """
        compared, matches = self.rows.count(table, names)
        chance = self.rows.repeated
        expected, variance = compared * chance, compared * chance * (1 - chance)
        if matches <= expected + 2 * math.sqrt(max(variance, 0.0)):
            return None
        rows = table.rows
        about = matches if compared == rows else round(rows * matches / compared)
        which = "All" if about == rows else f"{'About ' if compared < rows else ''}{about:,} of the"
        subject = "The row" if rows == 1 else f"{which} {rows:,} rows"
        verb = "was" if about == 1 else "were"
        text = (
            f"{subject} {verb} trained on (equal values in every column): the scores are better than "
            "they would be on new rows."
        )
        return Note("", text, about)


def reference_from(
    value: Any, arrays: Mapping[str, Array], features: Sequence[int], classes: int
) -> Reference | None:
    """The reference that `to_json` and `arrays` wrote; None for none.

    features: their number for each network. classes: their number, 0 for a regression. Raises
    ModelFileError for anything else.
    """
    if value is None:
        if arrays:
            raise ModelFileError(f"it has the array {min(arrays)[:60]!r}, but no baselines")
        return None
    fields = _JSON(value, "reference")
    outputs = 1 if classes in (0, 2) else classes
    shapes = {f"{PREFIX}linear/{n}": (outputs, count + 1) for n, count in enumerate(features)}
    hashes = arrays.get(_ROWS)
    fits = (
        set(arrays) == {*shapes, _ROWS}
        and len(fields["constant"]) == (classes or 2)
        and len(fields["linear_rows"]) == len(features)
        and all(_is(arrays[name], np.float32, shape) for name, shape in shapes.items())
        and hashes is not None
        and hashes.dtype == np.int32
        and hashes.ndim == 1
        and len(hashes) <= MOST_HASHES
        and (not classes or min(fields["constant"]) >= 0)
    )
    if not fits or hashes is None:
        raise ModelFileError("its baselines do not fit its networks")
    linear = [
        LinearModel(arrays[name], rows)
        for name, rows in zip(shapes, fields["linear_rows"], strict=True)
    ]
    seen = SeenRows(hashes, **fields["rows"])
    return Reference(tuple(fields["constant"]), tuple(linear), fields["training_rows"], seen)


def _is(array: Array, kind: type[Any], shape: tuple[int, ...]) -> bool:
    return array.dtype == kind and array.shape == shape and bool(np.isfinite(array).all())
