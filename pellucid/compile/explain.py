"""What a program does and how fast: the view through the compiler."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from pellucid.compile.access import CONTRACTIONS, depth
from pellucid.compile.emit.kernel import Buffer, Emitted
from pellucid.compile.kernels import Kernel, Target
from pellucid.compile.loop.show import show
from pellucid.compile.native.assemble import to_assembly
from pellucid.compile.program import NativeProgram
from pellucid.graph.node import Node, State, ordered
from pellucid.graph.op import TABLE, Array


@dataclass(frozen=True)
class KernelFacts:
    """One kernel of a program.

    level: kernels of one level run side by side. ops: the graph's ops that it computes at once.
    moved: bytes that it reads and writes if every array is touched once. flops: floating-point
    operations, a multiply-add counting two. tasks: pieces that threads share.
    """

    level: int
    name: str
    kind: str
    shape: tuple[int, ...]
    ops: tuple[str, ...]
    moved: int
    flops: int
    tasks: int


@dataclass(frozen=True)
class Explanation:
    """A program's kernels, what it needs, and its code; prints as a table."""

    program: NativeProgram
    kernels: tuple[KernelFacts, ...]

    @property
    def flops(self) -> int:
        """Floating-point operations of one step."""
        return sum(kernel.flops for kernel in self.kernels)

    def loop_ir(self) -> str:
        """The loops of every kernel."""
        return "\n".join(show(f) for f in self.program.code.functions.values())

    def llvm(self) -> str:
        """The LLVM text."""
        return self.program.code.text

    def assembly(self) -> str:
        """The machine's own instructions."""
        return to_assembly(self.program.code.text, self.program.code.isa)

    def measured(self, steps: int = 20, feeds: Mapping[str, Array] | None = None) -> str:
        """The table with the time of a step, measured now on copies of the states."""
        seconds = step_seconds(self.program, steps, feeds)
        rate = self.flops / seconds / 1e9
        return (
            f"{self}\n\nOne step takes {seconds * 1e6:,.1f} µs on {self.program.threads} "
            f"thread(s): {rate:,.1f} GFLOP/s."
        )

    def __str__(self) -> str:
        head = ("level", "kernel", "over", "computes", "reads+writes", "flops", "tasks")
        body = [
            (
                str(k.level),
                k.kind,
                "×".join(map(str, k.shape)) or "1",
                " → ".join(k.ops),
                _bytes(k.moved),
                _count(k.flops),
                str(k.tasks),
            )
            for k in self.kernels
        ]
        widths = [max(map(len, column)) for column in zip(head, *body, strict=True)]
        lines = [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in [head, *body]
        ]
        plan, isa = self.program.code.plan, self.program.code.isa
        return "\n".join(
            [
                f"{len(self.kernels)} kernels in {len(self.program.code.levels)} levels, "
                f"{_count(self.flops)} flops a step; {_bytes(plan.room_bytes)} for values between "
                f"kernels; {isa.name}, {isa.lanes} lanes, {self.program.threads} thread(s)",
                lines[0],
                "─" * max(map(len, lines)),
                *lines[1:],
            ]
        )

    __repr__ = __str__


def explain(program: NativeProgram) -> Explanation:
    """The facts of every kernel of a program."""
    facts = [
        _facts(level, emitted) for level, row in enumerate(program.code.levels) for emitted in row
    ]
    return Explanation(program, tuple(facts))


def step_seconds(
    program: NativeProgram, steps: int, feeds: Mapping[str, Array] | None = None
) -> float:
    """Seconds a step, the best of five runs; the states are as before afterwards."""
    saved = [state.value.copy() for state in program.graph.updates]
    given = dict(feeds or {})
    for name, wanted in program.graph.inputs.items():
        given.setdefault(name, np.zeros((steps, *wanted.shape), wanted.dtype))
    best = float("inf")
    for _ in range(5):
        began = time.perf_counter()
        program.run(steps, given)
        best = min(best, (time.perf_counter() - began) / steps)
    for state, value in zip(program.graph.updates, saved, strict=True):
        state.value = value
    return best


def _facts(level: int, emitted: Emitted) -> KernelFacts:
    kernel = emitted.kernel
    ops = _ops(kernel)
    return KernelFacts(
        level,
        kernel.name,
        kernel.kind,
        kernel.shape,
        tuple(ops),
        sum(_size(buffer) for buffer in emitted.buffers),
        _flops(kernel),
        emitted.tasks,
    )


def _inside(kernel: Kernel) -> list[Node]:
    """Every node that a kernel computes, members and what lies between them and its buffers."""
    stops = kernel.read_nodes()
    found: dict[Node, None] = {}
    pending = [member.node for member in reversed(kernel.members)]
    while pending:
        node = pending.pop()
        if node in found or node in stops or TABLE[node.op].kind == "leaf":
            continue
        found[node] = None
        pending.extend(reversed(node.inputs))
    return [node for node in ordered(found) if node in found]


def _ops(kernel: Kernel) -> list[str]:
    names = [n.op for n in _inside(kernel) if TABLE[n.op].kind != "movement"]
    counted: list[tuple[str, int]] = []
    for name in names:
        if counted and counted[-1][0] == name:
            counted[-1] = (name, counted[-1][1] + 1)
        else:
            counted.append((name, 1))
    return [name if count == 1 else f"{name}×{count}" for name, count in counted]


def _flops(kernel: Kernel) -> int:
    total = 0
    for node in _inside(kernel):
        if node.op in CONTRACTIONS:
            total += 2 * node.size * depth(node)
        elif TABLE[node.op].kind == "reduce":
            total += node.inputs[0].size
        elif TABLE[node.op].kind == "elementwise":
            total += node.size
    return total


def _size(buffer: Buffer) -> int:
    if isinstance(buffer, State):
        return buffer.value.nbytes
    if isinstance(buffer, Target):
        return 0
    return buffer.size * buffer.dtype.itemsize


def _bytes(size: float) -> str:
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} GB"


def _count(number: float) -> str:
    for unit in ("", "k", "M"):
        if number < 1000:
            return f"{number:.3g}{unit}"
        number /= 1000
    return f"{number:.3g}G"
