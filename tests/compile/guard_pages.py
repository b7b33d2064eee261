"""Programs each of whose buffers lies between pages that no access survives.

Every value, state, input, output, constant and each thread's scratch has memory of its own, flush
with an inaccessible page at its end or at its beginning. What is not written yet holds NaN or −1. An
access outside its buffer ends the process by a signal, so such programs run in a process of their own.
"""

from __future__ import annotations

import ctypes
import mmap
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid.compile.code import Code
from pellucid.compile.emit.driver import FIRST_BUFFER
from pellucid.compile.emit.kernel import External
from pellucid.compile.plan.kernels import Target
from pellucid.compile.pointers import Table, address
from pellucid.compile.program import NativeProgram, task_ranges
from pellucid.compile.verified import verify_code
from pellucid.graph import Array, Graph, State
from tests.compile.closeness import Feeds, Results, run

PAGE = mmap.PAGESIZE
_NO_ACCESS = 0
_libc = ctypes.CDLL(None, use_errno=True)


def _rounded(size: int) -> int:
    return max(-(-size // PAGE) * PAGE, PAGE)


class Memory:
    """Pages filled with ones, some of them closed."""

    def __init__(self, size: int) -> None:
        self._pages = mmap.mmap(-1, size)
        self._pages.write(b"\xff" * size)
        self.bytes = np.frombuffer(self._pages, np.uint8)

    def close(self, start: int) -> None:
        """Let no access to the page at `start` survive."""
        address = ctypes.c_void_p(self.bytes.ctypes.data + start)
        if _libc.mprotect(address, ctypes.c_size_t(PAGE), _NO_ACCESS):
            raise OSError(ctypes.get_errno(), "a page cannot be closed")


def between_pages(size: int, at_end: bool) -> tuple[Memory, int]:
    """Memory for `size` bytes between two closed pages, and where in it they begin."""
    rounded = _rounded(size)
    memory = Memory(rounded + 2 * PAGE)
    memory.close(0)
    memory.close(PAGE + rounded)
    return memory, PAGE + (rounded - size if at_end else 0)


@dataclass
class _Copy:
    """A buffer of the program's, and its guarded copy."""

    own: Array
    memory: Memory
    start: int

    def view(self) -> Array:
        end = self.start + self.own.nbytes
        return self.memory.bytes[self.start : end].view(self.own.dtype).reshape(self.own.shape)


class GuardedProgram(NativeProgram):
    """A program between closed pages, verified first. at_end: which side of each buffer is flush."""

    def __init__(self, graph: Graph, threads: int, at_end: bool, verified: bool = True) -> None:
        self.at_end = at_end
        self._is_verified = verified
        self._copies: list[_Copy] = []
        self._kept: list[Memory] = []
        super().__init__(graph, threads)

    def share(self, threads: int) -> None:
        """Run on so many threads, no more than the program was made for."""
        self.threads = threads
        self._task_ranges = task_ranges(self.code.levels, threads)

    def _compiled(self, graph: Graph, timed: bool) -> Code:
        code = super()._compiled(graph, timed)
        if self._is_verified:
            verify_code(code)
        start = PAGE
        for node in code.plan.offsets:
            size = node.size * node.dtype.itemsize
            code.plan.offsets[node] = start + (_rounded(size) - size if self.at_end else 0)
            start += _rounded(size) + PAGE
        code.plan.arena_bytes = start
        self._scratch_bytes = max((e.scratch for level in code.levels for e in level), default=0)
        code.scratch = _rounded(self._scratch_bytes) + PAGE
        return code

    def _make_arena(self) -> Array:
        memory = Memory(self.code.plan.arena_bytes)
        start = 0
        for node in self.code.plan.offsets:
            memory.close(start)
            start += _rounded(node.size * node.dtype.itemsize) + PAGE
        memory.close(start)
        return memory.bytes

    def _make_scratch(self) -> Array:
        memory = Memory(PAGE + self.threads * self.code.scratch)
        for thread in range(self.threads + 1):
            memory.close(thread * self.code.scratch)
        flush = _rounded(self._scratch_bytes) - self._scratch_bytes
        return memory.bytes[PAGE + (flush if self.at_end else 0) :]

    def run(self, steps: int = 1, feeds: Mapping[str, Array] | None = None) -> dict[str, Array]:
        """As any program; what it wrote is copied from between the pages."""
        self._copies, self._kept = [], []
        outputs = super().run(steps, feeds)
        for copy in self._copies:
            copy.own[...] = copy.view()
        return outputs

    def table(self, fed: Mapping[str, Array], outputs: Mapping[str, Array]) -> Table:
        table = (ctypes.c_int64 * (FIRST_BUFFER + len(self.code.slots)))()
        own = (self._arena, self._scratch, self._task_ranges, self.clocks)
        table[:FIRST_BUFFER] = [address(array) for array in own]
        for buffer, slot in self.code.slots.items():
            table[slot] = self._pointer(buffer, self._own(buffer, fed, outputs))
        return table

    def _pointer(self, buffer: External, own: Array) -> int:
        memory, start = between_pages(own.nbytes, self.at_end)
        copy = _Copy(own, memory, start)
        if not isinstance(buffer, Target):
            copy.view()[...] = own
        if isinstance(buffer, (State, Target)):
            self._copies.append(copy)
        else:
            self._kept.append(memory)
        return int(memory.bytes.ctypes.data) + start

    def _own(
        self, buffer: External, inputs: Mapping[str, Array], outputs: Mapping[str, Array]
    ) -> Any:
        if isinstance(buffer, State):
            return buffer.value
        if isinstance(buffer, Target):
            return outputs[buffer.name]
        return inputs[buffer.attrs["name"]] if buffer.op == "input" else buffer.attrs["value"].array


def guarded(
    graph: Graph, feeds: Feeds, steps: int, at_end: bool, verified: bool = True
) -> list[Results]:
    """Outputs and final states of a program between closed pages, on 1, 2 and 3 threads."""
    program = GuardedProgram(graph, 3, at_end, verified)
    results: list[Results] = []
    for number in (1, 2, 3):
        program.share(number)
        results.append(run(program, graph, feeds, steps))
    return results
