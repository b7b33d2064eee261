"""Every verifier of the compiler, run on one program; PELLUCID_VERIFY=1 does so for every program.

A graph is verified after each pass (`graph.verify`), the plan of its kernels and memory (`plan.verify`),
the types of the loops (`loop.verify`), and that each load and store lies in its buffer
(`loop.bounds`). None of them relies on what the compiler computed for itself. A program that fails
is not run.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pellucid.compile.code import Code
from pellucid.compile.emit.kernel import Buffer, Emitted
from pellucid.compile.loop.bounds import prove
from pellucid.compile.loop.verify import verify as verify_loops
from pellucid.compile.plan.concatenation import Part
from pellucid.compile.plan.kernels import Target
from pellucid.compile.plan.verify import verify as verify_plan
from pellucid.graph.node import State
from pellucid.graph.op import Array

_Proven = tuple[object, ...]
_proven: set[_Proven] = set()
"""Kernels that were verified in this process: instruction set, signature, sizes, tasks."""


def verify_code(code: Code) -> None:
    """Raise ValueError or TypeError naming what is wrong with a program's plan or code."""
    verify_plan(code.plan)
    for level in code.levels:
        for emitted in level:
            _verify_kernel(code, emitted)
    verify_loops(code.entry, code.functions)


def _verify_kernel(code: Code, emitted: Emitted) -> None:
    sizes = {f"p{i}": buffer_bytes(code, b) for i, b in enumerate(emitted.buffers)}
    sizes["scratch"] = emitted.scratch
    key = (code.isa, emitted.signature, *sizes.values(), emitted.tasks)
    if key in _proven:
        return
    function = code.functions[emitted.function]
    verify_loops(function)
    if emitted.tasks:
        prove(function, sizes, emitted.tasks)
    _proven.add(key)


def buffer_bytes(code: Code, buffer: Buffer) -> int:
    """Bytes from where a kernel's pointer points to the end of what it may touch."""
    if isinstance(buffer, Part):
        return (buffer.whole.size - buffer.offset) * buffer.whole.dtype.itemsize
    if isinstance(buffer, State):
        return int(buffer.value.nbytes)
    node = code.plan.graph.outputs[buffer.name] if isinstance(buffer, Target) else buffer
    return node.size * node.dtype.itemsize


def verify_task_ranges(levels: Sequence[Sequence[Emitted]], ranges: Array) -> None:
    """Raise ValueError unless the threads' tasks of each kernel are all of them, each once.

    ranges: int64 pairs (first task, last task + 1) by kernel and thread.
    """
    kernels = [emitted for level in levels for emitted in level]
    rows = np.asarray(ranges).reshape(max(len(kernels), 1), -1, 2)
    for emitted, row in zip(kernels, rows, strict=False):
        taken = sorted((int(a), int(b)) for a, b in row if a < b)
        ends = [0, *(b for _, b in taken)]
        if [a for a, _ in taken] != ends[:-1] or ends[-1] != emitted.tasks:
            raise ValueError(f"{emitted.kernel.name} has tasks that no thread or two threads do")
