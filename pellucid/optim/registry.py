"""Optimizers and schedules by name, and as JSON and back."""

from __future__ import annotations

from collections.abc import Sequence
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


SCHEDULES: dict[str, type[Schedule]] = {
    kind.__name__: kind
    for kind in (
        ConstantRate,
        CosineRate,
        CosineRestarts,
        ExponentialRate,
        InverseRate,
        MilestoneRate,
        OneCycle,
        PlateauRate,
        PolynomialRate,
        StepRate,
        WarmUp,
    )
}
_PARTS: dict[str, type[Any]] = {**OPTIMIZERS, **SCHEDULES, "Group": Group}


def to_spec(part: Optimizer | Schedule) -> Spec:
    """The settings of an optimizer or a schedule: {"type": "Adam", "learning_rate": 0.001, …}.

    A class of one's own is named. Raises TypeError naming a setting that has no JSON form.
    """
    return described(part)[0]


def described(part: Optimizer | Schedule | Group) -> tuple[Spec, tuple[type[Any], ...]]:
    """The spec of a part, and the classes of the user's own in it."""
    writer = SpecWriter(_PARTS)
    where = "schedule" if isinstance(part, Schedule) else "optimizer"
    return writer.write(part, where), tuple(writer.own)


def from_spec(spec: Any, parts: Sequence[type[Any]] = ()) -> Optimizer:
    """The optimizer that `spec` describes; raises ModelFileError saying what is wrong and where.

    parts: classes of one's own that are not defined where the spec was made, but here.
    """
    return part_from_spec(spec, Optimizer, parts)  # type: ignore[no-any-return]


def schedule_from_spec(spec: Any, parts: Sequence[type[Any]] = ()) -> Schedule:
    """The schedule that `spec` describes; see `from_spec`."""
    return part_from_spec(spec, Schedule, parts)  # type: ignore[no-any-return]


def part_from_spec(spec: Any, expected: type[Any], parts: Sequence[type[Any]] = ()) -> Any:
    """The part of the expected class that `spec` describes."""
    where = "schedule" if issubclass(expected, Schedule) else "optimizer"
    return SpecReader(_PARTS, parts).read(spec, where, expected)
