"""One network of a model, with what turns data into its inputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid import nn
from pellucid.data import Note, Preparation
from pellucid.errors import DataError
from pellucid.graph import Array
from pellucid.train.step import Evaluator


@dataclass(frozen=True, eq=False)
class Member:
    """One trained network and, for tables, what turns a table into its inputs."""

    net: nn.Module
    input_shape: tuple[int, ...]
    preparation: Preparation | None = None

    def outputs(self, data: Any, notes: list[Note] | None = None) -> Array:
        """What the network puts out: logits (n, classes) or values, before any decoding."""
        x = self._inputs(data, notes)
        if len(x) == 0:
            raise DataError("There are no rows to predict.")
        return Evaluator(self.net, None, (x, x)).run()[0]

    def _inputs(self, data: Any, notes: list[Note] | None) -> Array:
        if self.preparation is not None:
            return self.preparation.features(data, notes)
        x = np.ascontiguousarray(data, np.float32)
        if x.shape[1:] != self.input_shape:
            raise DataError(
                f"The model takes inputs of shape (n, {', '.join(map(str, self.input_shape))}), "
                f"got {x.shape}."
            )
        return x
