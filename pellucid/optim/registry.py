"""Optimizers by name, and as JSON and back."""

from __future__ import annotations

from typing import Any

from pellucid.optim.adam import Adam, AdamW
from pellucid.optim.adam_relatives import Adamax, AMSGrad, NAdam, RAdam
from pellucid.optim.adaptive import Adadelta, Adagrad, RMSprop
from pellucid.optim.descent import GradientDescent
from pellucid.optim.groups import Group, Groups, SharpnessAware
from pellucid.optim.lbfgs import LBFGS
from pellucid.optim.lion import LAMB, Lion
from pellucid.optim.optimizer import Optimizer
from pellucid.optim.prodigy import Prodigy
from pellucid.optim.regularise import Regularised
from pellucid.optim.schedule_free import ScheduleFreeAdamW, ScheduleFreeSGD
from pellucid.optim.wrapper import Accumulate, Clip, Lookahead, MovingAverage, StochasticAverage
from pellucid.spec import Spec, SpecReader, SpecWriter

OPTIMIZERS: dict[str, type[Optimizer]] = {
    kind.__name__: kind
    for kind in (
        AMSGrad,
        Accumulate,
        Clip,
        Groups,
        LBFGS,
        Lookahead,
        MovingAverage,
        Prodigy,
        Regularised,
        SharpnessAware,
        StochasticAverage,
        Adadelta,
        Adagrad,
        Adam,
        AdamW,
        Adamax,
        GradientDescent,
        LAMB,
        Lion,
        NAdam,
        RAdam,
        RMSprop,
        ScheduleFreeAdamW,
        ScheduleFreeSGD,
    )
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
    found: Optimizer = SpecReader({**OPTIMIZERS, "Group": Group}).read(spec, "optimizer", Optimizer)
    return found
