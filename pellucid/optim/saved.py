"""Optimizers and schedules for `pickle`: their settings as text."""

from __future__ import annotations

import json
from typing import Any

from pellucid import schema
from pellucid.optim.optimizer import Optimizer
from pellucid.optim.registry import described, part_from_spec
from pellucid.optim.schedules import Schedule

Saved = tuple[Any, ...]


def saved_part(part: Optimizer | Schedule) -> Saved:
    """The settings, and the classes of one's own in them, which `pickle` finds by their modules."""
    spec, own = described(part)
    return json.dumps(spec), isinstance(part, Schedule), *own


def restored_part(text: str, is_schedule: bool, *own: type[Any]) -> Optimizer | Schedule:
    """The part of these settings; raises ModelFileError for others."""
    expected = Schedule if is_schedule else Optimizer
    found: Optimizer | Schedule = part_from_spec(schema.parse(text), expected, own)
    return found
