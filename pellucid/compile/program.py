"""The native executor: a graph as one program of machine code, many steps a call."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from pellucid.compile.code import Code
from pellucid.compile.emit.kernel import Emitted
from pellucid.compile.environment import verifies
from pellucid.compile.forks import generation
from pellucid.compile.native.arena import ArenaError, aligned_zeros
from pellucid.compile.native.cache import ObjectCache
from pellucid.compile.native.isa import host_isa
from pellucid.compile.native.library import load
from pellucid.compile.native.thread_count import choose_threads
from pellucid.compile.native.threads import team_of
from pellucid.compile.pointers import Pointers, Table, address
from pellucid.compile.verified import verify_code, verify_task_ranges
from pellucid.graph.execute import check_lengths
from pellucid.graph.op import Array
from pellucid.graph.program import Graph

_TASKS_EACH = 8
"""From so many tasks a thread on, a kernel is cut evenly: at most an eighth of the time is lost."""

_LARGE = 1_000_000
"""Rough instructions from which on a kernel whose tasks divide by the threads is cut evenly, too."""


class NativeProgram:
    """A graph compiled to machine code.

    threads: how many run it; chosen by its work if None. The results do not depend on it.
    timed:   `clocks` add up the time of each kernel, which then wait for each other.
    """

    def __init__(
        self,
        graph: Graph,
        threads: int | None = None,
        cache: ObjectCache | None = None,
        timed: bool = False,
    ) -> None:
        self.graph = graph
        self._inputs = graph.inputs
        self.code = self._compiled(graph, timed)
        self._library, self.from_cache = load(self.code, ("entry",), cache or ObjectCache())
        self.entry = self._library.address("entry")
        levels = self.code.levels
        self.threads = threads or choose_threads(
            [(sum(e.cost for e in level), sum(e.tasks for e in level)) for level in levels],
            len(self.code.barriers),
        )
        self._arena = self._make_arena()
        self._scratch = self._make_scratch()
        self._task_ranges = task_ranges(levels, self.threads)
        if verifies():
            verify_task_ranges(levels, self._task_ranges)
        self.clocks = np.zeros(max(len(levels), 1), np.int64)
        own = [address(a) for a in (self._arena, self._scratch, self._task_ranges, self.clocks)]
        self.pointers = Pointers(self.code.slots, self.code.stride, own, graph.updates)
        self._turns: dict[int, threading.Lock] = {}

    def _compiled(self, graph: Graph, timed: bool) -> Code:
        code = Code(graph, host_isa(), timed)
        if verifies():
            verify_code(code)
        return code

    def __reduce__(self) -> tuple[Any, ...]:
        """Compiled anew, or found in the cache, where it is read."""
        return NativeProgram, (self.graph,)

    def _make_arena(self) -> Array:
        """The memory of values; if there is not enough, the error names the largest and its layer."""
        try:
            return aligned_zeros(self.code.plan.arena_bytes, "the values of a program")
        except ArenaError as error:
            if not self.code.plan.offsets:
                raise
            node = max(self.code.plan.offsets, key=lambda node: node.size * node.dtype.itemsize)
            size = node.size * node.dtype.itemsize
            layer = f" of {node.origin}" if node.origin else ""
            raise ArenaError(
                f"{error}. The largest value, {size:,} bytes, is the {node.op}{layer}, {node.type}."
            ) from None

    def _make_scratch(self) -> Array:
        scratch = self.code.scratch * self.threads
        return aligned_zeros(scratch, "the scratch of its threads")

    def run(self, steps: int = 1, feeds: Mapping[str, Array] | None = None) -> dict[str, Array]:
        """Run `steps` steps; feeds and results have a leading axis of that length.

        Runs of one program take turns, since they share its memory.
        """
        inputs = self.checked(steps, feeds or {})
        outputs = {
            name: np.empty((steps, *node.shape), node.dtype)
            for name, node in self.graph.outputs.items()
        }
        table = self.table(inputs, outputs)
        with self.running():
            self.run_entry(self.entry, ctypes.addressof(table), steps)
        return outputs

    def run_entry(self, entry: int, table: int, steps: int) -> None:
        """Run an entry, of this or of several programs, on this program's threads."""
        team_of(self.threads).run(entry, table, steps)

    def table(self, fed: Mapping[str, Array], outputs: Mapping[str, Array]) -> Table:
        """The pointers that the entry reads; arrays have to live as long as it runs."""
        return self.pointers.table(fed, outputs)

    def running(self) -> threading.Lock:
        """The lock of runs; a forked child, where its parent's runs never end, has its own."""
        return self._turns.setdefault(generation(), threading.Lock())

    def checked(self, steps: int, feeds: Mapping[str, Array]) -> dict[str, Array]:
        """What the graph's inputs are fed, as arrays that machine code reads; raises ValueError."""
        check_lengths(feeds, steps)
        self.pointers.follow()
        inputs: dict[str, Array] = {}
        for name, wanted in self._inputs.items():
            if name not in feeds:
                raise ValueError(f"the graph depends on input {name!r}, which was not fed")
            array = feeds[name]
            if not (isinstance(array, np.ndarray) and array.flags.carray):
                array = np.require(array, requirements=("C", "A"))
            if array.shape != (steps, *wanted.shape) or array.dtype != wanted.dtype:
                raise ValueError(
                    f"input {name!r} takes {steps} steps of {wanted}, "
                    f"got {array.dtype.name}{list(array.shape)}"
                )
            inputs[name] = array.copy() if self.pointers.overwrites(array) else array
        return inputs


def task_ranges(levels: Sequence[Sequence[Emitted]], threads: int) -> Array:
    """Each thread's tasks of every kernel.

    A kernel of many tasks, or a large one whose tasks divide by the threads, is cut evenly: a thread
    gets the same rows from kernel to kernel and finds them in its own cache. So are kernels that are
    partitioned by rows, where no barrier lets others finish. The others of a level are cut as one, into
    equal work.

    Returns int64 pairs (first task, last task + 1) by kernel and thread.
    """
    rows: list[list[tuple[int, int]]] = []
    for level in levels:
        evenly = [_is_cut_evenly(emitted, threads) for emitted in level]
        total = sum(e.cost for e, even in zip(level, evenly, strict=True) if not even) or 1.0
        done = 0.0
        for emitted, even in zip(level, evenly, strict=True):
            if even:
                cuts = [emitted.tasks * t // threads for t in range(threads + 1)]
                rows.append(list(pairwise(cuts)))
                continue
            cuts = [_task_at(total * t / threads - done, emitted) for t in range(threads + 1)]
            cuts[0], cuts[-1] = 0, emitted.tasks
            rows.append(list(pairwise(cuts)))
            done += emitted.cost
    return np.array(rows, np.int64).reshape(-1) if rows else np.zeros(2, np.int64)


def _is_cut_evenly(emitted: Emitted, threads: int) -> bool:
    divides = emitted.tasks % threads == 0 and emitted.cost >= _LARGE
    return divides or emitted.tasks >= _TASKS_EACH * threads or emitted.kernel.row_block > 0


def _task_at(work: float, emitted: Emitted) -> int:
    """The first task that begins after this much of a kernel's work."""
    if not emitted.tasks:
        return 0
    share = work / emitted.cost * emitted.tasks
    return min(max(round(share), 0), emitted.tasks)
