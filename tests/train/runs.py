"""Small runs with callbacks: a line is learned from 48 rows, in 6 steps an epoch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import pellucid as pel
from pellucid import nn, optim
from pellucid.train.events import Callback, Event

X = np.random.default_rng(0).normal(size=(48, 3)).astype(np.float32)
Y = (X @ np.array([1.0, -2.0, 0.5], np.float32)).astype(np.float32)
HELD = (X[:12] + 1, Y[:12] - 0.5)


class Killed(BaseException):
    """As sudden as SIGKILL, for this process."""


def fitted(*callbacks: Any, **settings: Any) -> pel.Run:
    """A run of these callbacks."""
    every: dict[str, Any] = {
        "validation": HELD,
        "optimizer": optim.SGD(0.05),
        "batch_size": 8,
        "epochs": 4,
        "patience": 0,
        "progress": False,
        **settings,
    }
    return pel.fit(every.pop("net", None) or nn.Linear(1), (X, Y), callbacks=callbacks, **every)


class At(Callback):
    """Answers the first event of a kind for which a condition holds."""

    def __init__(
        self, kind: type[Any], holds: Callable[[Any], bool], answer: Any, every: int | None = None
    ) -> None:
        self.kind, self.holds, self.answer, self.every = kind, holds, answer, every
        self.seen: list[Event] = []
        self.done = False

    def __call__(self, event: Event, /) -> Any:
        """The answer, once."""
        self.seen.append(event)
        if self.done or not isinstance(event, self.kind) or not self.holds(event):
            return None
        self.done = True
        return self.answer

    def state_dict(self) -> dict[str, Any]:
        """Whether it has answered."""
        return {"done": self.done}

    def load_state_dict(self, state: Any) -> None:
        """Go on from there."""
        self.done = state["done"]
