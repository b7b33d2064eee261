"""Optimizers, schedules, groups and selectors as JSON and back, and as pickles, which hold the JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from pellucid import schema
from pellucid.optim.group import Group, Selector
from pellucid.optim.optimizer import Optimizer
from pellucid.optim.schedules import Schedule
from pellucid.parts import Part, library, reduced
from pellucid.spec import Described, Spec, SpecReader, SpecWriter, described

FAMILIES = (Optimizer, Schedule, Group, Selector)


def to_spec(part: Optimizer | Schedule) -> Spec:
    """The settings of an optimizer or a schedule: {"type": "Adam", "learning_rate": 0.001, …}.

    A class of one's own is written by name. Raises TypeError naming a setting that has no JSON form.
    """
    return described(part)[0]


@described.register(Optimizer)
@described.register(Schedule)
@described.register(Group)
@described.register(Selector)
def _(part: Optimizer | Schedule | Group | Selector) -> Described:
    writer = SpecWriter(library(*FAMILIES))
    where = "schedule" if isinstance(part, Schedule) else "optimizer"
    return writer.write(part, where), tuple(writer.own)


def from_spec(spec: Any, parts: Sequence[type[Any]] = ()) -> Optimizer:
    """The optimizer that `spec` describes; raises ModelFileError saying what is wrong and where.

    parts: classes of one's own that are defined under another module name here.
    """
    return part_from_spec(spec, Optimizer, parts)  # type: ignore[no-any-return]


def schedule_from_spec(spec: Any, parts: Sequence[type[Any]] = ()) -> Schedule:
    """The schedule that `spec` describes; see `from_spec`."""
    return part_from_spec(spec, Schedule, parts)  # type: ignore[no-any-return]


def part_from_spec(spec: Any, expected: type[Any], parts: Sequence[type[Any]] = ()) -> Any:
    """The part of the expected class that `spec` describes."""
    where = "schedule" if issubclass(expected, Schedule) else "optimizer"
    return SpecReader(library(*FAMILIES), parts).read(spec, where, expected)


@reduced.register(Optimizer)
@reduced.register(Schedule)
@reduced.register(Group)
@reduced.register(Selector)
def _reduced(part: Optimizer | Schedule | Group | Selector) -> tuple[Any, ...]:
    """The settings, and the classes of one's own in them, which `pickle` finds by their modules."""
    spec, own = described(part)
    return restored_part, (json.dumps(spec), *own)


def restored_part(text: str, *own: type[Any]) -> Any:
    """The part of these settings; raises ModelFileError for others."""
    return part_from_spec(schema.parse(text), Part, own)
