"""What a program does and how fast: the view through the compiler."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from pellucid.compile.access import CONTRACTIONS, depth
from pellucid.compile.assemble import Part
from pellucid.compile.emit.kernel import Buffer, Emitted
from pellucid.compile.kernels import Kernel, Target, inside
from pellucid.compile.loop.show import show
from pellucid.compile.native.assemble import to_assembly
from pellucid.compile.peak import peak_flops
from pellucid.compile.program import NativeProgram
from pellucid.graph.node import State
from pellucid.graph.op import TABLE, Array

_WIDEST = 60


@dataclass(frozen=True)
class KernelFacts:
    """One kernel of a program.

    level: kernels of one level run side by side. ops: the graph's ops that it computes at once.
    moved: bytes that it reads and writes if every array is touched once. flops: floating-point
    operations, a multiply-add counting two. tasks: pieces that threads share. seconds: that a step
    spends in it, if it was measured.
    """

    level: int
    name: str
    kind: str
    shape: tuple[int, ...]
    ops: tuple[str, ...]
    moved: int
    flops: int
    tasks: int
    seconds: float | None = None


@dataclass(frozen=True)
class Explanation:
    """A program's kernels, what it needs, and its code; prints as a table.

    seconds: that a step takes, and peak: the operations a second that the machine can do at most on
    the program's threads, if they were measured (see `measured`).
    """

    program: NativeProgram
    kernels: tuple[KernelFacts, ...]
    seconds: float | None = None
    peak: float | None = None

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

    def measured(self, steps: int = 20, feeds: Mapping[str, Array] | None = None) -> Explanation:
        """The same with times, taken now; the states are as before afterwards.

        feeds: inputs of so many steps, by default zeros. A step is timed as it runs; the times of
        kernels come from a program whose kernels wait for each other, scaled to the same sum.
        """
        seconds = step_seconds(self.program, steps, feeds)
        timed = NativeProgram(self.program.graph, self.program.threads, timed=True)
        step_seconds(timed, steps, feeds)
        shares = timed.clocks / max(int(timed.clocks.sum()), 1)
        kernels = tuple(
            replace(kernel, seconds=float(share) * seconds)
            for kernel, share in zip(self.kernels, shares, strict=False)
        )
        return Explanation(self.program, kernels, seconds, peak_flops(self.program.threads))

    def __str__(self) -> str:
        head = ["level", "kernel", "over", "computes", "reads+writes", "flops", "tasks"]
        if self.seconds is not None:
            head += ["time", "of the step", "speed", "of peak"]
        body = [self._cells(kernel) for kernel in self.kernels]
        lines = _aligned([head, *body])
        plan, isa = self.program.code.plan, self.program.code.isa
        summary = [
            f"{len(self.kernels)} kernels in {len(self.program.code.levels)} levels, "
            f"{_count(self.flops)} flops a step; {_bytes(plan.room_bytes)} for values between "
            f"kernels; {isa.name}, {isa.lanes} lanes, {self.program.threads} thread(s)"
        ]
        if self.seconds is not None and self.peak is not None:
            rate = self.flops / self.seconds
            summary.append(
                f"One step takes {self.seconds * 1e6:,.1f} µs: {rate / 1e9:,.1f} GFLOP/s, "
                f"{rate / self.peak:.0%} of the {self.peak / 1e9:,.0f} GFLOP/s of multiply-adds that "
                "this machine can do"
            )
        return "\n".join([*summary, lines[0], "─" * max(map(len, lines)), *lines[1:]])

    def _cells(self, kernel: KernelFacts) -> list[str]:
        cells = [
            str(kernel.level),
            kernel.kind,
            "×".join(map(str, kernel.shape)) or "1",
            " → ".join(kernel.ops) or "copy",
            _bytes(kernel.moved),
            _count(kernel.flops),
            str(kernel.tasks),
        ]
        if self.seconds is None or self.peak is None or kernel.seconds is None:
            return cells
        seconds = max(kernel.seconds, 1e-12)
        share = kernel.seconds / self.seconds
        if kernel.kind == "contraction":
            rate = kernel.flops / seconds
            speed, part = f"{rate / 1e9:,.1f} GFLOP/s", f"{rate / self.peak:.0%}"
        else:
            speed, part = f"{kernel.moved / seconds / 1e9:,.1f} GB/s", ""
        return [*cells, f"{seconds * 1e6:,.1f} µs", f"{share:.0%}", speed, part]

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


def _ops(kernel: Kernel) -> list[str]:
    names = [n.op for n in inside(kernel) if TABLE[n.op].kind != "movement"]
    counted: list[tuple[str, int]] = []
    for name in names:
        if counted and counted[-1][0] == name:
            counted[-1] = (name, counted[-1][1] + 1)
        else:
            counted.append((name, 1))
    return [name if count == 1 else f"{name}×{count}" for name, count in counted]


def _flops(kernel: Kernel) -> int:
    total = 0
    for node in inside(kernel):
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
    if isinstance(buffer, Target | Part):
        return 0
    return buffer.size * buffer.dtype.itemsize


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows as lines; a list of operations that is long is cut in the middle."""
    cut = [[cell if len(cell) <= _WIDEST else _shortened(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cut, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in cut
    ]


def _shortened(cell: str) -> str:
    half = (_WIDEST - 3) // 2
    return f"{cell[:half].rstrip()} … {cell[-half:].lstrip()}"


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
