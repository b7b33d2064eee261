"""Parameters and buffers: tensors that read a state which lives from step to step."""

from __future__ import annotations

import copy
from typing import Any, Literal, Self

from pellucid.graph import Array, State, Tensor, read
from pellucid.graph.arrays import natural
from pellucid.graph.dtype import is_float

Role = Literal["weight", "bias", "norm"]


class Held(Tensor):
    """A tensor that reads a state of its own."""

    __slots__ = ("state",)

    def __init__(self, value: Any, name: str = "") -> None:
        self.state = State(natural(value), name)
        super().__init__(read(self.state).node)

    @classmethod
    def of(cls, state: State, role: Role = "weight") -> Self:
        """A tensor of this class that reads an existing state."""
        held = cls.__new__(cls)
        held.node = read(state).node
        held.state = state
        return held

    def __copy__(self) -> Self:
        return self._like(self.state)

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self._like(copy.deepcopy(self.state, memo))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self).of, (self.state,)

    def _like(self, state: State) -> Self:
        return type(self).of(state)

    @property
    def value(self) -> Array:
        """The array itself, not a copy; assigning writes into it."""
        return self.state.value

    @value.setter
    def value(self, new: Array) -> None:
        self.state.value = new


class Parameter(Held):
    """A tensor that reads its `state`, which training changes.

    role: "weight", "bias" or "norm" (scales and shifts of normalisation). Regularisers act on
    weights and leave the other two alone unless asked. Raises TypeError if the value is not float.
    """

    __slots__ = ("role",)

    def __init__(self, value: Any, role: Role = "weight", name: str = "") -> None:
        super().__init__(value, name)
        if not is_float(self.dtype):
            raise TypeError(f"a parameter holds floats, got {self.node.type}")
        self.role: Role = role

    @classmethod
    def of(cls, state: State, role: Role = "weight") -> Self:
        """A parameter of this role that reads an existing state."""
        held = super().of(state)
        held.role = role
        return held

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self).of, (self.state, self.role)

    def _like(self, state: State) -> Self:
        return type(self).of(state, self.role)


class Buffer(Held):
    """A tensor of a layer that has no gradient, such as running statistics."""

    __slots__ = ()
