"""A builder of loop IR. Every method checks the types of its operands.

A Python number is a constant of the other operand's type. Arithmetic on constants is folded.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from pellucid.compile.loop.ir import (
    BITS,
    F32,
    I1,
    I64,
    PTR,
    Block,
    Constant,
    Function,
    If,
    Instruction,
    Kind,
    Loop,
    Type,
    Value,
)

Operand = Value | int | float

_FOLD_INT = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a // b,
    "rem": lambda a, b: a % b,
}


class OpenLoop:
    """A loop under construction: its variable, its carried values and, at the end, its results."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self.variable = loop.variable
        self.carried = loop.carried

    def carry(self, values: Sequence[Value]) -> None:
        """Set the carried values of the next iteration."""
        self._loop.following = tuple(values)

    @property
    def results(self) -> tuple[Value, ...]:
        """The carried values after the last iteration; valid outside the loop."""
        return self._loop.results


class Builder:
    """One function under construction."""

    def __init__(self, name: str, parameters: Sequence[tuple[str, Type]], note: str = "") -> None:
        self._count = 0
        values = tuple(Value(t, n) for n, t in parameters)
        self.function = Function(name, values, Block(), note)
        self._block = self.function.body
        self.contract = False
        """Whether a · b + c may be rounded once."""

    @property
    def parameters(self) -> tuple[Value, ...]:
        """The function's parameters."""
        return self.function.parameters

    def _fresh(self, type: Type, hint: str = "v") -> Value:  # noqa: A002
        self._count += 1
        return Value(type, f"{hint}{self._count}")

    def _emit(
        self,
        op: str,
        args: Sequence[Value],
        type: Type | None,  # noqa: A002
        detail: str | int | tuple[int, ...] | None = None,
    ) -> Value:
        result = None if type is None else self._fresh(type)
        self._block.items.append(Instruction(op, tuple(args), result, detail))
        return result if result is not None else args[0]

    # -- constants ----------------------------------------------------------------------------

    def constant(self, type: Type, value: float) -> Value:  # noqa: A002
        """The same number in every lane; integers wrap to the type's width."""
        if not type.is_float and type.kind != "i1":
            bits = BITS[type.kind]
            value = (int(value) + (1 << bits - 1)) % (1 << bits) - (1 << bits - 1)
        return Constant(type, value)

    def _pair(self, x: Operand, y: Operand) -> tuple[Value, Value]:
        if isinstance(x, Value):
            other = y if isinstance(y, Value) else self.constant(x.type, y)
            if x.type != other.type:
                raise TypeError(f"operands of different types: {x!r} and {other!r}")
            return x, other
        if isinstance(y, Value):
            return self.constant(y.type, x), y
        return self.constant(I64, x), self.constant(I64, y)

    def lane_numbers(self, lanes: int, kind: Kind = "i64") -> Value:
        """0, 1, … lanes − 1."""
        return self._emit("lane_numbers", (), Type(kind, lanes))

    # -- arithmetic ---------------------------------------------------------------------------

    def _arithmetic(self, op: str, x: Operand, y: Operand) -> Value:
        a, b = self._pair(x, y)
        if not a.type.is_float:
            folded = self._folded(op, a, b)
            if folded is not None:
                return folded
        detail = "contract" if self.contract and a.type.is_float else None
        return self._emit(op, (a, b), a.type, detail)

    def _folded(self, op: str, a: Value, b: Value) -> Value | None:
        if isinstance(a, Constant) and isinstance(b, Constant) and op in _FOLD_INT:
            return self.constant(a.type, _FOLD_INT[op](int(a.value), int(b.value)))
        if isinstance(b, Constant):
            if b.value == 0 and op in ("add", "sub", "or", "xor", "shl", "lshr"):
                return a
            if b.value == 1 and op in ("mul", "div"):
                return a
            if b.value == 1 and op == "rem":
                return self.constant(a.type, 0)
            if b.value == 0 and op == "mul":
                return b
        if isinstance(a, Constant):
            if a.value == 0 and op == "add":
                return b
            if a.value == 1 and op == "mul":
                return b
            if a.value == 0 and op == "mul":
                return a
        return None

    def add(self, x: Operand, y: Operand) -> Value:
        """x + y."""
        return self._arithmetic("add", x, y)

    def sub(self, x: Operand, y: Operand) -> Value:
        """x − y."""
        return self._arithmetic("sub", x, y)

    def mul(self, x: Operand, y: Operand) -> Value:
        """x · y."""
        return self._arithmetic("mul", x, y)

    def div(self, x: Operand, y: Operand) -> Value:
        """x / y; integers are signed and truncated towards 0."""
        return self._arithmetic("div", x, y)

    def rem(self, x: Operand, y: Operand) -> Value:
        """The signed integer remainder of x / y."""
        return self._arithmetic("rem", x, y)

    def fma(self, x: Operand, y: Operand, z: Value) -> Value:
        """x · y + z, rounded once where the machine has such an instruction, else twice."""
        a, _ = self._pair(x, z)
        b, _ = self._pair(y, z)
        return self._emit("fma", (a, b, z), z.type)

    @contextmanager
    def uncontracted(self) -> Iterator[None]:
        """In this context products and sums are rounded as they are written."""
        outer, self.contract = self.contract, False
        try:
            yield
        finally:
            self.contract = outer

    def neg(self, x: Value) -> Value:
        """−x."""
        return self._emit("neg", (x,), x.type) if x.type.is_float else self.sub(0, x)

    def unary(self, op: str, x: Value) -> Value:
        """One of sqrt, floor, ceil, rint (nearest even), abs of floats; ctpop, … of integers."""
        return self._emit("unary", (x,), x.type, op)

    def minimum(self, x: Operand, y: Operand) -> Value:
        """The smaller; NaN if either is."""
        a, b = self._pair(x, y)
        return self.select(self._first_wins("<", a, b), a, b)

    def maximum(self, x: Operand, y: Operand) -> Value:
        """The larger; NaN if either is."""
        a, b = self._pair(x, y)
        return self.select(self._first_wins(">", a, b), a, b)

    def _first_wins(self, order: str, a: Value, b: Value) -> Value:
        wins = self.compare(order, a, b)
        return self.bit("or", wins, self.compare("!=", a, a)) if a.type.is_float else wins

    # -- bits, comparison, choice -------------------------------------------------------------

    def bit(self, op: str, x: Operand, y: Operand) -> Value:
        """and, or, xor, shl, lshr (zeros in), ashr (sign in) of integers or conditions."""
        return self._arithmetic(op, x, y)

    def invert(self, x: Value) -> Value:
        """not x, for conditions."""
        return self._emit("xor", (x, Constant(x.type, 1)), x.type)

    def compare(self, order: str, x: Operand, y: Operand) -> Value:
        """One of < <= > >= == != ; with NaN all are false but != ."""
        a, b = self._pair(x, y)
        return self._emit("compare", (a, b), a.type.of("i1"), order)

    def select(self, condition: Value, x: Operand, y: Operand) -> Value:
        """x where the condition holds, else y."""
        a, b = self._pair(x, y)
        return self._emit("select", (condition, a, b), a.type)

    # -- conversions --------------------------------------------------------------------------

    def convert(self, x: Value, kind: Kind) -> Value:
        """The same number in another kind; floats are truncated towards 0, conditions become 0 and 1."""
        return x if x.type.kind == kind else self._emit("convert", (x,), x.type.of(kind))

    def bitcast(self, x: Value, kind: Kind) -> Value:
        """The same bits as another kind of the same width."""
        return x if x.type.kind == kind else self._emit("bitcast", (x,), x.type.of(kind))

    def splat(self, x: Operand, lanes: int, type: Type = F32) -> Value:  # noqa: A002
        """A scalar in every lane; unchanged for 0 lanes."""
        if not isinstance(x, Value):
            return self.constant(Type(type.kind, lanes), x)
        if x.type.lanes or not lanes:
            return x
        if isinstance(x, Constant):
            return Constant(Type(x.type.kind, lanes), x.value)
        return self._emit("splat", (x,), Type(x.type.kind, lanes))

    def lane(self, x: Value, index: int) -> Value:
        """One lane as a scalar."""
        return self._emit("lane", (x,), x.type.scalar, index)

    def shuffle(self, x: Value, y: Value, order: Sequence[int]) -> Value:
        """Lanes of x and y, numbered x first, in the given order."""
        return self._emit("shuffle", (x, y), Type(x.type.kind, len(order)), tuple(order))

    def join(self, parts: Sequence[Value]) -> Value:
        """Scalars as the lanes of a vector."""
        return self._emit("join", parts, Type(parts[0].type.kind, len(parts)))

    def reduce(self, op: str, x: Value) -> Value:
        """All lanes combined by add, min or max in a fixed tree that folds halves together."""
        lanes = x.type.lanes
        while lanes > 1:
            half = lanes // 2
            low = self.shuffle(x, x, range(half))
            high = self.shuffle(x, x, range(half, lanes))
            x = {"add": self.add, "min": self.minimum, "max": self.maximum}[op](low, high)
            lanes = half
        return self.lane(x, 0) if x.type.lanes else x

    # -- memory -------------------------------------------------------------------------------

    def offset(self, pointer: Value, index: Operand, kind: Kind) -> Value:
        """The address of element `index` of an array of `kind`."""
        at = index if isinstance(index, Value) else self.constant(I64, index)
        if isinstance(at, Constant) and at.value == 0:
            return pointer
        return self._emit("offset", (pointer, at), PTR, kind)

    def load(
        self,
        pointer: Value,
        index: Operand,
        type: Type,  # noqa: A002
        mask: Value | None = None,
    ) -> Value:
        """`type.lanes` neighbouring elements from `index` on; masked lanes are 0 and are not read.

        Conditions are stored as bytes of 0 and 1.
        """
        stored: Kind = "i8" if type.kind == "i1" else type.kind
        address = self.offset(pointer, index, stored)
        args = (address,) if mask is None else (address, mask)
        value = self._emit("load", args, type.of(stored))
        return self.compare("!=", value, 0) if type.kind == "i1" else value

    def store(
        self, value: Value, pointer: Value, index: Operand, mask: Value | None = None
    ) -> None:
        """Write neighbouring elements; masked lanes are not written."""
        stored = self.convert(value, "i8") if value.type.kind == "i1" else value
        address = self.offset(pointer, index, stored.type.kind)
        args = (stored, address) if mask is None else (stored, address, mask)
        self._emit("store", args, None)

    def gather(self, pointer: Value, index: Value, kind: Kind, mask: Value | None = None) -> Value:
        """One element for each lane of the integer vector `index`; masked lanes are 0."""
        stored: Kind = "i8" if kind == "i1" else kind
        args = (pointer, index) if mask is None else (pointer, index, mask)
        value = self._emit("gather", args, Type(stored, index.type.lanes))
        return self.compare("!=", value, 0) if kind == "i1" else value

    def stack(self, count: int, kind: Kind) -> Value:
        """Memory for `count` elements, for as long as the function runs, aligned to 64 bytes."""
        result = self._fresh(PTR, "stack")
        self.function.body.items.insert(0, Instruction("stack", (), result, f"{count} {kind}"))
        return result

    def prefetch(self, pointer: Value, write: bool = False) -> None:
        """Prefetch the cache line at an address, for reading or writing."""
        self._emit("prefetch", (pointer,), None, "write" if write else "read")

    def clock(self, intrinsic: str) -> Value:
        """The processor's time counter, by an intrinsic of LLVM."""
        return self._emit("clock", (), I64, intrinsic)

    # -- control ------------------------------------------------------------------------------

    @contextmanager
    def loop(
        self,
        start: Operand,
        stop: Operand,
        step: int = 1,
        carried: Sequence[Value] = (),
        hint: str = "i",
    ) -> Iterator[OpenLoop]:
        """for variable in range(start, stop, step), with carried values; see OpenLoop."""
        first, last = self._pair(start, stop)
        inner = tuple(self._fresh(v.type, "c") for v in carried)
        loop = Loop(self._fresh(I64, hint), first, last, step, tuple(carried), inner, Block())
        loop.results = tuple(self._fresh(v.type, "r") for v in carried)
        opened = OpenLoop(loop)
        outer, self._block = self._block, loop.body
        try:
            yield opened
        finally:
            self._block = outer
        if len(loop.following) != len(inner):
            raise ValueError("a loop sets every carried value of the next iteration by carry()")
        self._block.items.append(loop)

    @contextmanager
    def when(self, condition: Value) -> Iterator[None]:
        """if condition: …"""
        if condition.type != I1:
            raise TypeError(f"a branch takes one condition, got {condition!r}")
        branch = If(condition, Block())
        outer, self._block = self._block, branch.body
        try:
            yield
        finally:
            self._block = outer
        self._block.items.append(branch)

    def call(self, name: str, args: Sequence[Value]) -> None:
        """Call a function of the module that returns nothing."""
        self._emit("call", args, None, name)
