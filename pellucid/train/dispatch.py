"""Sending events to callbacks and policies, and collecting what they answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pellucid.train.actions import Action
from pellucid.train.events import Callback, CallbackFunction, Event

NEVER = 2**31


class Dispatch:
    """The callbacks of a run, the user's own before the policies."""

    def __init__(self, callbacks: Sequence[CallbackFunction], policies: Sequence[Callback]) -> None:
        self.own = list(callbacks)
        self.policies = list(policies)
        self.all: list[CallbackFunction] = [*self.own, *self.policies]
        self._stepping = [callback for callback in self.all if _every(callback)]

    def ask(
        self, event: Event, callbacks: Sequence[CallbackFunction] | None = None
    ) -> list[Action]:
        """Send an event to callbacks, by default all, in order; returns what they answer."""
        actions: list[Action] = []
        for callback in self.all if callbacks is None else callbacks:
            answer = callback(event)
            if answer is not None:
                actions += [answer] if isinstance(answer, Action) else list(answer)
        return actions

    def due(self, step: int) -> list[CallbackFunction]:
        """The callbacks that are called after this many steps."""
        return [callback for callback in self._stepping if step % _every(callback) == 0]

    def steps_to_next(self, step: int) -> int:
        """Steps to the next one after which a callback is called."""
        return min((_every(c) - step % _every(c) for c in self._stepping), default=NEVER)

    def state_dict(self) -> dict[str, dict[str, Any]]:
        """What each callback remembers, by its class and number."""
        return {name: callback.state_dict() for name, callback in self._remembering().items()}

    def load_state_dict(self, state: Mapping[str, Mapping[str, Any]]) -> None:
        """Give each callback what it remembered."""
        for name, callback in self._remembering().items():
            if name in state:
                callback.load_state_dict(state[name])

    def _remembering(self) -> dict[str, Callback]:
        named: dict[str, Callback] = {}
        for callback in [*self.policies, *self.own]:
            if isinstance(callback, Callback):
                kind = type(callback).__qualname__
                number = sum(name.partition("#")[0] == kind for name in named)
                named[f"{kind}#{number}"] = callback
        return named


def _every(callback: CallbackFunction) -> int:
    """Steps after which a callback is called, 0 for never."""
    return getattr(callback, "every", None) or 0
