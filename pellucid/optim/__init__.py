"""Optimizers: builders of the graph of one step. Imports the graph floor only."""

from typing import TYPE_CHECKING, Any

from pellucid.hints import OPTIMIZERS, missing
from pellucid.optim.adam import Adam, AdamW
from pellucid.optim.adam_relatives import Adamax, AMSGrad, NAdam, RAdam
from pellucid.optim.adaptive import Adadelta, Adagrad, RMSprop
from pellucid.optim.descent import SGD, GradientDescent
from pellucid.optim.group import Group, Selector
from pellucid.optim.groups import Groups
from pellucid.optim.lbfgs import LBFGS
from pellucid.optim.lion import LAMB, Lion
from pellucid.optim.muon import Muon
from pellucid.optim.optimizer import Optimizer, Parameters, Slots, Updates
from pellucid.optim.prodigy import Prodigy
from pellucid.optim.registry import from_spec, schedule_from_spec, to_spec
from pellucid.optim.regularise import Regularised
from pellucid.optim.schedule_free import ScheduleFreeAdamW, ScheduleFreeSGD
from pellucid.optim.schedules import (
    ConstantRate,
    CosineRate,
    CosineRestarts,
    ExponentialRate,
    InverseRate,
    MilestoneRate,
    OneCycle,
    PlateauRate,
    PolynomialRate,
    Schedule,
    StepRate,
    WarmUp,
)
from pellucid.optim.sharpness import SharpnessAware
from pellucid.optim.wrapper import Accumulate, Clip, Lookahead, MovingAverage, StochasticAverage

__all__ = [
    "LAMB",
    "LBFGS",
    "SGD",
    "AMSGrad",
    "Accumulate",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Clip",
    "ConstantRate",
    "CosineRate",
    "CosineRestarts",
    "ExponentialRate",
    "GradientDescent",
    "Group",
    "Groups",
    "InverseRate",
    "Lion",
    "Lookahead",
    "MilestoneRate",
    "MovingAverage",
    "Muon",
    "NAdam",
    "OneCycle",
    "Optimizer",
    "Parameters",
    "PlateauRate",
    "PolynomialRate",
    "Prodigy",
    "RAdam",
    "RMSprop",
    "Regularised",
    "Schedule",
    "ScheduleFreeAdamW",
    "ScheduleFreeSGD",
    "Selector",
    "SharpnessAware",
    "Slots",
    "StepRate",
    "StochasticAverage",
    "Updates",
    "WarmUp",
    "from_spec",
    "schedule_from_spec",
    "to_spec",
]


if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        raise missing("module 'pellucid.optim'", name, OPTIMIZERS)
