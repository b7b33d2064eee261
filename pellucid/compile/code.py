"""The code of a graph for one target: plan, kernels, addresses, LLVM text, and the object's key."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache

from pellucid.compile.emit.driver import FIRST_BUFFER, entry
from pellucid.compile.emit.kernel import Buffer, External, emit
from pellucid.compile.environment import verifies
from pellucid.compile.loop.ir import Function
from pellucid.compile.loop.llvm import module_text
from pellucid.compile.machine import Machine
from pellucid.compile.native.identity import code_hash
from pellucid.compile.native.isa import Isa
from pellucid.compile.native.threads_ir import barrier_text
from pellucid.compile.op_facts import OP_FACTS, not_lowered
from pellucid.compile.passes.contraction_layout import lay_out_contractions
from pellucid.compile.passes.derived_sums import derive_sums
from pellucid.compile.passes.merge import merge_terms
from pellucid.compile.passes.padding import compute_into_padding
from pellucid.compile.passes.simplify import simplify
from pellucid.compile.passes.split import split_reductions
from pellucid.compile.passes.variance import one_pass_variance
from pellucid.compile.plan.arena import ALIGN
from pellucid.compile.plan.concatenation import Part
from pellucid.compile.plan.kernels import Target
from pellucid.compile.plan.planner import make_plan
from pellucid.graph.node import Node
from pellucid.graph.once import once
from pellucid.graph.program import Graph, verify

Pass = Callable[[Graph], Graph]

PASSES: tuple[tuple[str, Pass], ...] = (
    ("simplify", simplify),
    ("merge", merge_terms),
    ("variance", one_pass_variance),
    ("sums", derive_sums),
    ("split", split_reductions),
    ("layout", lay_out_contractions),
    ("padding", compute_into_padding),
)
"""The passes from graph to graph, by name, in order."""


class Code:
    """What a graph becomes for an instruction set, before it is machine code.

    plan:     kernels in levels and the offsets of values.
    levels:   the same kernels with their pointers and tasks.
    barriers: the levels after which threads wait for each other.
    slots:    the slot in the table of pointers of each buffer outside the arena.
    scratch:  bytes that each thread needs.
    timed:    every kernel is a level of its own, and its time is added up, for measurements.

    Raises NotImplementedError for an op without a lowering.
    """

    def __init__(self, graph: Graph, isa: Isa, timed: bool = False) -> None:
        self.isa = isa
        self.timed = timed
        check_lowered(graph)
        machine = Machine(isa.lanes, isa.registers)
        for _, change in PASSES:
            graph = change(graph)
            if verifies():
                verify(graph)
        self.plan = make_plan(graph, machine)
        self.levels = emit(self.plan, isa)
        self.barriers = {region.last for region in self.plan.regions}
        if timed:
            self.levels = [[emitted] for level in self.levels for emitted in level]
            self.barriers = set(range(len(self.levels)))
        self.slots = self._number_buffers()
        most = max((emitted.scratch for level in self.levels for emitted in level), default=0)
        self.scratch = -(-most // ALIGN) * ALIGN + ALIGN

    def _number_buffers(self) -> dict[External, int]:
        slots: dict[External, int] = {}
        for level in self.levels:
            for emitted in level:
                for buffer in emitted.buffers:
                    if not isinstance(buffer, Part) and buffer not in self.plan.offsets:
                        slots.setdefault(buffer, FIRST_BUFFER + len(slots))
        return slots

    def address(self, buffer: Buffer) -> tuple[str, int]:
        """("arena", offset) or ("fixed" or "stepped", slot)."""
        if isinstance(buffer, Part):
            start = buffer.offset * buffer.whole.dtype.itemsize
            return "arena", self.plan.offsets[buffer.whole] + start
        if isinstance(buffer, Node) and buffer in self.plan.offsets:
            return "arena", self.plan.offsets[buffer]
        stepped = isinstance(buffer, Target) or (isinstance(buffer, Node) and buffer.op == "input")
        return ("stepped" if stepped else "fixed"), self.slots[buffer]

    def stride(self, buffer: Buffer) -> int:
        """Bytes from one step's part of an input or output to the next one's; 0 of the others."""
        if self.address(buffer)[0] != "stepped":
            return 0
        node = self.plan.graph.outputs[buffer.name] if isinstance(buffer, Target) else buffer
        assert isinstance(node, Node)
        return node.size * node.dtype.itemsize

    @once
    def functions(self) -> dict[str, Function]:
        """Every function but the entry, in loop IR, by name."""
        functions: dict[str, Function] = {}
        for level in self.levels:
            for emitted in level:
                if emitted.function not in functions:
                    functions[emitted.function] = emitted.code()
        return functions

    @property
    def entry(self) -> Function:
        """The function that runs all kernels, step after step."""
        clock = self.isa.clock if self.timed else ""
        return entry(self.levels, self.barriers, self.address, self.stride, self.scratch, clock)

    @once
    def text(self) -> str:
        """The LLVM text of all kernels and the entry."""
        return module_text(list(self.functions.values()), self.entry, barrier_text(self.isa))

    @property
    def key(self) -> str | None:
        """The hash of everything that the text depends on, mostly computed without writing the text.

        None if the compiler cannot be told from another one.
        """
        compiler = fingerprint()
        if compiler is None:
            return None
        if any(OP_FACTS[node.op].external for node in self.plan.graph.nodes):
            # The compiler's hash does not cover their lowerings; the text does.
            return hashlib.sha256(f"{compiler} {self.text}".encode()).hexdigest()
        parts: list[object] = [compiler, self.isa, self.scratch, self.timed]
        for depth, level in enumerate(self.levels):
            parts.append(("level", depth in self.barriers))
            for emitted in level:
                addresses = [(self.address(b), self.stride(b)) for b in emitted.buffers]
                parts.append((emitted.signature, emitted.function, addresses))
        return hashlib.sha256(repr(parts).encode()).hexdigest()


def check_lowered(graph: Graph) -> None:
    """Raise NotImplementedError that names an op without a lowering."""
    for op in not_lowered(graph.nodes):
        raise NotImplementedError(
            f"there is no lowering of op {op!r}: declare one with pellucid.compile.declare_lowering, "
            "or run the graph by pellucid.Reference"
        )


@cache
def fingerprint() -> str | None:
    """The hash of the compiler's own code, so that no object outlives the compiler that wrote it.

    None where that code cannot be read, as in some frozen programs.
    """
    return code_hash(("pellucid.compile", "pellucid.graph"))
