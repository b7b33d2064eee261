"""The table of pointers that a program's entry reads."""

from __future__ import annotations

import ctypes
from bisect import bisect_left
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from operator import is_not

from pellucid.compile.emit.driver import FIRST_BUFFER
from pellucid.compile.emit.kernel import External
from pellucid.compile.plan.kernels import Target
from pellucid.graph.node import State
from pellucid.graph.op import Array

Table = ctypes.Array[ctypes.c_int64]


@dataclass(frozen=True)
class Stepped:
    """A pointer to an input or output, which moves by `stride` bytes from step to step."""

    slot: int
    name: str
    is_output: bool
    stride: int


class Pointers:
    """Pointers to a program's own memory, states, constants, inputs and outputs.

    Only those to inputs and outputs change from run to run, and those to states that were rebound.
    stepped: the former.
    """

    def __init__(
        self,
        slots: Mapping[External, int],
        stride: Callable[[External], int],
        own: Sequence[int],
        updated: Container[State],
    ) -> None:
        """slots: of each buffer. own: the addresses before these in the table. updated: states."""
        self.kind = ctypes.c_int64 * (FIRST_BUFFER + len(slots))
        self._base = self.kind(*own)
        self._states: list[tuple[int, State]] = []
        self._held: list[Array] = []
        self._updated = updated
        self._firsts: list[int] = []
        self._lasts: list[int] = []
        stepped: list[Stepped] = []
        for buffer, slot in slots.items():
            if isinstance(buffer, State):
                self._states.append((slot, buffer))
            elif isinstance(buffer, Target):
                stepped.append(Stepped(slot, buffer.name, True, stride(buffer)))
            elif buffer.op == "input":
                stepped.append(Stepped(slot, buffer.attrs["name"], False, stride(buffer)))
            else:
                self._base[slot] = address(buffer.attrs["value"].array)
        self.stepped = tuple(stepped)
        self._point_to([state.value for _, state in self._states])

    def table(self, fed: Mapping[str, Array], outputs: Mapping[str, Array]) -> Table:
        """A table for these inputs and outputs, which it does not keep alive."""
        self.follow()
        table = self.kind.from_buffer_copy(self._base)
        for each in self.stepped:
            table[each.slot] = address((outputs if each.is_output else fed)[each.name])
        return table

    def overwrites(self, array: Array) -> bool:
        """Whether an array lies in the memory of a state that the program changes."""
        start = address(array)
        end = start + array.nbytes
        # States do not overlap, so of those that begin before its end the last one ends last.
        before = bisect_left(self._firsts, end) - 1
        return before >= 0 and start < self._lasts[before]

    def follow(self) -> None:
        """Point to where the states are now."""
        values = [state.value for _, state in self._states]
        if any(map(is_not, values, self._held)):
            self._point_to(values)

    def _point_to(self, values: list[Array]) -> None:
        self._held = values
        written: list[tuple[int, int]] = []
        for (slot, state), value in zip(self._states, values, strict=True):
            first = self._base[slot] = address(value)
            if state in self._updated and value.nbytes:
                written.append((first, first + value.nbytes))
        written.sort()
        self._firsts = [first for first, _ in written]
        self._lasts = [last for _, last in written]


def address(array: Array) -> int:
    """Where the elements of an array begin."""
    return int(array.__array_interface__["data"][0])
