"""Optimizer: the base of every optimizer. Two pure functions build the graph of its step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from pellucid import check
from pellucid.graph import Array, Node, State, Tensor, grad, read
from pellucid.hints import OPTIMIZER, PARAMETERS_FIRST, missing
from pellucid.keywords import Hinted
from pellucid.parts import Part

Parameters = Mapping[str, Tensor]
Slots = Mapping[str, State]
Updates = dict[State, Node]


@dataclass(frozen=True)
class Optimizer(Hinted, Part, abstract=True):
    """The change of the parameters θ in a step, by the gradients g and the rate η.

    `init` makes the states that an optimizer keeps (its slots), and `update` builds the graph of
    one step: the next value of every parameter and slot. η and the step's number are tensors, so a
    schedule changes them without building again. A new optimizer writes `slot_names` and `rule`.

    learning_rate: η before any schedule; a step uses the tensor that `update` takes.
    """

    learning_rate: float

    name: ClassVar[str]

    def __post_init__(self) -> None:
        if isinstance(self.learning_rate, Iterable) and not isinstance(self.learning_rate, str):
            raise TypeError(
                f"{type(self).__name__} learning_rate is a number, got a "
                f"{type(self.learning_rate).__name__}; {PARAMETERS_FIRST}"
            )
        check.number(self, "learning_rate", more_than=0)

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            raise missing(repr(type(self).__name__), name, OPTIMIZER)

    def slot_names(self) -> Sequence[str]:
        """The slots that each parameter has."""
        return ()

    def slot_start(self, slot: str, value: Array) -> Array:
        """The value of a slot before the first step, from its parameter's value: zeros like it."""
        return np.zeros_like(value)

    @property
    def full_batch(self) -> bool:
        """Whether it takes the gradient of all rows, not one that changes with the batch."""
        return False

    def gradients(self, loss: Tensor, parameters: Parameters) -> dict[str, Tensor]:
        """The gradients for `update`: those of the loss."""
        return grad(loss, parameters)

    def evaluated(self, slots: Slots) -> dict[str, State]:
        """The weights to evaluate and save, by path, where they are not the parameters themselves."""
        return {}

    def rule(
        self,
        parameter: Tensor,
        gradient: Tensor,
        slots: Mapping[str, Tensor],
        learning_rate: Tensor,
        step: Tensor,
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """One parameter's next value and its slots' next values.

        learning_rate: η in the parameter's type; step: k, counted from 0, in the parameter's type.
        """
        raise NotImplementedError

    def init(self, parameters: Parameters) -> dict[str, State]:
        """New slots for the parameters by path, such as `adam.m/hidden.0.W`."""
        slots = {}
        for path, parameter in parameters.items():
            value = state_of(path, parameter).value
            for slot in self.slot_names():
                name = self._slot(slot, path)
                slots[name] = State(self.slot_start(slot, value), name)
        return slots

    def update(
        self,
        parameters: Parameters,
        gradients: Parameters,
        slots: Slots,
        learning_rate: Tensor,
        step: Tensor,
    ) -> Updates:
        """The next value of every parameter that moves and of every slot, for `Graph.updates`.

        parameters, gradients: tensors by path, one gradient for each parameter.
        slots:                 what `init` made.
        learning_rate, step:   scalars, inputs of the graph; steps count from 0.
        Raises ValueError if they do not fit each other.
        """
        self._check(parameters, gradients, slots, learning_rate, step)
        updates: Updates = {}
        for path, parameter in parameters.items():
            own = {slot: slots[self._slot(slot, path)] for slot in self.slot_names()}
            now = {slot: read(state) for slot, state in own.items()}
            dtype = parameter.dtype
            rate, count = learning_rate.cast(dtype), step.cast(dtype)
            state = state_of(path, parameter)
            if state in updates:
                raise ValueError(f"{type(self).__name__}: {path!r} is given twice")
            after, moved = self.rule(parameter, gradients[path], now, rate, count)
            updates[state] = after.node
            updates |= {own[slot]: value.node for slot, value in moved.items()}
        return updates

    def _slot(self, slot: str, path: str) -> str:
        return f"{self.name}.{slot}/{path}"

    def _check(
        self,
        parameters: Parameters,
        gradients: Parameters,
        slots: Slots,
        learning_rate: Tensor,
        step: Tensor,
    ) -> None:
        kind = type(self).__name__
        for name, scalar in (("learning_rate", learning_rate), ("step", step)):
            if scalar.shape != ():
                raise ValueError(f"{kind}: {name} is a scalar tensor, got {scalar.node.type}")
        _same_names(f"{kind}: gradients", parameters, gradients)
        wanted = dict.fromkeys(
            self._slot(slot, path) for path in parameters for slot in self.slot_names()
        )
        _same_names(f"{kind}: slots", wanted, slots)
        for path, parameter in parameters.items():
            if gradients[path].node.type != parameter.node.type:
                raise ValueError(
                    f"{kind}: the gradient of {path!r} is {gradients[path].node.type}, "
                    f"the parameter {parameter.node.type}"
                )
            value = state_of(path, parameter).value
            for slot in self.slot_names():
                shape = self.slot_start(slot, value).shape
                if slots[self._slot(slot, path)].value.shape != shape:
                    raise ValueError(f"{kind}: slot {slot!r} of {path!r} has another shape")


def role_of(parameter: Tensor) -> str:
    """The role of a parameter; a tensor without one, such as a user's own, is a weight."""
    role: str = getattr(parameter, "role", "weight")
    return role


def state_of(path: str, parameter: Tensor) -> State:
    """The state that a parameter reads; raises TypeError if it is computed instead."""
    if parameter.node.op != "state":
        raise TypeError(f"{path!r} is computed by {parameter.node.op!r}: it is no parameter")
    state: State = parameter.node.attrs["state"]
    return state


def _same_names(what: str, expected: Mapping[str, Any], got: Mapping[str, Any]) -> None:
    missing = [name for name in expected if name not in got]
    extra = [name for name in got if name not in expected]
    if missing or extra:
        parts = [f"{name!r} is missing" for name in missing[:3]]
        parts += [f"{name!r} is unexpected" for name in extra[:3]]
        raise ValueError(f"{what} do not match the parameters: {', '.join(parts)}")
