"""Sending events to callbacks and policies, and collecting their answers."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pellucid import check
from pellucid.errors import warn
from pellucid.train.actions import Action
from pellucid.train.events import Callback, CallbackFunction, Event
from pellucid.train.loop.interrupt import postponed
from pellucid.train.plain import to_plain

NEVER = 2**31


class Dispatch:
    """The callbacks of a run, the user's own before the policies."""

    def __init__(self, callbacks: Sequence[CallbackFunction], policies: Sequence[Callback]) -> None:
        self.own = list(callbacks)
        self.policies = list(policies)
        self.all: list[CallbackFunction] = [*self.own, *self.policies]
        for callback in self.all:
            if _every(callback):
                check.integer(f"every of {_name(callback)}", _every(callback))
        self._stepping = [callback for callback in self.all if _every(callback)]

    def ask(
        self, event: Event, callbacks: Sequence[CallbackFunction] | None = None
    ) -> list[Action]:
        """Send an event to callbacks, by default all, in order; returns their actions.

        Ctrl-C waits until every callback was called: what they remember belongs to one step.
        """
        actions: list[Action] = []
        with postponed():
            for callback in self.all if callbacks is None else callbacks:
                answer = callback(event)
                if answer is not None:
                    actions += _actions(callback, answer)
        return actions

    def tell(self, event: Event) -> None:
        """Send an event that takes no answer to all callbacks."""
        actions = self.ask(event)
        if actions:
            raise TypeError(
                f"a callback answers {type(event).__name__} with {actions[0]!r}, but only Progressed, "
                "Stepped, Evaluated and Diverged take answers"
            )

    def due(self, step: int) -> list[CallbackFunction]:
        """The callbacks that are called after this many steps."""
        return [callback for callback in self._stepping if step % _every(callback) == 0]

    def steps_to_next(self, step: int) -> int:
        """Steps to the next one after which a callback is called."""
        return min((_every(c) - step % _every(c) for c in self._stepping), default=NEVER)

    def state_dict(self) -> dict[str, dict[str, Any]]:
        """The memory of each callback, by its class and number.

        Raises TypeError for a memory that is not of JSON values.
        """
        states = {name: callback.state_dict() for name, callback in self._remembering().items()}
        for name, state in states.items():
            check_json(f"the state_dict of the callback {name.partition('#')[0]}", state)
        return states

    def load_state_dict(self, state: Mapping[str, Mapping[str, Any]]) -> None:
        """Give each callback its memory; warns of one that no callback takes."""
        callbacks = self._remembering()
        for name, memory in state.items():
            if name in callbacks:
                callbacks[name].load_state_dict(memory)
            elif memory:
                warn(
                    f"The run had a callback {name.partition('#')[0]}, which is not passed now: its "
                    "memory is dropped."
                )

    def _remembering(self) -> dict[str, Callback]:
        named: dict[str, Callback] = {}
        for callback in [*self.policies, *self.own]:
            if isinstance(callback, Callback):
                kind = type(callback).__qualname__
                number = sum(name.partition("#")[0] == kind for name in named)
                named[f"{kind}#{number}"] = callback
        return named


def check_json(what: str, state: Any) -> None:
    """Raise TypeError unless a state is an object of JSON values; NaN and infinity are allowed."""
    try:
        json.dumps(to_plain(state), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{what} holds JSON values, which a checkpoint can: {error}") from error
    if not isinstance(state, dict):
        raise TypeError(f"{what} is a dict of JSON values, got {check.brief(state)}")


def _actions(callback: CallbackFunction, answer: Any) -> list[Action]:
    """The actions of one answer; raises TypeError for anything else."""
    several = isinstance(answer, Iterable) and not isinstance(answer, (str, bytes))
    actions = list(answer) if several else [answer]
    for action in actions:
        if not isinstance(action, Action):
            raise TypeError(
                f"the callback {_name(callback)} answers with actions such as Stop('reason'), or None, "
                f"got {check.brief(action)}"
            )
    return actions


def _name(callback: Any) -> str:
    return str(getattr(callback, "__qualname__", type(callback).__qualname__))


def _every(callback: CallbackFunction) -> int:
    """Steps after which a callback is called, 0 for never."""
    return getattr(callback, "every", None) or 0
