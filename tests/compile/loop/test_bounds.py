"""The prover of bounds, compared with all accesses of small functions and run on emitted code."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from pellucid.compile.code import Code
from pellucid.compile.loop.bounds import OutOfBoundsError, prove
from pellucid.compile.loop.builder import Builder
from pellucid.compile.loop.ir import (
    F32,
    I64,
    PTR,
    Block,
    Constant,
    Function,
    If,
    Instruction,
    Type,
    Value,
)
from pellucid.compile.native.isa import isa_named
from pellucid.compile.verified import buffer_bytes, verify_code
from pellucid.graph import Graph, State, read
from tests.compile.test_determinism import GRAPHS
from tests.graph.random_graphs import Settings, random_graph

TASKS = 5
PARAMETERS = [("p", PTR), ("begin", I64), ("end", I64)]


def builder() -> Builder:
    return Builder("f", PARAMETERS)


def is_proven(function: Function, size: int) -> bool:
    try:
        prove(function, {"p": size}, TASKS)
    except OutOfBoundsError:
        return False
    return True


# -- accesses of a function, by running it ----------------------------------------------------------


@dataclass
class Machine:
    """An interpreter of integer loop IR that records the range of accessed bytes."""

    values: dict[Value, Any] = field(default_factory=dict)
    first: int = 1 << 40
    last: int = -1

    def read(self, value: Value) -> Any:
        if isinstance(value, Constant):
            return int(value.value)
        return self.values[value]

    def run(self, block: Block) -> None:
        for item in block.items:
            if isinstance(item, Instruction):
                self.instruction(item)
            elif isinstance(item, If):
                if self.read(item.condition):
                    self.run(item.body)
            else:
                carried = [self.read(value) for value in item.initial]
                for index in range(self.read(item.start), self.read(item.stop), item.step):
                    self.values[item.variable] = index
                    self.values.update(zip(item.carried, carried, strict=True))
                    self.run(item.body)
                    carried = [self.read(value) for value in item.following]
                self.values.update(zip(item.results, carried, strict=True))

    def instruction(self, item: Instruction) -> None:
        if item.op == "load":
            self.access(item)
            return
        args = [self.read(arg) for arg in item.args]
        assert item.result is not None
        self.values[item.result] = self.computed(item, args)

    def computed(self, item: Instruction, args: list[Any]) -> Any:
        if item.op == "lane_numbers":
            assert item.result is not None
            return np.arange(item.result.type.lanes)
        if item.op == "select":
            return np.where(args[0], args[1], args[2])[()]
        if item.op == "div":
            return np.trunc(np.divide(args[0], args[1])).astype(int)
        if item.op == "rem":
            return np.fmod(args[0], args[1])
        if item.op == "offset":
            return args[0] + 4 * args[1]
        if item.op in ("splat", "convert"):
            return args[0]
        x, y = args
        table: dict[str, Callable[[Any, Any], Any]] = {
            "add": np.add,
            "sub": np.subtract,
            "mul": np.multiply,
            "and": np.logical_and,
            "or": np.logical_or,
            "xor": np.logical_xor,
            "<": np.less,
            "<=": np.less_equal,
            ">": np.greater,
            ">=": np.greater_equal,
            "==": np.equal,
            "!=": np.not_equal,
        }
        return table[str(item.detail) if item.op == "compare" else item.op](x, y)

    def access(self, item: Instruction) -> None:
        assert item.result is not None
        lanes = item.result.type.lanes
        addresses = self.read(item.args[0]) + 4 * np.arange(max(lanes, 1))
        if len(item.args) == 2:
            addresses = addresses[
                np.broadcast_to(self.read(item.args[1]), addresses.shape).astype(bool)
            ]
        if addresses.size:
            self.first = min(self.first, int(addresses.min()))
            self.last = max(self.last, int(addresses.max()) + 3)


def accessed(function: Function) -> tuple[int, int]:
    """The first and last byte of p that any task accesses."""
    machine = Machine()
    pointer, begin, end = function.parameters
    for first in range(TASKS):
        machine.values = {pointer: 0, begin: first, end: TASKS}
        machine.run(function.body)
    return machine.first, machine.last


# -- random functions -------------------------------------------------------------------------------


class Grower:
    """Grows a random function of integers: loops, quotients, minima, conditions, masked loads."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.b = builder()
        _, self.begin, self.end = self.b.parameters
        self.numbers: list[Value] = []

    def below(self, n: int) -> int:
        return int(self.rng.integers(n))

    def number(self) -> Value:
        return self.numbers[self.below(len(self.numbers))]

    def function(self) -> Function:
        with self.b.loop(self.begin, self.end, hint="task") as task:
            self.numbers.append(task.variable)
            self.body(2)
        return self.b.function

    def body(self, depth: int) -> None:
        before = len(self.numbers)
        for _ in range(2 + self.below(4)):
            self.numbers.append(self.computed())
        form = self.below(3) if depth else 3
        if form == 0:
            stop = self.b.minimum(self.number(), 1 + self.below(9))
            with self.b.loop(self.below(3), stop, 1 + self.below(3)) as loop:
                self.within(loop.variable, depth)
        elif form == 1:
            self.counted(depth)
        elif form == 2:
            with self.b.when(self.condition()):
                self.body(depth - 1)
        self.load()
        del self.numbers[before:]

    def within(self, variable: Value, depth: int) -> None:
        """The body of a loop."""
        before = len(self.numbers)
        self.numbers.append(variable)
        self.body(depth - 1)
        del self.numbers[before:]

    def counted(self, depth: int) -> None:
        """A carried index that is incremented and wraps to 0."""
        b, extent = self.b, 1 + self.below(4)
        start = b.rem(b.maximum(self.number(), 0), extent)
        with b.loop(0, 1 + self.below(5), 1, [start]) as loop:
            self.within(loop.carried[0], depth)
            over = b.add(loop.carried[0], 1)
            loop.carry([b.select(b.compare("<", over, extent), over, 0)])
        self.numbers.append(loop.results[0])

    def computed(self) -> Value:
        b, x, y = self.b, self.number(), self.number()
        few = 1 + self.below(5)
        forms: list[Callable[[], Value]] = [
            lambda: b.add(x, y),
            lambda: b.sub(x, y),
            lambda: b.add(x, few - 3),
            lambda: b.mul(x, few - 2),
            lambda: b.div(x, few),
            lambda: b.rem(x, few),
            lambda: b.minimum(x, y),
            lambda: b.maximum(x, few - 3),
            lambda: b.select(self.condition(), x, y),
        ]
        made = forms[self.below(len(forms))]()
        return made if not isinstance(made, Constant) else x

    def condition(self) -> Value:
        order = ("<", "<=", ">", ">=", "==", "!=")[self.below(6)]
        made = self.b.compare(order, self.number(), self.below(7) - 1)
        if self.below(3) == 0:
            made = self.b.bit(("and", "or")[self.below(2)], made, self.condition())
        return self.b.invert(made) if self.below(4) == 0 else made

    def load(self) -> None:
        b, x = self.b, self.number()
        pointer = b.parameters[0]
        at = b.minimum(b.maximum(x, 0), 40) if self.below(2) else b.rem(b.maximum(x, 0), 7)
        if self.below(2):
            b.load(pointer, at, F32)
            return
        lanes = b.lane_numbers(4)
        mask = b.compare("<", b.add(b.splat(at, 4), lanes), 1 + self.below(9))
        if self.below(2):
            mask = b.bit("and", mask, b.splat(self.condition(), 4))
        b.load(pointer, at, Type("f32", 4), mask)


