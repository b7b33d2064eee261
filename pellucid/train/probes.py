"""Probes: what is measured inside a training step.

A probe is a function of a `StepTrace` that returns small tensors by name, or by (path, name) where a
value belongs to a layer or parameter. It is compiled with the step and runs on chosen steps only.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from pellucid import check
from pellucid.graph import Tensor, concatenate, tensor, where
from pellucid.graph.dtype import FLOAT64, INT32
from pellucid.optim.lengths import length
from pellucid.parts import Part
from pellucid.train.steps.trace import StepTrace

Key = str | tuple[str, str]
Probe = Callable[[StepTrace], Mapping[Key, Tensor]]
Of = Literal["activations", "gradients", "parameters", "updates", "activation_gradients"]
OF = ("activations", "gradients", "parameters", "updates", "activation_gradients")
_SINGULAR = {
    "activations": "activation",
    "gradients": "gradient",
    "parameters": "parameter",
    "updates": "update",
    "activation_gradients": "activation_gradient",
}
LARGEST = 4096
"""Numbers that one value of a probe holds at most."""


@dataclass(frozen=True)
class Measured(Part, abstract=True):
    """A probe of every tensor of one kind; a probe of one's own is a subclass that writes `measure`.

    of: "activations" (of every layer), "gradients", "parameters", "updates" (of every parameter) or
        "activation_gradients" (∂L/∂a of every layer's output a).
    """

    of: Of = "gradients"

    def __post_init__(self) -> None:
        check.choice(self, "of", *OF)

    def measure(self, x: Tensor) -> Mapping[str, Tensor]:
        """The values of one tensor, by name."""
        raise NotImplementedError

    def __call__(self, trace: StepTrace) -> dict[Key, Tensor]:
        """Those of every tensor: ("hidden.0.W", "gradient.norm") and so on."""
        tensors: Mapping[str, Tensor] = getattr(trace, self.of)
        return {
            (path, f"{_SINGULAR[self.of]}.{name}"): value
            for path, x in tensors.items()
            for name, value in self.measure(x).items()
        }


class Norm(Measured):
    """The Euclidean norm √Σx² of each tensor, "norm"; squares are summed in float64."""

    def measure(self, x: Tensor) -> Mapping[str, Tensor]:
        """The norm."""
        return {"norm": length([x])}


class Moments(Measured):
    """Mean and standard deviation of each tensor, "mean" and "deviation"."""

    def measure(self, x: Tensor) -> Mapping[str, Tensor]:
        """Both, summed in float64."""
        wide = x.cast(FLOAT64)
        return {"mean": wide.mean(), "deviation": wide.std()}


class Extremes(Measured):
    """The least and the largest element of each tensor, "min" and "max"."""

    def measure(self, x: Tensor) -> Mapping[str, Tensor]:
        """Both."""
        return {"min": x.min(), "max": x.max()}


class Sparsity(Measured):
    """The share of elements that are exactly 0, "sparsity": of ReLU activations, the units off."""

    def measure(self, x: Tensor) -> Mapping[str, Tensor]:
        """The share."""
        return {"sparsity": where(x.equal(0.0), 1.0, 0.0).cast(FLOAT64).mean()}


@dataclass(frozen=True)
class Histogram(Measured):
    """How many elements of each tensor lie in each of equal bins, "histogram".

    The value is [low, high, n_0, … n_(bins − 1)]: the ends of the range, then the counts. Elements
    outside count in the first or last bin, NaN in none.

    low, high: the ends of the range, low < high; None takes the least and largest finite element.
               Equal elements are all in the first bin.
    bins: 1 to 4,094.
    """

    bins: int = 32
    low: float | None = None
    high: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check.count(self, "bins")
        if self.bins > LARGEST - 2:
            raise ValueError(f"Histogram bins is at most {LARGEST - 2:,}, got {self.bins:,}")
        if (self.low is None) != (self.high is None):
            raise ValueError("Histogram takes low and high, or neither")
        if self.low is not None and self.high is not None:
            check.number(self, "low")
            check.number(self, "high", more_than=self.low)

    def measure(self, x: Tensor) -> Mapping[str, Tensor]:
        """Ends and counts."""
        flat = x.flatten().cast(FLOAT64)
        low, high = self._ends(flat)
        width = where(high > low, high - low, 1.0)
        bins = ((flat - low) / width * float(self.bins)).floor().clip(0.0, self.bins - 1.0)
        # No bin has the number −1, so what is not counted is left out there.
        index = where(flat.equal(flat), bins, -1.0).cast(INT32)
        counts = where(index >= 0, 1.0, 0.0).cast(FLOAT64).scatter_add(index, self.bins)
        return {"histogram": concatenate([low.reshape(1), high.reshape(1), counts])}

    def _ends(self, flat: Tensor) -> tuple[Tensor, Tensor]:
        """The ends of the range; NaN where no element is finite."""
        if self.low is not None and self.high is not None:
            return tensor(self.low, FLOAT64), tensor(self.high, FLOAT64)
        finite = (flat - flat).equal(0.0)
        low = where(finite, flat, math.inf).min()
        high = where(finite, flat, -math.inf).max()
        return where(low <= high, low, math.nan), where(low <= high, high, math.nan)


def gathered(probes: tuple[Probe, ...], trace: StepTrace) -> dict[tuple[str, str], Tensor]:
    """What all probes give, by path and name.

    Raises TypeError or ValueError for a probe that returns anything but small tensors by name.
    """
    values_by_key: dict[tuple[str, str], Tensor] = {}
    for probe in probes:
        name = getattr(probe, "__qualname__", type(probe).__qualname__)
        values = probe(trace)
        if not isinstance(values, Mapping):
            raise TypeError(f"the probe {name} returns tensors by name, got {check.brief(values)}")
        for key, value in values.items():
            path_and_name = ("", key) if isinstance(key, str) else key
            if not isinstance(value, Tensor):
                raise TypeError(
                    f"the probe {name} gives {check.brief(value)} as {key!r}, no Tensor"
                )
            if value.size > LARGEST or value.ndim > 1:
                raise ValueError(
                    f"the probe {name} gives {value.node.type} as {key!r}; a value is a number or a "
                    f"vector of at most {LARGEST:,}: reduce it, such as with .mean()"
                )
            values_by_key[path_and_name] = value
    return values_by_key
