"""The entry of a program: steps, levels, barriers, and each thread's share of every kernel."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence

from pellucid.compile.emit.kernel import Buffer, Emitted
from pellucid.compile.loop.builder import Builder
from pellucid.compile.loop.entry import entry_builder
from pellucid.compile.loop.ir import I64, PTR, Function, Value

Address = Callable[[Buffer], tuple[str, int]]
"""A buffer → ("arena", offset) or ("fixed" or "stepped", slot in the table of pointers)."""

ARENA, SCRATCH, TASKS, CLOCKS, FIRST_BUFFER = 0, 1, 2, 3, 4
"""Slots of the table: the arena, all scratch, the ranges of tasks, the clocks, then the buffers."""


def entry(
    levels: Sequence[Sequence[Emitted]],
    barriers: Container[int],
    address: Address,
    strides: Callable[[Buffer], int],
    scratch: int,
    clock: str = "",
) -> Function:
    """`void entry(table, steps, thread, threads, team)`.

    barriers: the levels after which threads wait for each other.
    strides:  bytes of a buffer from one step to the next.
    scratch:  bytes of a thread.
    clock:    the intrinsic that counts time, if the time of each level is added up in the clocks.
    The ranges are int64 pairs (first task, last task + 1) by kernel and thread.
    """
    b = entry_builder("all steps of a program")
    table, steps, thread, threads, team = b.parameters
    slots: dict[int, Value] = {}

    def slot(number: int) -> Value:
        if number not in slots:
            slots[number] = b.load(table, number, PTR)
        return slots[number]

    arena, ranges = slot(ARENA), slot(TASKS)
    own_scratch = b.offset(slot(SCRATCH), b.mul(thread, scratch), "i8")
    for level in levels:
        for emitted in level:
            for buffer in emitted.buffers:
                memory, number = address(buffer)
                if memory != "arena":
                    slot(number)
    clocks = slot(CLOCKS) if clock else None

    def pointer(buffer: Buffer, step: Value) -> Value:
        memory, location = address(buffer)
        if memory == "arena":
            return b.offset(arena, location, "i8")
        if memory == "fixed":
            return slot(location)
        offset = b.mul(step, strides(buffer))
        return b.offset(slot(location), offset, "i8")

    with b.loop(0, steps, hint="step") as step:
        kernels = 0
        started = b.clock(clock) if clock else None
        for depth, level in enumerate(levels):
            for emitted in level:
                pointers = [pointer(buffer, step.variable) for buffer in emitted.buffers]
                pair = b.mul(b.add(b.mul(threads, kernels), thread), 2)
                begin, end = b.load(ranges, pair, I64), b.load(ranges, b.add(pair, 1), I64)
                with b.when(b.compare("<", begin, end)):
                    b.call(emitted.function, [*pointers, begin, end, own_scratch])
                kernels += 1
            if depth in barriers:
                b.call("pel_barrier", [team, thread])
            if clocks is not None and started is not None:
                started = _tick(b, clock, clocks, depth, thread, started)
    return b.function


def _tick(
    b: Builder, clock: str, clocks: Value, depth: int, thread: Value, started: Value
) -> Value:
    """Add the time since `started` to a level's clock, on the first thread only; returns the time."""
    now = b.clock(clock)
    with b.when(b.compare("==", thread, 0)):
        total = b.add(b.load(clocks, depth, I64), b.sub(now, started))
        b.store(total, clocks, depth)
    return now
