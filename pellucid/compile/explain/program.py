"""The kernels of a program, its code, and how fast it is."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from math import prod

import numpy as np

from pellucid.compile.emit.kernel import Buffer, Emitted
from pellucid.compile.explain.facts import KernelFacts, ProgramFacts
from pellucid.compile.explain.peak import peak_flops
from pellucid.compile.explain.table import table
from pellucid.compile.loop.show import show
from pellucid.compile.native.assemble import to_assembly
from pellucid.compile.op_facts import contraction_depth, is_contraction, is_reduction, role_of
from pellucid.compile.plan.concatenation import Part
from pellucid.compile.plan.kernels import Kernel, Target, computed_nodes
from pellucid.compile.plan.planner import Plan
from pellucid.compile.program import NativeProgram
from pellucid.compile.tile.winograd import Winograd
from pellucid.graph.node import Node, State
from pellucid.graph.op import Array

_LEAST_RUNS = 5
_RUN_SECONDS = 0.02
_SECONDS = 0.2
_MOST_STEPS = 1000


@dataclass(frozen=True, kw_only=True)
class Explanation(ProgramFacts):
    """A program's kernels, what it needs, and its code; prints as a table as wide as the terminal.

    `seconds` and `peak` are None until it is `measured`.
    """

    program: NativeProgram

    def loop_ir(self) -> str:
        """The loops of every kernel, with the buffer of each pointer."""
        code = self.program.code
        emitted = {each.function: each for level in code.levels for each in level}
        parts = []
        for name, function in code.functions.items():
            users = [kernel for kernel in self.kernels if kernel.function == name]
            where = dict.fromkeys(part for kernel in users for part in kernel.layers)
            head = [f"# {', '.join(where)}"] if where else []
            pointers = enumerate(emitted[name].buffers)
            head += [f"# p{number}: {_described(buffer)}" for number, buffer in pointers]
            parts.append("\n".join([*head, show(function)]))
        return "\n".join(parts)

    def llvm(self) -> str:
        """The LLVM text."""
        return self.program.code.text

    def assembly(self) -> str:
        """The machine's own instructions."""
        return to_assembly(self.program.code.text, self.program.code.isa)

    def measured(self, feeds: Mapping[str, Array] | None = None) -> Explanation:
        """The same with times, taken now; the states are as before afterwards.

        feeds: the inputs of some steps, by default zeros of as many as take 20 ms. A step is timed
        as it runs, the best of many runs; the times of kernels, medians, come from a program whose
        kernels wait for each other, and are scaled to the same sum.
        """
        seconds = min(_timed_runs(self.program, feeds))
        clocked = NativeProgram(self.program.graph, self.program.threads, timed=True)
        runs = []
        for _ in _timed_runs(clocked, feeds):
            runs.append(clocked.clocks.copy())
            clocked.clocks[:] = 0
        clocks = np.median(runs, axis=0)
        shares = clocks / max(clocks.sum(), 1.0)
        kernels = tuple(
            replace(kernel, seconds=float(share) * seconds)
            for kernel, share in zip(self.kernels, shares, strict=False)
        )
        return replace(self, kernels=kernels, seconds=seconds, peak=peak_flops(self.threads))

    def __str__(self) -> str:
        return table(self)

    __repr__ = __str__


def explain(program: NativeProgram) -> Explanation:
    """The facts of every kernel of a program."""
    plan = program.code.plan
    levels = enumerate(program.code.levels)
    facts = [_facts(level, emitted, plan) for level, row in levels for emitted in row]
    return Explanation(
        kernels=tuple(facts),
        levels=len(plan.levels),
        threads=program.threads,
        instructions=program.code.isa.name,
        lanes=program.code.isa.lanes,
        memory_bytes=plan.arena_bytes,
        program=program,
    )


def _timed_runs(
    program: NativeProgram, feeds: Mapping[str, Array] | None = None
) -> Iterator[float]:
    """Seconds a step of run after run, for a while; the states are as before afterwards."""
    saved = [state.value.copy() for state in program.graph.updates]
    try:
        steps, inputs = _inputs(program, dict(feeds or {}))
        enough = time.perf_counter() + _SECONDS
        runs = 0
        while runs < _LEAST_RUNS or time.perf_counter() < enough:
            began = time.perf_counter()
            program.run(steps, inputs)
            yield (time.perf_counter() - began) / steps
            runs += 1
    finally:
        for state, value in zip(program.graph.updates, saved, strict=True):
            state.value = value


