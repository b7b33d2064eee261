"""Optimizers by name, and as JSON and back."""

from __future__ import annotations

from typing import Any

from pellucid.optim.adam import Adam, AdamW
from pellucid.optim.descent import GradientDescent
from pellucid.optim.optimizer import Optimizer
from pellucid.spec import Spec, SpecReader, SpecWriter

OPTIMIZERS: dict[str, type[Optimizer]] = {
    kind.__name__: kind for kind in (Adam, AdamW, GradientDescent)
}


def to_spec(optimizer: Optimizer) -> Spec:
    """The settings as JSON: {"type": "Adam", "learning_rate": 0.001, …}.

    Raises TypeError for an optimizer that is not the library's own.
    """
    kind = type(optimizer)
    if OPTIMIZERS.get(kind.__name__) is not kind:
        raise TypeError(
            f"{kind.__name__} is not one of the library's own optimizers: "
            "its settings cannot be stored as JSON"
        )
    return SpecWriter().write(optimizer, "optimizer")


def from_spec(spec: Any) -> Optimizer:
    """The optimizer that `spec` describes; raises ModelFileError saying what is wrong and where."""
    found: Optimizer = SpecReader(OPTIMIZERS).read(spec, "optimizer", Optimizer)
    return found
