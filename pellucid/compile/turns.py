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


class Alternation:
    """Two programs that run in turns.

    Native ones on the same number of threads run in one foreign call.
    """

    def __init__(self, first: Program, second: Program) -> None:
        self._programs = first, second
        self._native = _native(first, second)
        self._over_all = set(first.graph.outputs)
        inputs = first.graph.inputs.items() >= second.graph.inputs.items()
        self._reads_alike = inputs and set(second.graph.updates) <= set(first.graph.updates)
        nodes = {**second.graph.outputs, **first.graph.outputs}
        self._outputs = {
            name: (name in self._over_all, node.shape, node.dtype) for name, node in nodes.items()
        }

    def run(
        self, turns: Sequence[Turn], steps: int, feeds: Mapping[str, Array]
    ) -> dict[str, Array]:
        """Run the turns; feeds have a leading axis over all steps.

        Outputs of the first program have that axis too, written by whichever program made a step. An
        output of the second alone has one over the steps that it made.
        """
        made = sum(turn.end - turn.begin for turn in turns if turn.program)
        outputs = {
            name: np.empty((steps if over_all else made, *shape), dtype)
            for name, (over_all, shape, dtype) in self._outputs.items()
        }
        if self._native is None:
            self._run_one_by_one(turns, feeds, outputs)
        else:
            self._run_at_once(self._native, turns, steps, feeds, outputs)
        return outputs

    def _run_one_by_one(
        self, turns: Sequence[Turn], feeds: Mapping[str, Array], outputs: Mapping[str, Array]
    ) -> None:
        made = 0
        for turn in turns:
            program, count = self._programs[turn.program], turn.end - turn.begin
            part = {name: feeds[name][turn.begin : turn.end] for name in program.graph.inputs}
            for name, array in program.run(count, part).items():
                at = turn.begin if name in self._over_all else made
                outputs[name][at : at + count] = array
            made += count if turn.program else 0

    def _run_at_once(
        self,
        programs: tuple[NativeProgram, NativeProgram],
        turns: Sequence[Turn],
        steps: int,
        feeds: Mapping[str, Array],
        outputs: Mapping[str, Array],
    ) -> None:
        """Every turn has a table of its own, whose pointers begin at its first step."""
        first, second = programs
        fed = first.checked(steps, feeds)
        checked = [fed, fed if self._reads_alike else second.checked(steps, feeds)]
        fields = (ctypes.c_int64 * (3 * len(turns)))()
        tables: list[ctypes.Array[ctypes.c_int64]] = []
        made = 0
        with ExitStack() as locks:
            for program in sorted(programs, key=id):
                locks.enter_context(program.running())
            tables_of = [p.table(f, outputs) for p, f in zip(programs, checked, strict=True)]
            for number, turn in enumerate(turns):
                program, count = programs[turn.program], turn.end - turn.begin
                table = program.pointers.kind.from_buffer_copy(tables_of[turn.program])
                for each in program.pointers.stepped:
                    over_made = each.is_output and each.name not in self._over_all
                    table[each.slot] += each.stride * (made if over_made else turn.begin)
                made += count if turn.program else 0
                tables.append(table)
                fields[3 * number] = program.entry
                fields[3 * number + 1] = ctypes.addressof(table)
                fields[3 * number + 2] = count
            first.run_entry(_entry(), ctypes.addressof(fields), len(turns))


def _native(first: Program, second: Program) -> tuple[NativeProgram, NativeProgram] | None:
    """The programs if one foreign call can run both."""
    from pellucid.compile.program import NativeProgram

    if not (isinstance(first, NativeProgram) and isinstance(second, NativeProgram)):
        return None
    return (first, second) if first.threads == second.threads else None


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
