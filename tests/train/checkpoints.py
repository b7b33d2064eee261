"""Checkpoints after every call of a compiled step, for tests that kill and resume."""

from __future__ import annotations

import pytest

from pellucid.train.actions import Save
from pellucid.train.events import Answer, Event, Progressed
from pellucid.train.policies import Checkpointing


def save_always(patch: pytest.MonkeyPatch) -> None:
    """Ask for a checkpoint whenever steps were made."""

    def always(self: Checkpointing, event: Event, /) -> Answer:
        return Save() if isinstance(event, Progressed) else None

    patch.setattr(Checkpointing, "__call__", always)
