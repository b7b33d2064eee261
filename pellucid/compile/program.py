"""The native executor: a graph as one program of machine code, many steps a call."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from pellucid.compile.emit.driver import FIRST, ROOM, SCRATCH, SPANS, entry
from pellucid.compile.emit.kernel import Buffer, Emitted, KernelWriter
from pellucid.compile.fuse import kept_nodes
from pellucid.compile.kernels import Target
from pellucid.compile.loop.llvm import body_text, module_text
from pellucid.compile.native.arena import aligned_zeros
from pellucid.compile.native.cache import ObjectCache
from pellucid.compile.native.isa import host_isa
from pellucid.compile.native.library import load
from pellucid.compile.native.threads import choose_threads, team_of
from pellucid.compile.native.threads_ir import barrier_text
from pellucid.compile.plan import ALIGN, Plan, make_plan
from pellucid.compile.simplify import simplify
from pellucid.graph.node import Node, State
from pellucid.graph.op import Array
from pellucid.graph.program import Graph


@dataclass(frozen=True)
class Slots:
    """The table of pointers that the machine code is given."""

    places: dict[Buffer, int]

    def address(self, plan: Plan, buffer: Buffer) -> tuple[str, int]:
        """Where a buffer lies."""
        if isinstance(buffer, Node) and buffer in plan.rooms:
            return "room", plan.rooms[buffer]
        stepped = isinstance(buffer, Target) or (isinstance(buffer, Node) and buffer.op == "input")
        return ("stepped" if stepped else "fixed"), self.places[buffer]


class NativeProgram:
    """A graph compiled to machine code.

    threads: how many run it; chosen by its work if None. The results do not depend on it.
    """

    def __init__(
        self, graph: Graph, threads: int | None = None, cache: ObjectCache | None = None
    ) -> None:
        self.graph = graph
        self._inputs = graph.inputs
        self.isa = host_isa()
        self.plan = make_plan(simplify(graph))
        kept = kept_nodes(self.plan.graph)
        written = [
            [KernelWriter(self.plan, kernel, kept, self.isa.lanes).write() for kernel in level]
            for level in self.plan.levels
        ]
        self.levels = shared_code(written)
        self.slots = Slots(self._number_buffers())
        self.scratch = _round(max((e.scratch for lv in self.levels for e in lv), default=0))
        self.text = self._text()
        self._library, self.from_cache = load(
            self.text, self.isa, ("entry",), cache or ObjectCache()
        )
        self._entry = self._library.address("entry")
        work = sum(emitted.cost for level in self.levels for emitted in level)
        self.threads = threads or choose_threads(work)
        self._arena = aligned_zeros(self.plan.room_bytes, "the values of a program")
        self._scratch = aligned_zeros(self.scratch * self.threads, "the scratch of its threads")
        self._spans = spans(self.levels, self.threads)

    def _number_buffers(self) -> dict[Buffer, int]:
        places: dict[Buffer, int] = {}
        for level in self.levels:
            for emitted in level:
                for buffer in emitted.buffers:
                    if not (isinstance(buffer, Node) and buffer in self.plan.rooms):
                        places.setdefault(buffer, FIRST + len(places))
        return places

    def _text(self) -> str:
        """The LLVM text of all kernels and the entry."""
        functions = {e.function.name: e.function for level in self.levels for e in level}
        main = entry(
            self.levels,
            lambda buffer: self.slots.address(self.plan, buffer),
            self._stride,
            self.scratch,
        )
        return module_text(list(functions.values()), main, barrier_text(self.isa))

    def _stride(self, buffer: Buffer) -> int:
        """Bytes from one step's part of an input or output to the next one's."""
        node = self.plan.graph.outputs[buffer.name] if isinstance(buffer, Target) else buffer
        assert isinstance(node, Node)
        return node.size * node.dtype.itemsize

    def run(self, steps: int = 1, feeds: Mapping[str, Array] | None = None) -> dict[str, Array]:
        """Run `steps` steps; feeds and results have a leading axis of that length."""
        given = self._checked(steps, feeds or {})
        outputs = {
            name: np.empty((steps, *node.shape), node.dtype)
            for name, node in self.graph.outputs.items()
        }
        table = (ctypes.c_void_p * (FIRST + len(self.slots.places)))()
        table[ROOM] = self._arena.ctypes.data
        table[SCRATCH] = self._scratch.ctypes.data
        table[SPANS] = self._spans.ctypes.data
        for buffer, place in self.slots.places.items():
            table[place] = self._pointer(buffer, given, outputs)
        team_of(self.threads).run(self._entry, ctypes.addressof(table), steps)
        return outputs

    def _pointer(
        self, buffer: Buffer, given: Mapping[str, Array], outputs: Mapping[str, Array]
    ) -> int:
        if isinstance(buffer, State):
            return int(buffer.value.ctypes.data)
        if isinstance(buffer, Target):
            return int(outputs[buffer.name].ctypes.data)
        if buffer.op == "input":
            return int(given[buffer.attrs["name"]].ctypes.data)
        return int(buffer.attrs["value"].array.ctypes.data)

    def _checked(self, steps: int, feeds: Mapping[str, Array]) -> dict[str, Array]:
        given: dict[str, Array] = {}
        for name, wanted in self._inputs.items():
            if name not in feeds:
                raise ValueError(f"the graph depends on input {name!r}, which was not fed")
            array = np.ascontiguousarray(feeds[name])
            if array.shape != (steps, *wanted.shape) or array.dtype != wanted.dtype:
                raise ValueError(
                    f"input {name!r} takes {steps} steps of {wanted}, "
                    f"got {array.dtype.name}{list(array.shape)}"
                )
            given[name] = array
        return given


def shared_code(levels: list[list[Emitted]]) -> list[list[Emitted]]:
    """The same kernels, where those with the same code share one function."""
    found: dict[str, Emitted] = {}
    return [
        [
            replace(
                emitted, function=found.setdefault(body_text(emitted.function), emitted).function
            )
            for emitted in level
        ]
        for level in levels
    ]


def spans(levels: list[list[Emitted]], threads: int) -> Array:
    """Each thread's tasks of every kernel: a level's work is cut into equal stretches."""
    rows: list[list[tuple[int, int]]] = []
    for level in levels:
        total = sum(emitted.cost for emitted in level) or 1.0
        done = 0.0
        for emitted in level:
            cuts = [_task_at(total * t / threads - done, emitted) for t in range(threads + 1)]
            cuts[0], cuts[-1] = 0, emitted.tasks
            rows.append(list(pairwise(cuts)))
            done += emitted.cost
    return np.array(rows, np.int64).reshape(-1) if rows else np.zeros(2, np.int64)


def _task_at(work: float, emitted: Emitted) -> int:
    """The first task that begins after this much of a kernel's work."""
    if not emitted.tasks:
        return 0
    share = work / emitted.cost * emitted.tasks
    return min(max(round(share), 0), emitted.tasks)


def _round(size: int) -> int:
    return -(-size // ALIGN) * ALIGN + ALIGN