def _inputs(program: NativeProgram, feeds: dict[str, Array]) -> tuple[int, dict[str, Array]]:
    """The number of steps to run at once and their inputs; runs a step or two to measure one."""

    def zeros(steps: int) -> dict[str, Array]:
        wanted = program.graph.inputs.items()
        made = {name: np.zeros((steps, *kind.shape), kind.dtype) for name, kind in wanted}
        return made | feeds

    if feeds:
        steps = len(next(iter(feeds.values())))
        program.run(steps, zeros(steps))
    else:
        program.run(1, zeros(1))
        began = time.perf_counter()
        program.run(1, zeros(1))
        seconds = max(time.perf_counter() - began, 1e-9)
        steps = int(min(max(_RUN_SECONDS / seconds, 1), _MOST_STEPS))
    program.clocks[:] = 0
    return steps, zeros(steps)


def _facts(level: int, emitted: Emitted, plan: Plan) -> KernelFacts:
    kernel = emitted.kernel
    computed = [] if kernel.copies is not None else computed_nodes(kernel)
    named = [n for n in computed if role_of(n) != "movement"] or computed
    winograd = emitted.schedule.layout if isinstance(emitted.schedule.layout, Winograd) else None
    kind = {"nest": "loops"}.get(kernel.kind, "winograd" if winograd else kernel.kind)
    flops = sum(map(_flops, computed))
    if winograd is not None:
        flops += winograd.flops - _flops(kernel.members[0].node)
    return KernelFacts(
        level,
        emitted.function,
        kind if named else "copy",
        kernel.shape,
        tuple(dict.fromkeys(n.origin for n in named if n.origin)),
        tuple(_ops(named)),
        _moved(kernel, plan),
        flops,
        emitted.tasks,
    )


def _ops(nodes: list[Node]) -> list[str]:
    counted: list[tuple[str, int]] = []
    for node in nodes:
        if counted and counted[-1][0] == node.op:
            counted[-1] = (node.op, counted[-1][1] + 1)
        else:
            counted.append((node.op, 1))
    return [name if count == 1 else f"{name}×{count}" for name, count in counted]


def _flops(node: Node) -> int:
    if is_contraction(node):
        return 2 * node.size * contraction_depth(node)
    if is_reduction(node):
        return node.inputs[0].size
    return node.size if role_of(node) == "elementwise" else 0


def _moved(kernel: Kernel, plan: Plan) -> int:
    """Bytes read, each element of an array once and only as many as are asked for, and written."""
    anchor = kernel.members[0].node
    most = prod(kernel.shape) * (max(contraction_depth(anchor), 1) if is_contraction(anchor) else 1)
    copied = kernel.copies is not None
    read = {anchor} if copied else kernel.read_nodes()
    moved = sum(min(node.size, most) * node.dtype.itemsize for node in read)
    for member in kernel.members:
        node = member.node
        parts = sum(part.whole in plan.offsets for part in plan.parts.get(node, []))
        copies = (node in plan.offsets) + len(plan.targets.get(node, [])) + parts
        moved += (1 if copied else copies) * node.size * node.dtype.itemsize
    return moved


def _described(buffer: Buffer) -> str:
    """What a pointer of a kernel points to."""
    if isinstance(buffer, State):
        kind = f"{buffer.value.dtype.name}{list(buffer.value.shape)}"
        return f"state {buffer.name!r}, {kind}" if buffer.name else f"a state, {kind}"
    if isinstance(buffer, Target):
        return f"output {buffer.name!r}"
    if isinstance(buffer, Part):
        return f"its part of {_described(buffer.whole)}"
    if buffer.op == "input":
        return f"input {buffer.attrs['name']!r}, {buffer.type}"
    if buffer.op == "constant":
        return f"a constant, {buffer.type}"
    return f"{buffer.op}{f' of {buffer.origin}' if buffer.origin else ''}, {buffer.type}"