@pytest.mark.parametrize("first", range(0, 150, 50))
def test_what_is_proven_is_true(first: int) -> None:
    """The least size that is proven includes every byte that the function accesses."""
    tight = 0
    for seed in range(first, first + 50):
        function = Grower(seed).function()
        low, high = accessed(function)
        size = 4 * bisect_left(range(256), True, key=lambda n: is_proven(function, 4 * n))
        assert high < 0 or (low >= 0 and high < size), seed
        tight += size == high + 1
    assert tight > 20, "bounds are the least ones more often than not"


# -- what must be refused, and proven ---------------------------------------------------------------


def _loop(stop: int, ahead: int = 0, size: int = 40) -> bool:
    b = builder()
    with b.loop(0, stop) as i:
        b.load(b.parameters[0], b.add(i.variable, ahead), F32)
    return is_proven(b.function, size)


def test_loops() -> None:
    assert _loop(10)
    assert not _loop(11)
    assert not _loop(10, ahead=1)
    assert not _loop(10, ahead=-1)
    assert _loop(9, ahead=1)
    assert not _loop(10, size=39)


def test_remainders_of_negative_numbers_are_negative() -> None:
    """Division truncates: −1 mod 5 is −1, not 4."""
    b = builder()
    with b.loop(0, 6) as i:
        b.load(b.parameters[0], b.rem(b.sub(i.variable, 1), 5), F32)
    assert not is_proven(b.function, 20)
    b = builder()
    with b.loop(0, 6) as i:
        b.load(b.parameters[0], b.rem(i.variable, 5), F32)
    assert is_proven(b.function, 20)


