"""Optimizers: builders of the graph of one step. Imports the graph floor only."""

from pellucid.optim.adam import Adam, AdamW
from pellucid.optim.descent import SGD, GradientDescent
from pellucid.optim.optimizer import Optimizer, Parameters, Slots, Updates
from pellucid.optim.registry import from_spec, to_spec

__all__ = [
    "SGD",
    "Adam",
    "AdamW",
    "GradientDescent",
    "Optimizer",
    "Parameters",
    "Slots",
    "Updates",
    "from_spec",
    "to_spec",
]
