"""Two programs that take turns on the same states, in one call."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from pellucid.compile.op_facts import not_lowered
from pellucid.graph import Array, Graph, Program, executor

if TYPE_CHECKING:
    from pellucid.compile.native.library import Library
    from pellucid.compile.pointers import Table
    from pellucid.compile.program import NativeProgram


@dataclass(frozen=True)
class Turn:
    """Steps `begin` to `end` − 1 of one of two programs."""

    program: int
    begin: int
    end: int


def build_beside(program: Program, graph: Graph) -> Program:
    """A program of another graph that takes turns with this one: native if it is, on as many threads.

    A graph that holds an op without a lowering is run by the executor in force.
    """
    from pellucid.compile.program import NativeProgram

    if isinstance(program, NativeProgram) and not not_lowered(graph.nodes):
        return NativeProgram(graph, program.threads)
    return executor().build(graph, runs=2)


def run_turns(
    programs: tuple[Program, Program],
    turns: Sequence[Turn],
    steps: int,
    feeds: Mapping[str, Array],
) -> dict[str, Array]:
    """Run programs in turns; feeds have a leading axis over all steps.

    Outputs of the first program have that axis too, written by whichever program made a step; an
    output that only the second has, has one over the steps that it made.
    Native programs on the same number of threads run in one foreign call.
    """
    first, second = programs
    made = sum(turn.end - turn.begin for turn in turns if turn.program)
    nodes = {**second.graph.outputs, **first.graph.outputs}
    outputs = {
        name: np.empty((steps if name in first.graph.outputs else made, *node.shape), node.dtype)
        for name, node in nodes.items()
    }
    native = _native(programs)
    if native is None:
        _run_one_by_one(programs, turns, feeds, outputs)
    else:
        _run_at_once(native, turns, steps, feeds, outputs)
    return outputs


def _native(programs: tuple[Program, Program]) -> tuple[NativeProgram, NativeProgram] | None:
    """The programs if one foreign call can run both."""
    from pellucid.compile.program import NativeProgram

    first, second = programs
    if not (isinstance(first, NativeProgram) and isinstance(second, NativeProgram)):
        return None
    return (first, second) if first.threads == second.threads else None


def _run_one_by_one(
    programs: tuple[Program, Program],
    turns: Sequence[Turn],
    feeds: Mapping[str, Array],
    outputs: Mapping[str, Array],
) -> None:
    over_all = programs[0].graph.outputs
    made = 0
    for turn in turns:
        program, count = programs[turn.program], turn.end - turn.begin
        part = {name: feeds[name][turn.begin : turn.end] for name in program.graph.inputs}
        for name, array in program.run(count, part).items():
            at = turn.begin if name in over_all else made
            outputs[name][at : at + count] = array
        made += count if turn.program else 0


def _run_at_once(
    programs: tuple[NativeProgram, NativeProgram],
    turns: Sequence[Turn],
    steps: int,
    feeds: Mapping[str, Array],
    outputs: Mapping[str, Array],
) -> None:
    """Every turn has a table of its own, whose pointers begin at its first step."""
    from pellucid.compile.native.threads import team_of
    from pellucid.compile.native.turns_ir import ENTRY, FIELDS, STEPS, TABLE

    over_all = programs[0].graph.outputs
    checked = [program.checked(steps, feeds) for program in programs]
    fields = (ctypes.c_int64 * (FIELDS * len(turns)))()
    kept: list[Table] = []
    made = 0
    with ExitStack() as locks:
        for program in sorted(programs, key=id):
            locks.enter_context(program.running())
        tables = [p.table(fed, outputs) for p, fed in zip(programs, checked, strict=True)]
        for number, turn in enumerate(turns):
            program, count = programs[turn.program], turn.end - turn.begin
            table = program.pointers.kind.from_buffer_copy(tables[turn.program])
            for each in program.pointers.stepped:
                over_made = each.is_output and each.name not in over_all
                table[each.slot] += each.stride * (made if over_made else turn.begin)
            made += count if turn.program else 0
            kept.append(table)
            fields[FIELDS * number + ENTRY] = program.entry
            fields[FIELDS * number + TABLE] = ctypes.addressof(table)
            fields[FIELDS * number + STEPS] = count
        team_of(programs[0].threads).run(_entry(), ctypes.addressof(fields), len(turns))


@cache
def _library() -> Library:
    from pellucid.compile.native.cache import ObjectCache
    from pellucid.compile.native.isa import host_isa
    from pellucid.compile.native.library import Text, load
    from pellucid.compile.native.turns_ir import turns_text

    isa = host_isa()
    return load(Text(turns_text(isa), isa), ("pel_turns",), ObjectCache())[0]


@cache
def _entry() -> int:
    return _library().address("pel_turns")
