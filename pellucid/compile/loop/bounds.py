"""A prover that every load and store of a function lies in its buffer.

It follows integers and addresses through the loop IR as affine expressions (see `affine`): loop
variables lie in their ranges, conditions and masks hold where they guard, and a value that a loop
carries keeps bounds that every turn preserves. One lane of each vector is followed; its number is a
symbol. An access is refused if its first byte may lie before its buffer, or its last byte behind it.
Prefetches access nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor, gcd, inf

from pellucid.compile.loop.affine import Affine, Bounds, Condition, Extreme
from pellucid.compile.loop.ir import (
    BITS,
    PTR,
    Block,
    Constant,
    Function,
    If,
    Instruction,
    Loop,
    Type,
    Value,
)
from pellucid.compile.loop.show import instruction_text

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


class _Prover:
    """What is known of the values so far: numbers, addresses and conditions."""

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
        self._block(self.function.body)

    def _block(self, block: Block) -> None:
        for item in block.items:
            if isinstance(item, Instruction):
                self._instruction(item)
            elif isinstance(item, Loop):
                self._loop(item)
            else:
                self._if(item)

    def _if(self, branch: If) -> None:
        with self.bounds.assuming(self._condition(branch.condition).holds):
            self._block(branch.body)

    # -- loops --------------------------------------------------------------------------------------

    def _loop(self, loop: Loop) -> None:
        start, stop = self._number(loop.start), self._number(loop.stop)
        last = [_last_turn(start, end, loop.step) for end in self.bounds.alternatives(stop)]
        step = gcd(_divisor(start), loop.step)
        self.numbers[loop.variable] = self.bounds.symbol(loop.variable.name, [start], last, step)
        carried = [n for n, value in enumerate(loop.carried) if _is_counted(value.type)]
        ranges = self._invariant(loop, carried) if carried else []
        self._assume(loop.carried, carried, ranges)
        self._turn(loop)
        self._assume(loop.results, carried, ranges)

    def _invariant(self, loop: Loop, carried: Sequence[int]) -> list[Range]:
        """Ranges of the carried values that hold before the first turn and are kept by each.

        Values are supposed to grow without limit first; what a turn then makes of them is tried next.
        """
        first = [self._range(loop.initial[n]) for n in carried]
        after = self._after(loop, carried, [(low, inf) for low, _ in first])
        ranges = [_hull(x, y) for x, y in zip(first, after, strict=True)]
        after = self._after(loop, carried, ranges)
        kept = all(_hull(x, y) == x for x, y in zip(ranges, after, strict=True))
        return ranges if kept else [(-inf, inf)] * len(carried)

    def _after(self, loop: Loop, carried: Sequence[int], before: Sequence[Range]) -> list[Range]:
        """Ranges after a turn of a loop whose carried values have these before it."""
        outer, self.is_trial = self.is_trial, True
        self._assume(loop.carried, carried, before)
        self._turn(loop)
        self.is_trial = outer
        return [self._range(loop.following[n]) for n in carried]

    def _assume(
        self, values: Sequence[Value], carried: Sequence[int], ranges: Sequence[Range]
    ) -> None:
        for n, (low, high) in zip(carried, ranges, strict=True):
            self.numbers[values[n]] = self._between(values[n].name, low, high)

    def _turn(self, loop: Loop) -> None:
        start, stop = self._number(loop.start), self._number(loop.stop)
        with self.bounds.assuming([start.minus(stop).plus(1)]):
            self._block(loop.body)

    def _range(self, value: Value) -> Range:
        number = self._number(value)
        return self.bounds.least(number), self.bounds.greatest(number)

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

    def _instruction(self, item: Instruction) -> None:
        if item.op in ("load", "gather", "store"):
            self._access(item)
        elif item.op == "offset":
            pointer, index = item.args
            self._point(item, self._moved(pointer, index, str(item.detail)))
        elif item.op == "stack":
            count, kind = str(item.detail).split()
            assert item.result is not None
            self.sizes[item.result.name] = int(count) * _size(kind)
            self._point(item, Address(item.result.name, Affine()))
        elif item.result is not None and item.result.type.kind == "i1":
            self.conditions[item.result] = self._decided(item)
        elif item.op == "unary" and item.detail == "abs" and item.result is not None:
            self.magnitudes.add(item.result)
        elif item.result is not None and _is_counted(item.result.type):
            self.numbers[item.result] = self._computed(item, item.result.name)

    def _point(self, item: Instruction, address: Address) -> None:
        assert item.result is not None
        self.addresses[item.result] = address

    def _moved(self, pointer: Value, index: Value, kind: str) -> Address:
        address = self.addresses[pointer]
        return Address(address.buffer, address.byte.plus(self._number(index).times(_size(kind))))

    def _computed(self, item: Instruction, name: str) -> Affine:
        """The number that an instruction gives."""
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
            return self._scaled(op, x, y, name)
        if op == "and" and isinstance(args[1], Constant) and args[1].value >= 0:
            return self._between(name, 0, args[1].value)
        if op == "lshr" and isinstance(args[1], Constant) and args[1].value:
            return self._shifted(args[0], int(args[1].value), name)
        if op == "bitcast" and args[0] in self.magnitudes:
            return self._between(name, 0, 2 ** (BITS[args[0].type.kind] - 1) - 1)
        if op in ("lane", "join"):
            ranges = [self._range(arg) for arg in args]
            return self._between(name, min(r[0] for r in ranges), max(r[1] for r in ranges))
        return self.bounds.symbol(name)

    def _scaled(self, op: str, x: Affine, y: Affine, name: str) -> Affine:
        if op == "mul" and not (x.terms and y.terms):
            return x.times(y.constant) if not y.terms else y.times(x.constant)
        if op != "mul" and not y.terms and y.constant > 0:
            quotient, remainder = self.bounds.divided(x, int(y.constant))
            return quotient if op == "div" else remainder
        return self.bounds.symbol(name)

    def _shifted(self, x: Value, bits: int, name: str) -> Affine:
        number = self._number(x)
        if self.bounds.least(number) >= 0:
            return self.bounds.divided(number, 1 << bits)[0]
        return self._between(name, 0, (1 << BITS[x.type.kind] - bits) - 1)

    def _decided(self, item: Instruction) -> Condition:
        """What follows from the condition that an instruction gives."""
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
        held = item.args[0] if item.op == "store" else item.result
        assert held is not None
        size = _size(held.type.kind)
        if item.op == "gather":
            address, masks = self._moved(args[0], args[1], held.type.kind), args[2:]
        else:
            address, masks = self.addresses[args[0]], args[1:]
            if held.type.lanes:
                lane = self.bounds.lane(held.type.lanes).times(size)
                address = Address(address.buffer, address.byte.plus(lane))
        most = self.sizes[address.buffer] - size
        facts = [fact for mask in masks for fact in self._condition(mask).holds]
        with self.bounds.assuming(facts):
            for self.bounds.is_quick in (True, False):
                first, last = self.bounds.least(address.byte), self.bounds.greatest(address.byte)
                if 0 <= first and last <= most:
                    break
            else:
                raise OutOfBoundsError(
                    f"{self.function.name}: {instruction_text(item)}: bytes {_text(first)} to "
                    f"{_text(last + size - 1)} of {address.buffer}, which has {most + size:,}"
                )
        self.bounds.is_quick = False


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


def _last_turn(start: Affine, end: Affine, step: int) -> Affine:
    """The last of start, start + step, … before `end`, rounded down if the span's remainder is known."""
    span = end.minus(start)
    if not isinstance(span.constant, int) or span.divisor() % step:
        return end.plus(-1)
    return end.plus(-((span.constant - 1) % step) - 1)


def _divisor(x: Affine) -> int:
    return gcd(x.divisor(), x.constant) if isinstance(x.constant, int) else 1


def _is_counted(kind: Type) -> bool:
    """Whether values of a type are followed: 64-bit integers, and 32-bit ones in masks."""
    return kind.kind in ("i32", "i64")


def _size(kind: str) -> int:
    return max(BITS[kind] // 8, 1)


def _text(x: Extreme) -> str:
    return f"{floor(x):,}" if abs(x) != inf else str(x)