def test_masks_and_branches_guard() -> None:
    for guarded in (True, False):
        b = builder()
        with b.loop(0, 10, 4) as i:
            lanes = b.add(b.lane_numbers(4), b.splat(i.variable, 4))
            mask = b.compare("<", lanes, 10) if guarded else None
            b.load(b.parameters[0], i.variable, Type("f32", 4), mask)
        assert is_proven(b.function, 40) is guarded
        assert not is_proven(b.function, 36)
    b = builder()
    with b.loop(-3, 10) as i, b.when(b.compare(">=", i.variable, 0)):
        b.load(b.parameters[0], i.variable, F32)
    assert is_proven(b.function, 40)


def test_a_value_from_memory_needs_a_guard() -> None:
    for guarded in (True, False):
        b = builder()
        loaded = b.load(b.parameters[0], 0, I64)
        at = b.minimum(b.maximum(loaded, 0), 9) if guarded else loaded
        b.store(b.constant(F32, 0.0), b.parameters[0], at)
        assert is_proven(b.function, 40) is guarded


def kernels(graph: Graph, target: str) -> Iterator[tuple[Function, dict[str, int], int]]:
    code = Code(graph, isa_named(target))
    seen: set[str] = set()
    for level in code.levels:
        for emitted in level:
            if emitted.tasks and emitted.function not in seen:
                seen.add(emitted.function)
                sizes = {f"p{i}": buffer_bytes(code, b) for i, b in enumerate(emitted.buffers)}
                sizes["scratch"] = emitted.scratch
                yield code.functions[emitted.function], sizes, emitted.tasks


@pytest.mark.parametrize("target", ["avx512", "avx2", "sse2", "neon"])
@pytest.mark.parametrize("make", GRAPHS)
def test_kernels_of_training_steps(make: Callable[[], Graph], target: str) -> None:
    """All are proven. Few are proven with a buffer that is one byte too short."""
    short = refused = 0
    for function, sizes, tasks in kernels(make(), target):
        prove(function, sizes, tasks)
        for name in [name for name, size in sizes.items() if size]:
            short += 1
            try:
                prove(function, {**sizes, name: sizes[name] - 1}, tasks)
            except OutOfBoundsError:
                refused += 1
    assert refused >= 0.85 * short


@pytest.mark.parametrize("target", ["avx512", "avx2", "sse2", "neon"])
def test_kernels_of_random_graphs(target: str) -> None:
    for seed in range(20):
        settings = Settings(wild=seed % 2 == 1, moves=seed % 4 < 2)
        for function, sizes, tasks in kernels(random_graph(seed, settings), target):
            prove(function, sizes, tasks)


def test_a_branch_that_cannot_be_taken_is_proven() -> None:
    """Its conditions contradict each other, so a bound of it is infinite."""
    held = read(State(np.zeros((3, 8, 1), np.float32), "w"))
    padded = held.pad((2, 2, 0), (3, 1, 2), interior=(2, 0, 0)).reshape(12, 1, 33)
    for name in ("avx512", "sse2"):
        verify_code(Code(Graph({"y": padded.node}, {}), isa_named(name)))
