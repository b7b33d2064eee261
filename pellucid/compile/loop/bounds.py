"""A prover that every load and store of a function lies in its buffer.

The prover follows integers and addresses through the loop IR as affine expressions (see `affine`).
Loop variables lie in their ranges. Conditions and masks hold in the code that they guard. A value
that a loop carries keeps bounds that every iteration preserves. One lane of each vector is followed;
its number is a symbol. An access is refused if its first byte may lie before its buffer, or its last
byte behind it. Prefetches access nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor, gcd, inf

from pellucid.compile.loop.affine import Affine, Bounds, Condition, Extreme
from pellucid.compile.loop.ir import (
    BITS,
    PTR,
    Constant,
    Function,
    If,
    Instruction,
    Loop,
    Type,
    Value,
)
from pellucid.compile.loop.show import instruction_text
from pellucid.compile.loop.visitor import Visitor

_UNKNOWN = Condition()
Range = tuple[Extreme, Extreme]


class OutOfBoundsError(ValueError):
    """An access that is not proven to lie in its buffer."""


@dataclass(frozen=True, slots=True)
class Address:
    """A byte of a buffer."""

    buffer: str
    byte: Affine


def prove(function: Function, sizes: Mapping[str, int], tasks: int) -> None:
    """Raise OutOfBoundsError naming the first access that may lie outside its buffer.

    sizes: bytes behind each pointer that the function is given. tasks: 0 ≤ begin < end ≤ tasks.
    """
    _Prover(function, sizes, tasks).run()


class _Prover(Visitor):
    """Numbers, addresses and conditions of the values so far.

    is_trial: accesses are not checked, because the ranges of carried values are still tentative.
    """

    def __init__(self, function: Function, sizes: Mapping[str, int], tasks: int) -> None:
        self.function = function
        self.sizes = dict(sizes)
        self.bounds = Bounds()
        self.numbers: dict[Value, Affine] = {}
        self.addresses: dict[Value, Address] = {}
        self.conditions: dict[Value, Condition] = {}
        self.magnitudes: set[Value] = set()
        self.is_trial = False
        end = self.bounds.symbol("end", [Affine(1)], [Affine(tasks)])
        begin = self.bounds.symbol("begin", [Affine(0)], [end.plus(-1)])
        for value in function.parameters:
            if value.type == PTR:
                self.addresses[value] = Address(value.name, Affine())
            else:
                self.numbers[value] = {"begin": begin, "end": end}[value.name]

    def run(self) -> None:
        """Follow the whole function."""
        self.visit(self.function.body)

    def visit_if(self, branch: If) -> None:
        """The condition holds in the body."""
        with self.bounds.assuming(self._condition(branch.condition).holds):
            self.visit(branch.body)

    # -- loops --------------------------------------------------------------------------------------

    def visit_loop(self, loop: Loop) -> None:
        """The variable lies in its range; carried values get ranges that every iteration keeps."""
        start, stop = self._number(loop.start), self._number(loop.stop)
        last = [_last_value(start, end, loop.step) for end in self.bounds.bounds_above(stop)]
        step = gcd(_divisor(start), loop.step)
        self.numbers[loop.variable] = self.bounds.symbol(loop.variable.name, [start], last, step)
        carried = [n for n, value in enumerate(loop.carried) if _is_followed(value.type)]
        ranges = self._invariant(loop, carried) if carried else []
        self._assume(loop.carried, carried, ranges)
        self._iteration(loop)
        self._assume(loop.results, carried, ranges)

    def _invariant(self, loop: Loop, carried: Sequence[int]) -> list[Range]:
        """Ranges of the carried values that hold before the first iteration and after each.

        The first trial assumes that values grow without limit. The ranges after one such iteration
        are the second trial.
        """
        first = [self._range(loop.initial[n]) for n in carried]
        after = self._ranges_after(loop, carried, [(low, inf) for low, _ in first])
        ranges = [_hull(x, y) for x, y in zip(first, after, strict=True)]
        after = self._ranges_after(loop, carried, ranges)
        holds = all(_hull(x, y) == x for x, y in zip(ranges, after, strict=True))
        return ranges if holds else [(-inf, inf)] * len(carried)

    def _ranges_after(
        self, loop: Loop, carried: Sequence[int], before: Sequence[Range]
    ) -> list[Range]:
        """Ranges of the carried values after an iteration that begins with the ranges `before`."""
        outer, self.is_trial = self.is_trial, True
        self._assume(loop.carried, carried, before)
        self._iteration(loop)
        self.is_trial = outer
        return [self._range(loop.following[n]) for n in carried]

    def _assume(
        self, values: Sequence[Value], carried: Sequence[int], ranges: Sequence[Range]
    ) -> None:
        for n, (low, high) in zip(carried, ranges, strict=True):
            self.numbers[values[n]] = self._between(values[n].name, low, high)

    def _iteration(self, loop: Loop) -> None:
        start, stop = self._number(loop.start), self._number(loop.stop)
        with self.bounds.assuming([start.minus(stop).plus(1)]):
            self.visit(loop.body)

    def _range(self, value: Value) -> Range:
        number = self._number(value)
        return self.bounds.lower_bound(number), self.bounds.upper_bound(number)

    def _between(self, name: str, low: Extreme, high: Extreme) -> Affine:
        lower = [] if abs(low) == inf else [Affine(ceil(low))]
        upper = [] if abs(high) == inf else [Affine(floor(high))]
        return self.bounds.symbol(name, lower, upper)

    # -- values -------------------------------------------------------------------------------------

    def _number(self, value: Value) -> Affine:
        if isinstance(value, Constant):
            return Affine(int(value.value))
        if value not in self.numbers:
            self.numbers[value] = self.bounds.symbol(value.name)
        return self.numbers[value]

    def _condition(self, value: Value) -> Condition:
        return self.conditions.get(value, _UNKNOWN)

    def visit_instruction(self, item: Instruction) -> None:
        """Check an access; else note what follows for the result."""
        if item.op in ("load", "gather", "store"):
            self._access(item)
        elif item.op == "offset":
            pointer, index = item.args
            self._set_address(item, self._offset(pointer, index, str(item.detail)))
        elif item.op == "stack":
            count, kind = str(item.detail).split()
            assert item.result is not None
            self.sizes[item.result.name] = int(count) * _size(kind)
            self._set_address(item, Address(item.result.name, Affine()))
        elif item.result is not None and item.result.type.kind == "i1":
            self.conditions[item.result] = self._condition_of(item)
        elif item.op == "unary" and item.detail == "abs" and item.result is not None:
            self.magnitudes.add(item.result)
        elif item.result is not None and _is_followed(item.result.type):
            self.numbers[item.result] = self._computed(item, item.result.name)

    def _set_address(self, item: Instruction, address: Address) -> None:
        assert item.result is not None
        self.addresses[item.result] = address

    def _offset(self, pointer: Value, index: Value, kind: str) -> Address:
        address = self.addresses[pointer]
        return Address(address.buffer, address.byte.plus(self._number(index).times(_size(kind))))

    def _computed(self, item: Instruction, name: str) -> Affine:
        """The result of an instruction as an expression."""
        args, op = item.args, item.op
        if op == "lane_numbers":
            assert item.result is not None
            return self.bounds.lane(item.result.type.lanes)
        if op == "select":
            chosen, other = (self._number(arg) for arg in args[1:])
            return self.bounds.choice(self._condition(args[0]), chosen, other)
        if op == "convert" and args[0].type.kind == "i1":
            return self.bounds.choice(self._condition(args[0]), Affine(1), Affine(0))
        if op == "splat" or (op == "convert" and args[0].type.kind == "i32"):
            return self._number(args[0])
        if op in ("add", "sub"):
            x, y = map(self._number, args)
            return x.plus(y) if op == "add" else x.minus(y)
        if op in ("mul", "div", "rem"):
            x, y = map(self._number, args)
            return self._product_or_quotient(op, x, y, name)
        if op == "and" and isinstance(args[1], Constant) and args[1].value >= 0:
            return self._between(name, 0, args[1].value)
        if op == "lshr" and isinstance(args[1], Constant) and args[1].value:
            return self._shift(args[0], int(args[1].value), name)
        if op == "bitcast" and args[0] in self.magnitudes:
            return self._between(name, 0, 2 ** (BITS[args[0].type.kind] - 1) - 1)
        if op in ("lane", "join"):
            ranges = [self._range(arg) for arg in args]
            return self._between(name, min(r[0] for r in ranges), max(r[1] for r in ranges))
        return self.bounds.symbol(name)

    def _product_or_quotient(self, op: str, x: Affine, y: Affine, name: str) -> Affine:
        if op == "mul" and not (x.terms and y.terms):
            return x.times(y.constant) if not y.terms else y.times(x.constant)
        if op != "mul" and not y.terms and y.constant > 0:
            quotient, remainder = self.bounds.divided(x, int(y.constant))
            return quotient if op == "div" else remainder
        return self.bounds.symbol(name)

    def _shift(self, x: Value, bits: int, name: str) -> Affine:
        number = self._number(x)
        if self.bounds.lower_bound(number) >= 0:
            return self.bounds.divided(number, 1 << bits)[0]
        return self._between(name, 0, (1 << BITS[x.type.kind] - bits) - 1)

    def _condition_of(self, item: Instruction) -> Condition:
        """The facts that follow from the result of an instruction, if that is a condition."""
        args = item.args
        if item.op == "compare" and args[0].type.kind in ("i32", "i64"):
            return _compared(str(item.detail), *map(self._number, args))
        if item.op == "splat":
            return self._condition(args[0])
        if item.op == "and":
            x, y = map(self._condition, args)
            return Condition(holds=(*x.holds, *y.holds))
        if item.op == "or":
            x, y = map(self._condition, args)
            return Condition(fails=(*x.fails, *y.fails))
        if item.op == "xor" and isinstance(args[1], Constant) and args[1].value:
            x = self._condition(args[0])
            return Condition(x.fails, x.holds)
        return _UNKNOWN

    # -- accesses -----------------------------------------------------------------------------------

    def _access(self, item: Instruction) -> None:
        if self.is_trial:
            return
        args = item.args[1:] if item.op == "store" else item.args
        value = item.args[0] if item.op == "store" else item.result
        assert value is not None
        size = _size(value.type.kind)
        if item.op == "gather":
            address, masks = self._offset(args[0], args[1], value.type.kind), args[2:]
        else:
            address, masks = self.addresses[args[0]], args[1:]
            if value.type.lanes:
                lane = self.bounds.lane(value.type.lanes).times(size)
                address = Address(address.buffer, address.byte.plus(lane))
        last_start = self.sizes[address.buffer] - size
        facts = [fact for mask in masks for fact in self._condition(mask).holds]
        with self.bounds.assuming(facts):
            for self.bounds.integers_only in (True, False):
                first, last = (
                    self.bounds.lower_bound(address.byte),
                    self.bounds.upper_bound(address.byte),
                )
                if 0 <= first and last <= last_start:
                    break
            else:
                raise OutOfBoundsError(
                    f"{self.function.name}: {instruction_text(item)}: bytes {_byte_text(first)} to "
                    f"{_byte_text(last + size - 1)} of {address.buffer}, "
                    f"which has {last_start + size:,}"
                )
        self.bounds.integers_only = False


def _hull(x: Range, y: Range) -> Range:
    return min(x[0], y[0]), max(x[1], y[1])


def _compared(order: str, x: Affine, y: Affine) -> Condition:
    below, above = x.minus(y), y.minus(x)
    if order == "<":
        return Condition((below.plus(1),), (above,))
    if order == "<=":
        return Condition((below,), (above.plus(1),))
    if order in (">", ">="):
        return _compared({">": "<", ">=": "<="}[order], y, x)
    equal = below, above
    return Condition(equal, ()) if order == "==" else Condition((), equal)


def _last_value(start: Affine, end: Affine, step: int) -> Affine:
    """The last of start, start + step, … before `end`; end − 1 if the span's remainder is unknown."""
    span = end.minus(start)
    if not isinstance(span.constant, int) or span.divisor() % step:
        return end.plus(-1)
    return end.plus(-((span.constant - 1) % step) - 1)


def _divisor(x: Affine) -> int:
    return gcd(x.divisor(), x.constant) if isinstance(x.constant, int) else 1


def _is_followed(kind: Type) -> bool:
    """Whether values of a type are followed: 64-bit integers, and 32-bit integers, which masks use."""
    return kind.kind in ("i32", "i64")


def _size(kind: str) -> int:
    return max(BITS[kind] // 8, 1)


def _byte_text(x: Extreme) -> str:
    return f"{floor(x):,}" if abs(x) != inf else str(x)
