"""One network of a model, with what turns data into its inputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid import nn
from pellucid.data import Note, Preparation
from pellucid.errors import DataError, NotFiniteError
from pellucid.graph import Array
from pellucid.train.evaluator import outputs_of
from pellucid.train.inputs.kinds import Kind, check_rows, like


@dataclass(frozen=True, eq=False)
class Member:
    """One trained network and, for tables, what turns a table into its inputs.

    kinds: the shape and type of its input, or of each in a tuple or dict; a tuple of lengths is the
           shape of one input of float32.
    """

    net: nn.Module
    kinds: Any
    preparation: Preparation | None = None

    def __post_init__(self) -> None:
        if isinstance(self.kinds, tuple) and all(isinstance(n, int) for n in self.kinds):
            object.__setattr__(self, "kinds", Kind(self.kinds))

    @property
    def input_shape(self) -> tuple[int, ...]:
        """The shape of one input without the batch axis; raises TypeError if there are several."""
        if not isinstance(self.kinds, Kind):
            raise TypeError("this network takes several inputs: see `kinds`")
        return self.kinds.shape

    def outputs(self, data: Any, notes: list[Note] | None = None) -> Array:
        """What the network puts out: logits (n, classes) or values, before any decoding."""
        x = self._inputs(data, notes)
        count = check_rows(x, "X")
        if count == 0:
            raise DataError("There are no rows to predict.")
        return outputs_of(self.net, x)

    def finite_outputs(self, data: Any, notes: list[Note] | None = None) -> Array:
        """The same; raises NotFiniteError, naming the row, where they are no numbers."""
        outputs = self.outputs(data, notes)
        if not np.isfinite(outputs).all():
            wrong = np.flatnonzero(~np.isfinite(outputs).reshape(len(outputs), -1).all(axis=1))
            raise NotFiniteError(
                f"The network puts out values that are NaN or infinite for {len(wrong):,} of "
                f"{len(outputs):,} rows, the first row {wrong[0]}, though its inputs are finite: it "
                "overflows there, an index is out of range, or its weights are no numbers. Such rows "
                "have no prediction; model.members[0].outputs(X) is what it puts out."
            )
        return outputs

    def _inputs(self, data: Any, notes: list[Note] | None) -> Any:
        if self.preparation is not None:
            return self.preparation.features(data, notes)
        return like(data, self.kinds, "X")
