"""The entry of a program: steps, levels, barriers, and each thread's share of every kernel."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence

from pellucid.compile.emit.kernel import Buffer, Emitted
from pellucid.compile.loop.builder import Builder
from pellucid.compile.loop.ir import I64, PTR, Function, Value

Address = Callable[[Buffer], tuple[str, int]]
"""A buffer → ("arena", offset) or ("fixed" or "stepped", slot in the table of pointers)."""

ARENA, SCRATCH, TASKS, CLOCKS, FIRST = 0, 1, 2, 3, 4
"""Slots of the table: the arena, all scratch, the ranges of tasks, the clocks, then pointers."""


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
    The ranges are int64 pairs (first task, last task + 1) by kernel and thread. clock: the
    intrinsic that counts time, if that which each level takes is to be added up in the clocks.
    """
    b = Builder(
        "entry",
        [("table", PTR), ("steps", I64), ("thread", I64), ("threads", I64), ("team", PTR)],
        "all steps of a program",
    )
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
                where, number = address(buffer)
                if where != "arena":
                    slot(number)
    clocks = slot(CLOCKS) if clock else None
    with b.loop(0, steps, hint="step") as step:
        number = 0
        before = b.clock(clock) if clock else None
        for place, level in enumerate(levels):
            for emitted in level:
                pointers: list[Value] = []
                for buffer in emitted.buffers:
                    where, at = address(buffer)
                    if where == "arena":
                        pointers.append(b.offset(arena, at, "i8"))
                    elif where == "fixed":
                        pointers.append(slot(at))
                    else:
                        moved = b.mul(step.variable, strides(buffer))
                        pointers.append(b.offset(slot(at), moved, "i8"))
                pair = b.mul(b.add(b.mul(threads, number), thread), 2)
                begin, end = b.load(ranges, pair, I64), b.load(ranges, b.add(pair, 1), I64)
                with b.when(b.compare("<", begin, end)):
                    b.call(emitted.function, [*pointers, begin, end, own_scratch])
                number += 1
            if place in barriers:
                b.call("pel_barrier", [team, thread])
            if clocks is not None and before is not None:
                before = _tick(b, clock, clocks, place, thread, before)
    return b.function


def _tick(b: Builder, clock: str, clocks: Value, place: int, thread: Value, before: Value) -> Value:
    """Add the time since `before` to a level's clock, on the first thread alone."""
    now = b.clock(clock)
    with b.when(b.compare("==", thread, 0)):
        total = b.add(b.load(clocks, place, I64), b.sub(now, before))
        b.store(total, clocks, place)
    return now
