"""The loop IR: a kernel as loops over typed scalar and vector values.

Values are in static single-assignment form. A loop carries values from one iteration to the next
(accumulators) instead of writing variables, so a tile of a contraction stays in registers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["i1", "i8", "i32", "i64", "f32", "f64", "ptr"]

BITS: dict[str, int] = {"i1": 1, "i8": 8, "i32": 32, "i64": 64, "f32": 32, "f64": 64, "ptr": 64}


@dataclass(frozen=True, slots=True)
class Type:
    """An element kind and a number of lanes; 0 lanes is a scalar."""

    kind: Kind
    lanes: int = 0

    @property
    def is_float(self) -> bool:
        """Whether elements are floating-point."""
        return self.kind in ("f32", "f64")

    @property
    def scalar(self) -> Type:
        """The type of one element."""
        return Type(self.kind)

    def of(self, kind: Kind) -> Type:
        """The same lanes with elements of another kind."""
        return Type(kind, self.lanes)

    def __str__(self) -> str:
        return f"{self.kind}x{self.lanes}" if self.lanes else self.kind


I1, I8, I32, I64 = Type("i1"), Type("i8"), Type("i32"), Type("i64")
F32, F64, PTR = Type("f32"), Type("f64"), Type("ptr")


class Value:
    """The result of an instruction, a parameter, a loop variable or a carried value."""

    __slots__ = ("name", "type")

    def __init__(self, type: Type, name: str) -> None:  # noqa: A002
        self.type = type
        self.name = name

    def __repr__(self) -> str:
        return f"{self.name}:{self.type}"


class Constant(Value):
    """A number known at compile time, the same in every lane."""

    __slots__ = ("value",)

    def __init__(self, type: Type, value: float) -> None:  # noqa: A002
        super().__init__(type, repr(value))
        self.value = value


@dataclass(slots=True)
class Instruction:
    """result = op(args); `detail` is what the op needs besides values (a comparison, a lane order)."""

    op: str
    args: tuple[Value, ...]
    result: Value | None
    detail: str | int | tuple[int, ...] | None = None


@dataclass(slots=True)
class Loop:
    """for variable in range(start, stop, step): body, with values carried from each iteration.

    initial:   the carried values before the first iteration.
    carried:   the same at the start of an iteration. following: the same at its end.
    results:   the same after the last iteration.
    """

    variable: Value
    start: Value
    stop: Value
    step: int
    initial: tuple[Value, ...]
    carried: tuple[Value, ...]
    body: Block
    following: tuple[Value, ...] = ()
    results: tuple[Value, ...] = ()


@dataclass(slots=True)
class If:
    """if condition: body. The body has effects, but no results."""

    condition: Value
    body: Block


@dataclass(slots=True)
class Block:
    """Instructions, loops and branches in order."""

    items: list[Instruction | Loop | If] = field(default_factory=list)


@dataclass(slots=True)
class Function:
    """One kernel; `note` says in words what it computes."""

    name: str
    parameters: tuple[Value, ...]
    body: Block
    note: str = ""
